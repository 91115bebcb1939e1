//! Comparing what passes through the gateway with what passes directly.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::helper::{self, Profile};
use crate::process;
use crate::workspace::Workspace;

/// Builds the helper and the comparison optimised, brings the Autobahn test suite where that can
/// be done, and compares.
///
/// # Errors
///
/// When something does not compile, or anything passes otherwise than directly.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    process::heading("Autobahn test suite");
    let base = workspace.target().join("autobahn");
    let suite = bring_suite(&base);
    process::heading("helper");
    helper::build(workspace, Profile::Release)?;
    process::heading("comparison");
    let mut cargo = process::cargo(workspace);
    cargo.args(["run", "--quiet", "--release", "--locked"]);
    cargo.args(["--package", "housekey-tests", "--bin", "fidelity", "--"]);
    cargo.arg("--out").arg(workspace.target().join("fidelity"));
    match &suite {
        Ok(python) => {
            cargo.arg("--python").arg(python).arg("--base").arg(&base);
        }
        Err(error) => eprintln!("WebSocket is left out: {error:#}"),
    }
    cargo.args(arguments);
    cargo.env("HOUSEKEY_BENCH_BIN", Profile::Release.helper(workspace));
    process::run(&mut cargo)
}

/// Installs the suite into a directory of its own, unless it is there, and says which Python runs
/// it.
fn bring_suite(base: &Path) -> Result<PathBuf> {
    let python = python().context(
        "the Autobahn test suite needs Python 2.7, which Debian has no more; \
         `pyenv install 2.7.18` brings it",
    )?;
    let with_base = || {
        let mut command = Command::new(&python);
        command.env("PYTHONUSERBASE", base);
        command
    };
    let imported = process::output(with_base().args(["-c", "import autobahntestsuite.fuzzing"]));
    if imported.is_err() {
        fs::create_dir_all(base)?;
        let mut pip = with_base();
        pip.args([
            "-m",
            "pip",
            "install",
            "--user",
            "--no-warn-script-location",
        ]);
        process::run(pip.arg(SUITE))?;
    }
    println!("{SUITE}, run by {}", python.display());
    Ok(python)
}

/// Python 2.7 on the search path, or one that pyenv brought.
fn python() -> Option<PathBuf> {
    let pyenv = || {
        let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
        let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")))?;
        let versions = fs::read_dir(root.join("versions")).ok()?.flatten();
        let mut programs = versions.map(|version| version.path().join("bin/python2.7"));
        programs.find(|program| program.is_file())
    };
    // What pyenv puts into the search path for every version answers for the chosen one only.
    let answers = |python: &PathBuf| {
        let version = process::output(Command::new(python).args(["-c", "print(1)"]));
        version.is_ok()
    };
    process::find("python2.7").filter(answers).or_else(pyenv)
}

/// Its newest version.
const SUITE: &str = "autobahntestsuite==25.10.1";
