//! Chain validation against x509-limbo, which others wrote.

use std::path::{Path, absolute};
use std::process::Command;

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
    // Thousands of signatures, and bounds on time: optimised as what is installed.
    let mut limbo = limbo(workspace, &["--release"]);
    // The person means their own directory, the suite runs in the repository's.
    process::run(limbo.arg(absolute(suite)?))
}

/// Writes its certificates and chains where the targets of `tests/fuzz` find seeds.
///
/// # Errors
///
/// When the file can't be read, or a seed not be written.
pub(crate) fn write_seeds(workspace: &Workspace, suite: &Path, seeds: &Path) -> Result<()> {
    process::heading("seeds of x509-limbo");
    let mut limbo = limbo(workspace, &[]);
    process::run(limbo.arg(suite).arg("--seeds").arg(seeds))
}

fn limbo(workspace: &Workspace, built: &[&str]) -> Command {
    let mut cargo = process::cargo(workspace);
    cargo.args(["run", "--quiet", "--locked"]).args(built);
    cargo.args(["--package", "housekey-limbo", "--"]);
    cargo
}
