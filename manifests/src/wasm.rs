//! Building the WebAssembly module, and the JavaScript and types around it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::dist;
use crate::private_paths::PrivatePaths;
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
    let private = PrivatePaths::of(workspace, compiler.library_source());

    let target = workspace.target().join("wasm");
    let mut cargo = process::cargo(workspace);
    cargo.args(["rustc", "--locked", "--package", "housekey-wasm", "--lib"]);
    // The library is also a plain Rust one, for tests; here only the module is wanted.
    cargo.args(["--crate-type", "cdylib", "--profile", PROFILE]);
    cargo.arg("--target-dir").arg(&target);
    compiler.apply(&mut cargo);
    private.hide(&mut cargo);
    process::run(&mut cargo)?;

    let linked = target.join(TARGET).join(PROFILE).join("housekey_wasm.wasm");
    let generated = target.join("bindgen");
    if generated.exists() {
        fs::remove_dir_all(&generated)?;
    }
    bind(&linked, &generated)?;
    let files = dist::read(&generated)?;
    for (name, content) in &files {
        private.check(name, content)?;
    }
    dist::mirror(&files, &workspace.generated_wasm())
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

/// Of the root `Cargo.toml`.
const PROFILE: &str = "wasm";
