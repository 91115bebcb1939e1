//! How long it takes until the question about a new device is painted.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::model;
use crate::browser::{Account, Browser, Extension, Kind, Options, Page};
use crate::device::Device;
use crate::pki::Identity;

/// The question where background and helper have to start first.
pub(super) async fn cold(kind: Kind, account: &Account, strangers: &Strangers) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    match kind {
        // What was loaded from a directory is loaded too late to count as a start of the browser.
        Kind::Chromium => {
            let browser = Browser::start(kind, account, &Options::with_housekey()).await?;
            for _ in 0..COLD {
                browser.until_housekey_is_ready().await?;
                browser.go("about:blank").await?;
                stop_worker(&browser).await?;
                times.push(strangers.question(&browser).await?);
            }
        }
        Kind::Firefox => {
            let options = Options {
                extension: Extension::Installed,
                ..Options::with_housekey()
            };
            let browser = Browser::start(kind, account, &options).await?;
            browser.until_housekey_is_ready().await?;
            browser.quit().await?;
            for _ in 0..COLD {
                let browser = Browser::start(kind, account, &options).await?;
                times.push(strangers.question(&browser).await?);
                browser.quit().await?;
            }
        }
    }
    Ok(times)
}

/// Ends the extension's background, and with it the helper.
async fn stop_worker(browser: &Browser) -> Result<()> {
    let cdp = browser.driver().cdp();
    let deadline = Instant::now() + PATIENCE;
    let mut ended = None;
    while Instant::now() < deadline {
        let targets: Value = cdp.send_raw("Target.getTargets", json!({})).await?;
        let targets = targets["targetInfos"].as_array().cloned();
        let mut targets = targets.unwrap_or_default().into_iter();
        let worker = targets.find(|target| target["type"] == "service_worker");
        let worker = worker.map(|worker| worker["targetId"].clone());
        // Another one may be there at once: whatever wakes it, it begins from nothing.
        if ended.is_some() && worker != ended {
            return Ok(());
        }
        if let (Some(id), None) = (&worker, &ended) {
            let _ = cdp
                .send_raw("Target.closeTarget", json!({ "targetId": id }))
                .await;
            ended = worker;
        }
    }
    bail!("the background does not end")
}

/// Devices that nobody knows.
pub(super) struct Strangers(Vec<Device>, std::cell::Cell<usize>);

impl Strangers {
    pub(super) async fn start() -> Result<Self> {
        let mut devices = Vec::new();
        for address in STRANGERS {
            devices
                .push(Device::start(address.parse()?, model(Identity::unknown()?, false)).await?);
        }
        Ok(Self(devices, std::cell::Cell::new(0)))
    }

    /// How long it takes until the next one's question is painted, in milliseconds.
    pub(super) async fn question(&self, browser: &Browser) -> Result<f64> {
        let turn = self.1.get();
        self.1.set(turn + 1);
        let url = self.0[turn % self.0.len()].url();
        let start = SystemTime::now();
        browser.go(&url).await?;
        let asks = |page: &Page| page.has_view("first-connect");
        browser.until("the question", asks).await?;
        let painted = browser.eval_async(PAINTED).await?;
        let start = start.duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0;
        let painted = painted.as_f64().context("the browser tells of no paint")?;
        Ok(painted - start)
    }
}

/// When the largest thing that the page shows was painted, in milliseconds since 1970
/// (<https://www.w3.org/TR/largest-contentful-paint/>).
const PAINTED: &str = "
    return new Promise((resolve) => {
        new PerformanceObserver((list) => {
            const times = list.getEntries().map((entry) => entry.startTime);
            resolve(performance.timeOrigin + Math.max(...times));
        }).observe({ type: 'largest-contentful-paint', buffered: true });
    })";
const STRANGERS: [&str; 2] = ["192.168.1.30:443", "192.168.1.40:443"];
const COLD: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);
