//! Chain validation against x509-limbo, which others wrote.

use std::path::{Path, absolute};

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Runs x509-limbo's file through the helper's own chain validation.
///
/// # Errors
///
/// When a verdict is not the expected one and no decision explains it, or a case costs too much.
pub(crate) fn run(workspace: &Workspace, suite: &Path) -> Result<()> {
    process::heading("x509-limbo");
    let mut cargo = process::cargo(workspace);
    // Thousands of signatures, and bounds on time: optimised as what is installed.
    let run = ["run", "--quiet", "--locked", "--release"];
    cargo.args(run).args(["--package", "housekey-limbo", "--"]);
    // The person means their own directory, the suite runs in the repository's.
    process::run(cargo.arg(absolute(suite)?))
}
