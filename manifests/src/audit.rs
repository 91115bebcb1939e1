//! Checks that others wrote: of the libraries, of the gateway's TLS, and of the extension as
//! Mozilla reviews it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process;
use crate::testssl;
use crate::workspace::Workspace;

/// Checks licences, sources and known holes of every library, the extension for Firefox, and the
/// gateway's TLS.
///
/// The list of known holes, and Mozilla's linter, come over the network. What could not be
/// checked without it is said, and is no success.
///
/// # Errors
///
/// At the first check that finds something, or something that nobody has explained; else when
/// something could not be checked.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    process::heading("licences, sources and bans of libraries");
    process::run(deny(workspace).args(["check", "bans", "licenses", "sources"]))?;

    let mut undone = Vec::new();
    process::heading("known holes of libraries");
    match process::run(deny(workspace).args(["fetch", "db"])) {
        Ok(()) => process::run(deny(workspace).args(["check", "advisories"]))?,
        Err(error) => {
            undone.push(format!("libraries for the newest known holes: {error:#}"));
            // With the list of the last time, unless cargo-deny finds it too old.
            let mut known = deny(workspace);
            process::run(known.args(["--offline", "check", "advisories"]))?;
        }
    }

    process::heading("the gateway, as a browser sees it");
    testssl::run(workspace)?;

    process::heading("the extension, as Mozilla reviews it");
    match bring_linter(workspace) {
        Ok(()) => judge(&lint(workspace)?, EXPLAINED)?,
        Err(error) => undone.push(format!("the extension with Mozilla's linter: {error:#}")),
    }

    for what in &undone {
        eprintln!("not checked: {what}");
    }
    match undone.len() {
        0 => Ok(()),
        some => bail!("{some} of the checks could not be made"),
    }
}

/// cargo-deny, with `deny.toml`.
fn deny(workspace: &Workspace) -> Command {
    let mut cargo = process::cargo(workspace);
    cargo.args(["deny", "--workspace", "--locked"]);
    cargo
}

/// Its packages are its own, so that the tests do not wait for them.
fn bring_linter(workspace: &Workspace) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]);
    process::run(npm.current_dir(workspace.root().join(LINTER)))
}

/// The linter's report, which is also there where it ends with an error.
fn lint(workspace: &Workspace) -> Result<String> {
    let mut linter = Command::new("npx");
    linter.args(["addons-linter", "--output", "json"]);
    linter.arg(workspace.dist().join("firefox"));
    linter.current_dir(workspace.root().join(LINTER));
    let output = linter
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("can't start npx")?;
    String::from_utf8(output.stdout).context("the linter wrote something that is not text")
}

/// Reads the linter's report: no error, and no warning but those that are explained.
fn judge(report: &str, explained: &str) -> Result<()> {
    let report: Value = serde_json::from_str(report).context("the linter wrote no report")?;
    let lines = explained.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut unused: BTreeSet<_> = lines.clone().collect();
    for kind in ["errors", "notices", "warnings"] {
        let messages = report[kind]
            .as_array()
            .context("a part of the report is missing")?;
        for message in messages {
            ensure!(kind != "errors", "an error: {message}");
            let code = message["code"].as_str().unwrap_or_default();
            let mut lines = lines.clone();
            let line = lines.find(|line| line.split(' ').next() == Some(code));
            let line = line.with_context(|| format!("nobody explained this: {message}"))?;
            ensure!(line.contains(' '), "{code} is explained by nothing");
            unused.remove(line);
            println!("{line}");
        }
    }
    ensure!(unused.is_empty(), "explained, and never said: {unused:?}");
    Ok(())
}

/// Where Mozilla's linter is named, and what of it is explained.
const LINTER: &str = "manifests/linter";
const EXPLAINED: &str = include_str!("../linter/explained.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_explained_warnings_pass() {
        let report = |errors: &str, warnings: &str| {
            format!(r#"{{"errors":[{errors}],"warnings":[{warnings}],"notices":[]}}"#)
        };
        let (known, other) = (r#"{"code":"KNOWN"}"#, r#"{"code":"UNSAFE_VAR_ASSIGNMENT"}"#);
        let explained = "# why\n\nKNOWN because";
        assert!(judge(&report("", ""), "").is_ok());
        assert!(judge(&report("", known), explained).is_ok());
        assert!(judge(&report("", known), "KNOWN").is_err());
        assert!(judge(&report("", ""), explained).is_err());
        assert!(judge(&report("", other), explained).is_err());
        assert!(judge(&report(known, ""), explained).is_err());
        assert!(judge("{}", explained).is_err() && judge("", explained).is_err());
    }
}
