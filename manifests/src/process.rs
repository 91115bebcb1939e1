//! Running other programs, and failing loudly when they do.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Announces a part of the work on standard output.
pub(crate) fn heading(text: &str) {
    println!("\n== {text} ==");
}

/// Runs a command with this process's own input and output.
///
/// # Errors
///
/// When it can't be started, or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("can't start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output.
///
/// # Errors
///
/// When it can't be started, ends with anything but success, or does not write text.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("can't start `{shown}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, said.trim());
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{shown}` wrote something that is not text"))?;
    Ok(text.trim_end().to_owned())
}

/// cargo, the one that runs this packer, at work in the repository.
pub(crate) fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace.root())
        .env("PATH", search_path());
    if env::var_os("CARGO_TARGET_DIR").is_some() {
        // It may be relative, and was meant from where the person stands.
        command.env("CARGO_TARGET_DIR", workspace.target());
    }
    // `cargo run` sets it for this packer; a compiler other than this one's must not see it.
    command.env_remove("LD_LIBRARY_PATH");
    command
}

/// Where a program lies, if this computer has it.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&search_path())
        .map(|place| place.join(program))
        .find(|file| file.is_file())
}

/// The search path, with the places that Debian leaves out of it for people who are not root,
/// and the one where `cargo install` puts programs.
pub(crate) fn search_path() -> OsString {
    let given = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&given).collect();
    let more = [cargo_home().join("bin"), "/usr/sbin".into(), "/sbin".into()];
    places.extend(more.into_iter().filter(|place| place.is_dir()));
    env::join_paths(places).unwrap_or(given)
}

/// Where cargo keeps registries and installed programs.
pub(crate) fn cargo_home() -> PathBuf {
    let home = || env::home_dir().unwrap_or_default().join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// Whether this process may do everything on this computer.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// The command as a person would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
