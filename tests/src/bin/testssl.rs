//! Lets testssl.sh look at the gateway as a browser does, in a network of its own.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use housekey_tests::lan::Lan;
use housekey_tests::testssl;

fn main() -> Result<()> {
    let report = std::env::args_os()
        .nth(1)
        .context("where does the report go?")?;
    let report = std::path::absolute(PathBuf::from(report))?;
    let lan = Lan::enter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(testssl::run(lan, &report))
}
