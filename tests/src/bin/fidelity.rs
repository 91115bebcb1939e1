//! Compares what passes through the gateway with what passes directly, in a network of its own.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use housekey_tests::fidelity::{self, Plan, Suite};
use housekey_tests::lan::Lan;

/// Compare what passes through the gateway with what passes directly.
#[derive(Parser)]
#[command(name = "fidelity")]
struct Arguments {
    /// A Python 2.7 with the Autobahn test suite
    #[arg(long, value_name = "FILE", requires = "base")]
    python: Option<PathBuf>,
    /// Where the suite was installed to, as PYTHONUSERBASE
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// Only these cases of the suite for a device without extensions, such as 1.*; `` for none
    #[arg(long, value_name = "CASE", default_value = "*")]
    cases: Vec<String>,
    /// Only these cases of the suite for a device that compresses; `` for none
    #[arg(long, value_name = "CASE", default_values = ["12.*", "13.*"])]
    compressing: Vec<String>,
    /// How long the large bodies are, in bytes; 0 leaves them out
    #[arg(long, value_name = "BYTES", default_value_t = 5 << 30)]
    body: u64,
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "target/fidelity")]
    out: PathBuf,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let lan = Lan::enter()?;
    let suite = arguments.python.zip(arguments.base);
    let plan = Plan {
        suite: suite.map(|(python, base)| Suite { python, base }),
        cases: named(arguments.cases),
        compressing: named(arguments.compressing),
        body: (arguments.body > 0).then_some(arguments.body),
        out: std::path::absolute(arguments.out)?,
    };
    fs::create_dir_all(&plan.out)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(fidelity::run(lan, &plan))?;
    let json = serde_json::to_string_pretty(&report.json)?;
    fs::write(plan.out.join("fidelity.json"), json)?;
    print!("{}", report.text);
    Ok(if report.same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn named(mut cases: Vec<String>) -> Vec<String> {
    cases.retain(|case| !case.is_empty());
    cases
}
