//! What strangers send, made up by libFuzzer.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::limbo;
use crate::process;
use crate::workspace::Workspace;

/// What to feed to libFuzzer, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// For how long in all
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// x509-limbo's limbo.json, whose certificates and chains are seeds too
    #[arg(long, value_name = "PATH")]
    limbo: Option<PathBuf>,
    /// Only this target of tests/fuzz
    target: Option<String>,
}

/// What libFuzzer said of one target.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// How many inputs were tried.
    executions: u64,
    /// Edges of the program that were reached.
    edges: u64,
    /// Inputs that each reach something that the others do not.
    inputs: u64,
}

impl Fuzz {
    /// Fuzzes every target of `tests/fuzz`, or one, and shares the time among them.
    ///
    /// What was found worth trying is kept in the build directory, and goes on there the next
    /// time. A target that breaks does not keep the others from their time.
    ///
    /// # Errors
    ///
    /// When a target broke, whose input is kept too, or could not be built.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        let package = workspace.root().join("tests/fuzz");
        let mut targets = targets(&package.join("corpus"))?;
        let manifest = fs::read_to_string(package.join("libfuzzer/Cargo.toml"))?;
        // What is built soonest goes first.
        targets.sort_by_key(|target| needs_helper(&manifest, target));
        if let Some(only) = &self.target {
            targets.retain(|target| target == only);
        }
        ensure!(
            !targets.is_empty(),
            "there is no such target in tests/fuzz/corpus"
        );
        let seconds = u64::from(self.minutes) * 60 / u64::try_from(targets.len())?;
        let time = Duration::from_secs(seconds);
        let kept = workspace.target().join("fuzz");
        if let Some(suite) = &self.limbo {
            limbo::write_seeds(workspace, &absolute(suite)?, &kept.join("corpus"))?;
        }
        // The very versions of libraries that ship; cargo adds libFuzzer's own.
        let lock = package.join("libfuzzer/Cargo.lock");
        fs::copy(workspace.root().join("Cargo.lock"), lock)?;

        let mut outcomes = Vec::new();
        for target in &targets {
            process::heading(&format!("{target}, for {seconds} s"));
            let mut command = cargo_fuzz(workspace, target)?;
            libfuzzer(&mut command, workspace, target, time)?;
            outcomes.push((target, watch(&mut command)?));
        }
        process::heading("fuzzed");
        let mut broken = Vec::new();
        for (target, (outcome, whole)) in outcomes {
            let Outcome {
                executions,
                edges,
                inputs,
            } = outcome;
            println!("{target:<16} {executions:>12} tried, {edges:>6} edges, {inputs:>6} kept");
            if !whole {
                broken.push(target.as_str());
            }
        }
        match broken.as_slice() {
            [] => Ok(()),
            broken => bail!(
                "broke, see {}/crashes: {}",
                kept.display(),
                broken.join(", ")
            ),
        }
    }
}

/// cargo-fuzz, without the instrumentation that only an unstable compiler has: nothing of ours is
/// unsafe, so an address sanitizer would only look at others' code.
fn cargo_fuzz(workspace: &Workspace, target: &str) -> Result<Command> {
    let package = workspace.root().join("tests/fuzz/libfuzzer");
    let mut cargo = process::cargo(workspace);
    cargo.args(["fuzz", "run", "--sanitizer", "none"]);
    let manifest = fs::read_to_string(package.join("Cargo.toml"))?;
    if !needs_helper(&manifest, target) {
        // Then its many libraries need not be built for libFuzzer.
        cargo.arg("--no-default-features");
    }
    cargo.arg("--fuzz-dir").arg(package);
    let build = workspace.target().join("fuzz/build");
    cargo.arg("--target-dir").arg(build).arg(target);
    Ok(cargo)
}

fn needs_helper(manifest: &str, target: &str) -> bool {
    let name = format!("name = \"{target}\"");
    let mut programs = manifest.split("[[bin]]").skip(1);
    programs.any(|it| it.contains(&name) && it.contains("required-features = [\"helper\"]"))
}

/// Where libFuzzer reads and writes, and its bounds.
fn libfuzzer(
    cargo: &mut Command,
    workspace: &Workspace,
    target: &str,
    time: Duration,
) -> Result<()> {
    let kept = workspace.target().join("fuzz");
    let (found, crashes) = (kept.join("corpus").join(target), kept.join("crashes"));
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&crashes)?;
    let package = workspace.root().join("tests/fuzz");
    cargo.arg(found).arg(package.join("corpus").join(target));
    let cases = workspace.root().join("wasm/core/tests");
    match target {
        "certificate" => _ = cargo.arg(cases.join("certificates")),
        "core_events" => _ = cargo.arg(cases.join("transcripts")),
        _ => {}
    }
    cargo.arg("--");
    cargo.arg(format!("-max_total_time={}", time.as_secs()));
    cargo.arg(format!("-artifact_prefix={}/{target}-", crashes.display()));
    let words = kept.join(format!("{target}.words"));
    fs::write(&words, dictionary(&package.join("corpus").join(target))?)?;
    cargo.arg(format!("-dict={}", words.display()));
    cargo.args(["-timeout=25", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    Ok(())
}

/// The words of a target's seeds, which libFuzzer puts together anew.
fn dictionary(seeds: &Path) -> Result<String> {
    let mut words = BTreeSet::new();
    for seed in fs::read_dir(seeds)? {
        let seed = fs::read(seed?.path())?;
        let runs = seed.split(|byte| !byte.is_ascii_alphanumeric() && !b"_.:-".contains(byte));
        let runs = runs.filter(|run| (3..=40).contains(&run.len()));
        words.extend(runs.map(|run| String::from_utf8_lossy(run).into_owned()));
    }
    Ok(words.iter().map(|word| format!("\"{word}\"\n")).collect())
}

/// Runs libFuzzer, passes on what it says, and returns what it did and whether nothing broke.
fn watch(command: &mut Command) -> Result<(Outcome, bool)> {
    let shown = process::show(command);
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start `{shown}`"))?;
    let mut outcome = Outcome::default();
    if let Some(said) = child.stderr.take() {
        for line in BufReader::new(said).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            eprintln!("{line}");
            outcome.hear(&line);
        }
    }
    Ok((outcome, child.wait()?.success()))
}

impl Outcome {
    /// Understands a line such as `#512 NEW    cov: 99 ft: 120 corp: 20/1Kb exec/s: 0 …`.
    fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if let Some("stat::number_of_executed_units:") = words.next() {
            let count = words.next().and_then(|count| count.parse().ok());
            self.executions = count.unwrap_or(self.executions);
            return;
        }
        if !line.starts_with('#') {
            return;
        }
        while let Some(word) = words.next() {
            let place = match word {
                "cov:" => &mut self.edges,
                "corp:" => &mut self.inputs,
                _ => continue,
            };
            let count = words.next().and_then(|count| count.split('/').next());
            *place = count.and_then(|count| count.parse().ok()).unwrap_or(*place);
        }
    }
}

/// The names of all targets, in order: each has its seeds.
fn targets(corpus: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(corpus).context("can't read tests/fuzz/corpus")?;
    let names = entries.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<Result<Vec<_>>>()?;
    let names = names.iter().filter_map(|name| OsStr::to_str(name));
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_the_helper_says_so() {
        let manifest = include_str!("../../tests/fuzz/libfuzzer/Cargo.toml");
        assert!(needs_helper(manifest, "chain") && needs_helper(manifest, "connect_head"));
        assert!(!needs_helper(manifest, "certificate") && !needs_helper(manifest, "routing"));
    }

    #[test]
    fn a_seeds_words_are_told() {
        let seeds = tempfile::tempdir().unwrap();
        fs::write(
            seeds.path().join("a"),
            b"\xff{\"tier\":\"domain\"}\0is\x80tier",
        )
        .unwrap();
        assert_eq!(dictionary(seeds.path()).unwrap(), "\"domain\"\n\"tier\"\n");
    }

    #[test]
    fn what_libfuzzer_says_is_counted() {
        let mut outcome = Outcome::default();
        for line in [
            "INFO: Seed: 1",
            "#7\tINITED cov: 90 ft: 100 corp: 7/2Kb exec/s: 0 rss: 40Mb",
            "#512\tNEW    cov: 99 ft: 120 corp: 20/1Kb lim: 4 exec/s: 0 rss: 41Mb L: 3/4 MS: 1",
            "stat::number_of_executed_units: 1024",
            "stat::peak_rss_mb:              41",
        ] {
            outcome.hear(line);
        }
        let expected = Outcome {
            executions: 1_024,
            edges: 99,
            inputs: 20,
        };
        assert_eq!(outcome, expected);
    }
}
