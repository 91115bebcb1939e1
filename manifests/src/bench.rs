//! Measuring what Housekey costs, beside what could stand in its place.

use std::ffi::OsString;
use std::fs;

use anyhow::Result;

use crate::browser::Browser;
use crate::checks;
use crate::helper::{self, Profile};
use crate::process;
use crate::workspace::Workspace;

/// Builds the helper and the load tool optimised, and measures.
///
/// # Errors
///
/// When something does not compile, or Housekey cannot be measured.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    process::heading("helper");
    helper::build(workspace, Profile::Release)?;
    process::heading("benchmark");
    let mut cargo = process::cargo(workspace);
    cargo.args(["run", "--quiet", "--release", "--locked"]);
    cargo.args(["--package", "housekey-tests", "--bin", "bench", "--"]);
    cargo.arg("--out").arg(workspace.target().join("bench"));
    cargo.args(arguments);
    cargo.env("HOUSEKEY_BENCH_BIN", Profile::Release.helper(workspace));
    process::run(&mut cargo)
}

/// Measures pages and questions in both browsers, with what was built optimised, and leaves a file
/// of JSON for each.
///
/// # Errors
///
/// When something does not compile, or a browser does not do what it should.
pub(crate) fn browsers(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    let place = workspace.target().join("bench");
    fs::create_dir_all(&place)?;
    for browser in Browser::ALL {
        process::heading(&format!("pages in {browser}"));
        let mut cargo = checks::with_what_was_built(workspace);
        cargo.env("HOUSEKEY_BIN", Profile::Release.helper(workspace));
        cargo.args(["run", "--quiet", "--release", "--locked"]);
        cargo.args(["--package", "housekey-tests", "--bin", "measure", "--"]);
        cargo
            .arg("--out")
            .arg(place.join(format!("{}.json", browser.argument())));
        cargo
            .args(["--browser", browser.argument()])
            .args(arguments);
        process::run(&mut cargo)?;
    }
    Ok(())
}
