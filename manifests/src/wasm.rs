//! Building the WebAssembly module, and the JavaScript and types around it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::dist;
use crate::process;
use crate::wasm_compiler::{TARGET, WasmCompiler};
use crate::workspace::Workspace;

/// The module's file among the generated ones.
pub(crate) const MODULE: &str = "housekey_wasm_bg.wasm";

/// Builds `housekey-wasm` and writes what the extension loads to `extension/wasm/`.
///
/// # Errors
///
/// When there is no compiler for WebAssembly, the code does not compile, or the module
/// holds a path of this computer.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let compiler = WasmCompiler::find()
        .context("no Rust compiler for WebAssembly; `cargo xtask setup` brings one")?;
    println!("{}", compiler.describe());
    let private = PrivatePaths::of(workspace, &compiler);

    let target = workspace.target().join("wasm");
    let mut cargo = process::cargo(workspace);
    cargo.args(["rustc", "--locked", "--package", "housekey-wasm", "--lib"]);
    // The library is also a plain Rust one, for tests; here only the module is wanted.
    cargo.args(["--crate-type", "cdylib", "--profile", PROFILE]);
    cargo.arg("--target-dir").arg(&target);
    compiler.apply(&mut cargo);
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", private.remap_flags())
        .env_remove("RUSTFLAGS");
    process::run(&mut cargo)?;

    let linked = target.join(TARGET).join(PROFILE).join("housekey_wasm.wasm");
    let generated = target.join("bindgen");
    if generated.exists() {
        fs::remove_dir_all(&generated)?;
    }
    bind(&linked, &generated)?;
    private.check(&generated.join(MODULE))?;
    dist::mirror(&dist::read(&generated)?, &workspace.generated_wasm())
}

/// wasm-bindgen, linked in: it is always exactly the version of the library.
fn bind(linked: &Path, out: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(linked)
        .web(true)?
        .typescript(true)
        .debug(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out)
        .context("wasm-bindgen failed")
}

/// Places of this computer that no module may name: they would tell about the person who
/// built it, and make the same source build differently elsewhere.
struct PrivatePaths {
    /// What each is called in the module instead; later ones win.
    renamed: Vec<(PathBuf, &'static str)>,
}

impl PrivatePaths {
    fn of(workspace: &Workspace, compiler: &WasmCompiler) -> Self {
        let cargo_home = process::cargo_home();
        let mut renamed = Vec::new();
        renamed.extend(env::home_dir().map(|home| (home, "/home")));
        // Each registry's directory is named after its host.
        let registries = fs::read_dir(cargo_home.join("registry").join("src"));
        let registries = registries.into_iter().flatten().flatten();
        renamed.push((cargo_home, "/cargo"));
        renamed.extend(registries.map(|registry| (registry.path(), "/crates")));
        renamed.push((workspace.root().to_owned(), "/housekey"));
        if !workspace.target().starts_with(workspace.root()) {
            renamed.push((workspace.target().to_owned(), "/target"));
        }
        renamed.extend(
            compiler
                .library_source()
                .map(|library| (library, "/rustc/library")),
        );
        Self { renamed }
    }

    /// `CARGO_ENCODED_RUSTFLAGS`: the form that stands spaces in a path.
    fn remap_flags(&self) -> OsString {
        let mut flags = OsString::new();
        for (from, to) in &self.renamed {
            if !flags.is_empty() {
                flags.push("\x1f");
            }
            flags.push("--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        }
        flags
    }

    /// Holds the finished module against the list, lest a compiler let one through.
    fn check(&self, module: &Path) -> Result<()> {
        let bytes = fs::read(module)?;
        for (path, _) in &self.renamed {
            let needle = path.as_os_str().as_encoded_bytes();
            // The root of a container's only user is no more than `/`.
            if needle.len() > 1 && contains(&bytes, needle) {
                bail!(
                    "the WebAssembly module names {}; it must not",
                    path.display()
                );
            }
        }
        Ok(())
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Of the root `Cargo.toml`.
const PROFILE: &str = "wasm";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_renamed_one_flag_each_with_the_inner_ones_last() {
        let private = PrivatePaths {
            renamed: vec![
                ("/home/a b".into(), "/home"),
                ("/home/a b/c".into(), "/housekey"),
            ],
        };
        let expected = "--remap-path-prefix=/home/a b=/home\x1f\
                        --remap-path-prefix=/home/a b/c=/housekey";
        assert_eq!(private.remap_flags(), expected);
    }

    #[test]
    fn module_that_names_a_private_path_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let module = directory.path().join(MODULE);
        let private = PrivatePaths {
            renamed: vec![("/home/someone".into(), "/home")],
        };
        fs::write(&module, b"\0asm /housekey/wasm/src/lib.rs").unwrap();
        private.check(&module).unwrap();
        fs::write(&module, b"\0asm /home/someone/wasm/src/lib.rs").unwrap();
        let error = private.check(&module).unwrap_err().to_string();
        assert!(error.contains("/home/someone"), "{error}");
    }
}
