//! What testssl.sh says of the side of the gateway that a browser sees.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::checks;
use crate::process;
use crate::workspace::Workspace;

/// Lets it look at the helper as it was built, in a network of its own, and reads its report.
///
/// # Errors
///
/// When it finds something that nobody explained, or cannot be started.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let report = workspace.target().join("testssl.json");
    let mut cargo = checks::with_what_was_built(workspace);
    cargo.args(["run", "--quiet", "--locked", "--package", "housekey-tests"]);
    process::run(cargo.args(["--bin", "testssl", "--"]).arg(&report))?;
    let report = fs::read_to_string(&report).context("testssl.sh left no report")?;
    judge(&report, EXPLAINED)
}

/// Reads a report: nothing that it warns of but what is explained.
fn judge(report: &str, explained: &str) -> Result<()> {
    let report: Value = serde_json::from_str(report).context("this is no report")?;
    let findings = report.as_array().context("this is no report")?;
    ensure!(findings.len() > 100, "it looked at next to nothing");
    let lines = explained.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut unused: BTreeSet<_> = lines.clone().collect();
    for finding in findings {
        let (id, severity) = (&finding["id"], finding["severity"].as_str());
        if matches!(severity, Some("OK" | "INFO" | "DEBUG")) {
            continue;
        }
        let id = id.as_str().unwrap_or_default();
        let mut lines = lines.clone();
        let line = lines.find(|line| line.split(' ').next() == Some(id));
        let line = line.with_context(|| format!("nobody explained this: {finding}"))?;
        ensure!(line.contains(' '), "{id} is explained by nothing");
        unused.remove(line);
        println!("{line}");
    }
    ensure!(unused.is_empty(), "explained, and never found: {unused:?}");
    Ok(())
}

const EXPLAINED: &str = include_str!("../testssl/explained.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_explained_findings_pass() {
        let report = |found: &[(&str, &str)]| {
            let good = std::iter::repeat_n(("protocol", "OK"), 101);
            let all = good.chain(found.iter().copied());
            let all = all.map(|(id, severity)| serde_json::json!({"id": id, "severity": severity}));
            Value::Array(all.collect()).to_string()
        };
        let known = [("HSTS", "LOW")];
        let explained = "# why\n\nHSTS because";
        assert!(judge(&report(&[]), "").is_ok());
        assert!(judge(&report(&known), explained).is_ok());
        assert!(judge(&report(&known), "HSTS").is_err());
        assert!(judge(&report(&[]), explained).is_err());
        for severity in ["LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL"] {
            assert!(judge(&report(&[("RC4", severity)]), "").is_err());
        }
        assert!(judge("[]", "").is_err() && judge("{}", "").is_err() && judge("", "").is_err());
    }
}
