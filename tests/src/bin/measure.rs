//! Measures what Housekey costs in a browser, beside the same browser without it. Prints JSON.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use housekey_tests::bench;
use housekey_tests::browser::{Extension, Kind, Options};
use housekey_tests::lan::Lan;

/// Measure what Housekey costs in a browser.
#[derive(Parser)]
#[command(name = "measure")]
struct Arguments {
    /// Which browser
    #[arg(long, value_enum)]
    browser: Kind,
    /// Pairs of visits to each page
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// Load this extension into the browser without Housekey, to see what any extension costs
    #[arg(long, value_name = "DIR")]
    control: Option<PathBuf>,
    /// Where to leave the figures, too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let lan = Lan::enter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let without = match arguments.control {
        None => Options::without_housekey(),
        Some(extension) => Options {
            extension: Extension::Loaded,
            unpacked: Some(extension),
            ..Options::without_housekey()
        },
    };
    let rounds = arguments.rounds.max(1);
    let figures = bench::browser(lan, arguments.browser, &without, rounds);
    let figures = runtime.block_on(figures)?;
    let figures = serde_json::to_string_pretty(&figures)?;
    if let Some(file) = &arguments.out {
        fs::write(file, &figures)?;
    }
    println!("{figures}");
    Ok(())
}
