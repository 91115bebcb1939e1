//! Measuring what Housekey costs, beside what could stand in its place.

use std::ffi::OsString;

use anyhow::Result;

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
