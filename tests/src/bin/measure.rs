//! Measures what Housekey costs, in the sample home: how long until the question about a new
//! device appears, and what a request through the gateway takes beside a direct one of the same
//! browser in the same run. Prints JSON.

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;
use housekey_tests::browser::{Account, Browser, Kind, Options, Page};
use housekey_tests::home::Home;
use housekey_tests::lan::Lan;
use serde_json::json;

/// Measure what Housekey costs.
#[derive(Parser)]
#[command(name = "measure")]
struct Arguments {
    /// Which browser
    #[arg(long, value_enum, default_value = "firefox")]
    browser: Kind,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let lan = Lan::enter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(lan, arguments.browser))
}

async fn measure(lan: Lan, kind: Kind) -> Result<()> {
    let home = Home::start(lan).await?;
    let account = Account::new(lan, &home.authorities)?;
    account.install_housekey()?;
    account.add_makers()?;
    let browser = Browser::start(kind, &account, &Options::with_housekey()).await?;
    browser.until_housekey_is_ready().await?;

    let mut until_question = Vec::new();
    for url in ["https://192.168.1.30/", "https://192.168.1.1/", BRIDGE] {
        let start = Instant::now();
        browser.go(url).await?;
        let asks = |page: &Page| page.has_view("first-connect");
        browser.until("the question", asks).await?;
        until_question.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    browser.click("#approve").await?;
    let there = |page: &Page| page.heading == "Philips Hue bridge";
    browser.until("the bridge's page", there).await?;

    // Alternating, so that whatever else the computer does hits both alike.
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        direct.push(millis_per_request(&browser, PUBLIC).await?);
        through.push(millis_per_request(&browser, BRIDGE).await?);
    }
    let (direct, through) = (median(direct), median(through));
    let result = json!({
        "browser": kind.to_string(),
        "navigation_to_question_ms": until_question,
        "request_direct_ms": direct,
        "request_through_gateway_ms": through,
        "request_added_ms": through - direct,
    });
    println!("{}", serde_json::to_string_pretty(&result)?);
    Ok(())
}

/// The mean of many requests one after another over a connection that is open already.
async fn millis_per_request(browser: &Browser, url: &str) -> Result<f64> {
    browser.go(url).await?;
    browser.until("the page", |page| page.href == url).await?;
    let script = format!(
        "await (await fetch('/echo')).text();
        const start = performance.now();
        for (let i = 0; i < {REQUESTS}; i++) await (await fetch('/echo')).text();
        return (performance.now() - start) / {REQUESTS};"
    );
    let value = browser.eval_async(&script).await?;
    value
        .as_f64()
        .with_context(|| format!("the requests failed: {value}"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const BRIDGE: &str = "https://192.168.1.20/";
const PUBLIC: &str = "https://public.example/";
const ROUNDS: usize = 5;
const REQUESTS: u32 = 200;
