//! The demonstration, and every check and test there is.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::Result;

use crate::browser::Browser;
use crate::gallery;
use crate::helper::Profile;
use crate::process;
use crate::workspace::Workspace;

/// Starts the demonstration of `tests/`.
///
/// # Errors
///
/// When a step of it did not hold.
pub(crate) fn demo(
    workspace: &Workspace,
    headless: bool,
    browser: Browser,
    out: Option<&OsStr>,
) -> Result<()> {
    process::heading("demonstration");
    let mut cargo = with_what_was_built(workspace);
    cargo.args([
        "run",
        "--quiet",
        "--locked",
        "--package",
        "housekey-tests",
        "--bin",
        "demo",
    ]);
    cargo.args(["--", "--browser", browser.argument()]);
    if headless {
        cargo.arg("--headless");
    }
    if let Some(out) = out {
        // The person means their own directory, the demonstration runs in the repository's.
        cargo.arg("--out").arg(std::path::absolute(out)?);
    }
    process::run(&mut cargo)
}

/// Checks and tests everything; with a filter, only the tests whose name contains it.
///
/// # Errors
///
/// At the first check that fails.
pub(crate) fn all(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    if filter.is_none() {
        process::heading("format");
        process::run(process::cargo(workspace).args(["fmt", "--all", "--check"]))?;

        process::heading("lints");
        let mut clippy = process::cargo(workspace);
        clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--"]);
        process::run(clippy.args(["-D", "warnings"]))?;

        process::heading("types of the extension's JavaScript");
        gallery::bring_packages(workspace)?;
        process::run(
            Command::new("npx")
                .args(["tsc", "--noEmit"])
                .current_dir(workspace.extension()),
        )?;
    }
    gallery::bring_missing_packages(workspace)?;
    process::heading("tests");
    let mut tests = with_what_was_built(workspace);
    process::run(tests.args(["test", "--workspace", "--locked"]).args(filter))
}

/// cargo with the variables by which the tests find what the packer built.
pub(crate) fn with_what_was_built(workspace: &Workspace) -> Command {
    let mut cargo = process::cargo(workspace);
    cargo.env("HOUSEKEY_BIN", Profile::Debug.helper(workspace));
    cargo.env("HOUSEKEY_DIST", workspace.dist());
    cargo
}
