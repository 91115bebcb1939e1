//! Building the WebAssembly modules, and the JavaScript and types around them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::dist;
use crate::private_paths::PrivatePaths;
use crate::process;
use crate::wasm_compiler::{TARGET, WasmCompiler};
use crate::workspace::Workspace;

/// One of the modules that `housekey-wasm` is built as: each holds what its users need, and no
/// page waits for the code of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module {
    /// The feature of `housekey-wasm`, and the name of the generated files.
    name: &'static str,
}

/// All of them.
pub(crate) const MODULES: [Module; 3] = [
    Module { name: "background" },
    Module { name: "pages" },
    Module { name: "trust" },
];

impl Module {
    /// The module's file among the generated ones.
    pub(crate) fn file(self) -> String {
        format!("{}_bg.wasm", self.name)
    }
}

/// Builds `housekey-wasm` and writes what the extension loads to `extension/wasm/`.
///
/// # Errors
///
/// When there is no compiler for WebAssembly, the code does not compile, or a module
/// holds a path of this computer.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let compiler = WasmCompiler::find()
        .context("no Rust compiler for WebAssembly; `cargo xtask setup` brings one")?;
    println!("{}", compiler.describe());
    let private = PrivatePaths::of(workspace, compiler.library_source());

    let target = workspace.target().join("wasm");
    let generated = target.join("bindgen");
    if generated.exists() {
        fs::remove_dir_all(&generated)?;
    }
    for module in MODULES {
        let linked = compile(workspace, &compiler, &private, &target, module)?;
        bind(&linked, &generated, module)?;
    }
    let files = dist::read(&generated)?;
    for (name, content) in &files {
        private.check(name, content)?;
    }
    dist::mirror(&files, &workspace.generated_wasm())
}

/// Compiles a module, and says where it is.
fn compile(
    workspace: &Workspace,
    compiler: &WasmCompiler,
    private: &PrivatePaths,
    target: &Path,
    module: Module,
) -> Result<PathBuf> {
    let mut cargo = process::cargo(workspace);
    cargo.args(["rustc", "--locked", "--package", "housekey-wasm", "--lib"]);
    // The library is also a plain Rust one, for tests; here only the module is wanted.
    cargo.args(["--crate-type", "cdylib", "--profile", PROFILE]);
    cargo.args(["--no-default-features", "--features", module.name]);
    cargo.arg("--target-dir").arg(target);
    compiler.apply(&mut cargo);
    private.hide(&mut cargo);
    process::run(&mut cargo)?;
    Ok(target.join(TARGET).join(PROFILE).join("housekey_wasm.wasm"))
}

/// wasm-bindgen, linked in: it is always exactly the version of the library.
fn bind(linked: &Path, out: &Path, module: Module) -> Result<()> {
    Bindgen::new()
        .input_path(linked)
        .out_name(module.name)
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
