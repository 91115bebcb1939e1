//! Measures what Housekey costs beside what could stand in its place, on a loopback of its own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;
use housekey_tests::bench::{self, Part, Plan};
use housekey_tests::lan::Lan;

/// Measure what Housekey costs.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Interleaved rounds, whose medians count
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A tenth of everything, to see whether the tool works
    #[arg(long)]
    quick: bool,
    /// Only candidates whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only this part of a round, and nothing about memory
    #[arg(long, value_name = "PART")]
    part: Option<Part>,
    /// Where bench.md and bench.json go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Be the device, with the identity in this directory
    #[arg(long, value_name = "DIR", hide = true)]
    device: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // Whoever is the device was started in the private network already.
    let lan = match arguments.device {
        Some(_) => None,
        None => Some(Lan::enter()?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if let Some(directory) = &arguments.device {
        return runtime.block_on(bench::serve_device(bench::DEVICE.parse()?, directory));
    }
    let plan = Plan {
        rounds: arguments.rounds.max(1),
        quick: arguments.quick,
        only: arguments.only,
        part: arguments.part,
    };
    let lan = lan.context("no private network")?;
    let report = runtime.block_on(bench::run(lan, &plan))?;
    fs::create_dir_all(&arguments.out)?;
    fs::write(arguments.out.join("bench.md"), report.markdown())?;
    fs::write(
        arguments.out.join("bench.json"),
        serde_json::to_string_pretty(&report.json())?,
    )?;
    print!("{}", report.markdown());
    Ok(())
}
