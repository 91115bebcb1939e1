//! Building the helper, and putting it into use.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::private_paths::PrivatePaths;
use crate::process;
use crate::workspace::Workspace;

/// How the helper is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quickly, for tests.
    Debug,
    /// For use.
    Release,
}

impl Profile {
    pub(crate) fn from_release(release: bool) -> Self {
        if release { Self::Release } else { Self::Debug }
    }

    /// The helper's program file.
    pub(crate) fn helper(self, workspace: &Workspace) -> PathBuf {
        let directory = match self {
            Self::Debug => "debug",
            Self::Release => "release",
        };
        workspace.target().join(directory).join("housekey")
    }
}

/// Compiles the helper.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    let mut cargo = process::cargo(workspace);
    cargo.args(["build", "--locked", "--package", "housekey"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    println!("{}", profile.helper(workspace).display());
    Ok(())
}

/// Compiles the helper for other people: optimised, and without a name of this computer in it.
///
/// # Errors
///
/// When it does not compile, or names a place of this computer.
pub(crate) fn build_for_others(workspace: &Workspace) -> Result<PathBuf> {
    let private = PrivatePaths::of(workspace, None);
    // Apart from the builds of every day, which have other flags.
    let target = workspace.target().join("package");
    let mut cargo = process::cargo(workspace);
    cargo.args(["build", "--locked", "--package", "housekey", "--release"]);
    cargo.arg("--target-dir").arg(&target);
    private.hide(&mut cargo);
    process::run(&mut cargo)?;
    let program = target.join("release").join("housekey");
    private.check("the helper", &fs::read(&program)?)?;
    Ok(program)
}

/// Runs `housekey install`, which asks the person what it must ask.
///
/// # Errors
///
/// When it fails.
pub(crate) fn install(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    process::heading("housekey install");
    let mut housekey = Command::new(Profile::Release.helper(workspace));
    process::run(
        housekey
            .arg("install")
            .args(arguments)
            .env("PATH", process::search_path()),
    )
}
