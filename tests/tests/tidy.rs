//! The rules of this code base that a compiler does not know.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What git tracks, or would track.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8(listed.stdout).unwrap();
    let exists = |file: &&str| root().join(file).is_file();
    listed.lines().filter(exists).map(str::to_owned).collect()
}

fn files_ending_in(ends: &[&str]) -> Vec<(String, String)> {
    let wanted = |file: &String| ends.iter().any(|end| file.ends_with(end));
    files()
        .into_iter()
        .filter(wanted)
        .map(|file| (file.clone(), read(&file)))
        .collect()
}

fn depends(package: &str, on: &str) -> bool {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--package", package])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    let tree = String::from_utf8(tree.stdout).unwrap();
    tree.lines().any(|line| line.split(' ').next() == Some(on))
}

#[test]
fn dependencies_point_one_way() {
    for (package, forbidden) in [
        ("housekey-core", "tokio"),
        ("housekey-core", "rustls"),
        ("housekey-core", "wasm-bindgen"),
        ("housekey-core", "web-sys"),
        ("housekey", "wasm-bindgen"),
        ("housekey-wasm", "tokio"),
        ("housekey-wasm", "rustls"),
    ] {
        assert!(
            !depends(package, forbidden),
            "{package} depends on {forbidden}"
        );
    }
    assert!(depends("housekey", "housekey-core") && depends("housekey-wasm", "housekey-core"));
}

/// A compiler that forbids it cannot be told otherwise further down, but a package could leave the
/// workspace's lints out.
#[test]
fn nothing_of_ours_is_unsafe() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    for (file, text) in files_ending_in(&["Cargo.toml"]) {
        // libFuzzer's side is one macro call for each target; the macro is not ours.
        if file != "Cargo.toml" && file != "tests/fuzz/libfuzzer/Cargo.toml" {
            let inherits = text.contains("[lints]\nworkspace = true");
            assert!(inherits, "{file} does not take over the workspace's lints");
        }
    }
    let keyword = ["un", "safe"].concat();
    for (file, text) in files_ending_in(&[".rs"]) {
        for line in text.lines().map(code) {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(!words.any(|word| word == keyword), "{file}: {line}");
        }
    }
}

/// The reason of an exception in `deny.toml`.
#[test]
fn dates_of_mail_are_not_read() {
    let format = ["Rfc", "2822"].concat();
    for (file, text) in files_ending_in(&[".rs"]) {
        assert!(!text.contains(&format), "{file}");
    }
}

#[test]
fn the_core_touches_nothing() {
    for (file, text) in files_ending_in(&[".rs"]) {
        if !file.starts_with("wasm/core/src/") {
            continue;
        }
        for forbidden in [
            "std::fs",
            "std::net::Tcp",
            "std::thread",
            "SystemTime",
            "Instant::",
            "std::env",
            "std::process",
        ] {
            assert!(!text.contains(forbidden), "{file} contains {forbidden}");
        }
    }
}

#[test]
fn no_text_becomes_markup_or_code() {
    let sources = files_ending_in(&[".js", ".rs", ".html"]);
    for (file, text) in sources {
        if file.ends_with("tidy.rs") || file.starts_with("tests/") {
            continue;
        }
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "set_inner_html",
            "document.write",
            "eval(",
            "new Function",
            "javascript:",
        ] {
            assert!(!text.contains(forbidden), "{file} contains {forbidden}");
        }
        if file.ends_with(".html") {
            for forbidden in [
                " onclick", " onload", " style=", "<style", "http:", "https:",
            ] {
                assert!(!text.contains(forbidden), "{file} contains {forbidden}");
            }
        }
    }
}

#[test]
fn each_javascript_file_keeps_to_its_part() {
    let scripts = files_ending_in(&[".js"]);
    let extension = scripts
        .iter()
        .filter(|(file, _)| file.starts_with("extension/"));
    for (file, text) in extension {
        let touches = |name: &str| text.lines().map(code).find(|line| line.contains(name));
        if !file.ends_with("lib/ext.js") {
            for api in ["chrome.", "browser."] {
                assert_eq!(touches(api), None, "{file} touches the browser");
            }
        }
        if !file.ends_with("lib/helper.js") {
            for native in ["connectNative", "sendNativeMessage"] {
                assert_eq!(touches(native), None, "{file} talks to the helper");
            }
        }
        if !file.ends_with("background.js") {
            for listener in ["webRequest.on", "runtime.onMessage.", "tabs.on"] {
                assert_eq!(touches(listener), None, "{file} listens");
            }
        }
    }
}

/// A line without its comments, in which types are named and links stand.
fn code(line: &str) -> &str {
    let line = line.split("//").next().unwrap_or_default();
    let line = line.split("/*").next().unwrap_or_default().trim_start();
    if line.starts_with('*') { "" } else { line }
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let security = read("SECURITY.md");
    let sources: String = files_ending_in(&[".rs"])
        .into_iter()
        .map(|(_, text)| text + "\n")
        .collect();
    let transcripts = files();
    let mut promises = 0;
    let is_promise = |line: &&str| {
        let number = line.strip_prefix("| S");
        number.is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
    };
    for line in security.lines().filter(is_promise) {
        let proof = line.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<_> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test is named in: {line}");
        for name in names {
            let is_test = sources.contains(&format!("fn {name}("));
            let is_file = transcripts.iter().any(|file| file.ends_with(name));
            assert!(is_test || is_file, "there is no test {name}: {line}");
        }
        promises += 1;
    }
    assert!(promises >= 20, "only {promises} promises were found");
}
