//! What the stores are told, held against what is true and what they accept.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::browser::Browser;
use crate::manifest;
use crate::workspace::Workspace;

#[test]
fn every_permission_is_justified_and_no_other() {
    let text = read("permissions.md");
    let justified: BTreeSet<&str> = sections(&text, "### ")
        .filter_map(|(title, _)| title.strip_prefix('`')?.strip_suffix('`'))
        .collect();
    let mut asked = BTreeSet::new();
    for browser in Browser::ALL {
        let manifest = manifest(browser);
        for permission in strings(&manifest["permissions"]) {
            assert!(justified.contains(permission.as_str()), "{permission}");
            asked.insert(permission);
        }
        for host in strings(&manifest["host_permissions"]) {
            assert!(text.contains(&format!("`{host}`")), "{host}");
        }
        assert!(
            manifest.get("optional_permissions").is_none(),
            "justify them too"
        );
        let policy = &manifest["content_security_policy"]["extension_pages"];
        let scripts = policy.as_str().unwrap().split(';').next().unwrap();
        assert!(text.contains(&format!("`{scripts}`")), "{scripts}");
    }
    for permission in justified {
        assert!(asked.contains(permission), "{permission} is not asked for");
    }
    for (title, body) in sections(&text, "### ") {
        assert!(body.trim().len() > 60, "{title} says too little");
    }
}

#[test]
fn listings_say_what_the_extension_says_and_fit() {
    let root = Workspace::here().unwrap().root().to_owned();
    for language in LANGUAGES {
        let text = read(&format!("listing/{language}.md"));
        let section = |wanted: &str| {
            let mut found = sections(&text, "## ").filter(|(title, _)| *title == wanted);
            found.next().unwrap().1.trim().to_owned()
        };
        let messages = root.join(format!("extension/_locales/{language}/messages.json"));
        let messages: Value = serde_json::from_slice(&fs::read(messages).unwrap()).unwrap();
        let message = |name: &str| messages[name]["message"].as_str().unwrap().to_owned();
        assert_eq!(
            text.lines().next().unwrap(),
            format!("# {}", message("extensionName"))
        );
        assert_eq!(section("Summary"), message("extensionDescription"));
        assert!(section("Summary").chars().count() <= SUMMARY, "{language}");
        assert!(
            section("Description").chars().count() <= DESCRIPTION,
            "{language}"
        );
    }
}

#[test]
fn pictures_have_the_size_that_the_stores_want() {
    for language in LANGUAGES {
        let mut pictures = 0;
        for entry in fs::read_dir(store().join("screenshots").join(language)).unwrap() {
            let picture = fs::read(entry.unwrap().path()).unwrap();
            assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
            assert_eq!(picture[16..24], [0, 0, 5, 0, 0, 0, 3, 32], "1280 by 800");
            pictures += 1;
        }
        assert!((3..=5).contains(&pictures), "{pictures} in {language}");
    }
}

fn sections<'a>(text: &'a str, mark: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let parts = text.split("\n#").skip(1);
    parts.filter_map(move |part| part.strip_prefix(&mark[1..])?.split_once('\n'))
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn manifest(browser: Browser) -> Value {
    let manifest = manifest::for_browser(&Workspace::here().unwrap(), browser).unwrap();
    serde_json::from_slice(&manifest).unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(store().join(path)).unwrap()
}

fn store() -> std::path::PathBuf {
    Workspace::here().unwrap().root().join("manifests/store")
}

const LANGUAGES: [&str; 2] = ["de", "en"];

/// Chrome's limit in characters (<https://developer.chrome.com/docs/extensions/reference/manifest/description>);
/// Mozilla allows 250.
const SUMMARY: usize = 132;

/// Chrome's limit in characters.
const DESCRIPTION: usize = 16_000;
