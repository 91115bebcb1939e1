//! How long it takes until the question about a new device is painted.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

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
                browser.end_background().await?;
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
