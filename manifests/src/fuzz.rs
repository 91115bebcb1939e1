//! What strangers send, made up by libFuzzer.

use std::ffi::OsStr;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// Fuzzes every target of `tests/fuzz`, or one, and shares the time among them.
///
/// What was found worth trying is kept in the build directory, and goes on there the next time.
///
/// # Errors
///
/// At the first target that breaks, whose input is kept too.
pub(crate) fn run(workspace: &Workspace, minutes: u32, only: Option<&str>) -> Result<()> {
    let package = workspace.root().join("tests/fuzz");
    let targets: Vec<_> = targets(&package.join("corpus"))?
        .into_iter()
        .filter(|target| only.is_none_or(|only| only == target))
        .collect();
    ensure!(
        !targets.is_empty(),
        "there is no such target in tests/fuzz/corpus"
    );
    let time = Duration::from_secs(u64::from(minutes) * 60) / u32::try_from(targets.len())?;
    let kept = workspace.target().join("fuzz");
    // The very versions of libraries that ship; cargo adds libFuzzer's own.
    let lock = package.join("libfuzzer/Cargo.lock");
    fs::copy(workspace.root().join("Cargo.lock"), lock)?;
    for target in &targets {
        process::heading(&format!("{target}, for {} s", time.as_secs()));
        let (found, crashes) = (kept.join("corpus").join(target), kept.join("crashes"));
        fs::create_dir_all(&found)?;
        fs::create_dir_all(&crashes)?;
        let mut cargo = process::cargo(workspace);
        cargo.args(["fuzz", "run"]);
        cargo.arg("--fuzz-dir").arg(package.join("libfuzzer"));
        cargo.arg("--target-dir").arg(kept.join("build"));
        // Nothing of ours is unsafe, and without an address sanitizer a stable compiler does.
        cargo.args(["--sanitizer", "none", target]);
        cargo.arg(found).arg(package.join("corpus").join(target));
        if target == "certificate" {
            cargo.arg(workspace.root().join("wasm/core/tests/certificates"));
        }
        cargo.arg("--");
        cargo.arg(format!("-max_total_time={}", time.as_secs()));
        cargo.arg(format!("-artifact_prefix={}/{target}-", crashes.display()));
        cargo.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        process::run(&mut cargo)?;
    }
    Ok(())
}

/// The names of all targets, in order: each has its seeds.
fn targets(corpus: &std::path::Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(corpus).context("can't read tests/fuzz/corpus")?;
    let names = entries.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<Result<Vec<_>>>()?;
    let names = names.iter().filter_map(|name| OsStr::to_str(name));
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
