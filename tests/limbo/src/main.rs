//! Runs the helper's chain validation against x509-limbo, chains that others made to break
//! validators, and against hostile ones of our own.

mod decisions;
mod hostile;
mod judge;
mod report;
mod seeds;
mod suite;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use peak_alloc::PeakAlloc;

use crate::judge::{Judgement, judge};
use crate::report::Report;
use crate::suite::Case;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Runs the helper's chain validation against x509-limbo.
#[derive(Parser)]
#[command(name = "limbo")]
struct Arguments {
    /// x509-limbo's limbo.json, packed with xz or not
    path: PathBuf,
    /// Writes the certificates and chains here instead, for tests/fuzz
    #[arg(long, value_name = "DIR")]
    seeds: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut cases = suite::read(&arguments.path)?;
    if let Some(directory) = arguments.seeds {
        return seeds::write(&cases, &directory);
    }
    if cases.iter().all(|case| case.class.is_none()) {
        println!(
            "There is no classification.json beside it, so chains are only judged together with \
             their names. It says which cases two other validators, rustls-webpki and OpenSSL \
             without a host name, reject or accept."
        );
    }
    let decisions = decisions::read()?;
    let at = cases.iter().map(|case| case.at).max().context("no case")?;
    let hostile = hostile::cases(at)?;
    cases.extend(hostile);

    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let judged = judge_all(&cases)?;
    let memory = MEMORY.peak_usage().saturating_sub(before);

    let mut report = Report::of(&judged, &decisions);
    if memory > MAX_BYTES {
        report
            .failures
            .push(format!("took {memory} bytes of memory"));
    }
    report.print();
    println!(
        "memory: {} KiB at most, for all threads together",
        memory / 1_024
    );
    match report.failures.len() {
        0 => Ok(()),
        failures => bail!("{failures} deviations from what is expected or decided"),
    }
}

fn judge_all(cases: &[Case]) -> Result<Vec<(&Case, Judgement)>> {
    let next = AtomicUsize::new(0);
    let judged = Mutex::new(Vec::with_capacity(cases.len()));
    let threads = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let judgement = judge(case);
                    if let Ok(mut judged) = judged.lock() {
                        judged.push((case, judgement));
                    }
                }
            });
        }
    });
    let judged = judged
        .into_inner()
        .ok()
        .context("a case ended in a panic")?;
    anyhow::ensure!(judged.len() == cases.len(), "not every case was judged");
    Ok(judged)
}

/// For what all threads judge at one time, so more than any one case takes.
const MAX_BYTES: usize = 16 << 20;
