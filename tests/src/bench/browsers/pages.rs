//! A whole page of a device, through Housekey and directly.
//!
//! Directly means what people do without Housekey: the browser has warned, and keeps an exception.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use serde::Serialize;

use super::{NAME, model};
use crate::bench::cases::float;
use crate::bench::report::median;
use crate::browser::{Browser, Kind, Page};
use crate::device::Device;
use crate::pki::Identity;

/// One page, loaded directly and through Housekey in turn, each time over new connections.
#[derive(Debug, Serialize)]
pub(super) struct Pages {
    protocol: &'static str,
    direct: Loads,
    housekey: Loads,
    /// The median of the pairs' quotients, through Housekey over direct.
    ratio: f64,
}

/// Medians of one side's visits.
#[derive(Debug, Serialize)]
struct Loads {
    /// From the navigation's begin to the end of its load event.
    load_ms: f64,
    /// Handshakes in which the device signed.
    full_handshakes: f64,
    /// Handshakes in which it did not have to.
    resumptions: f64,
}

/// One visit.
struct Load {
    load_ms: f64,
    full_handshakes: usize,
    resumptions: usize,
}

/// Measures the page over each protocol.
pub(super) async fn both(without: &Browser, with: &Browser, rounds: usize) -> Result<Vec<Pages>> {
    let mut pages = Vec::new();
    for (protocol, http2, addresses) in PROTOCOLS {
        let [known, excepted] = addresses.map(str::parse::<SocketAddr>);
        let known = Device::start(known?, model(Identity::unknown()?, http2)).await?;
        let identity = Identity::unknown()?;
        let certificate = identity.chain_pem();
        let excepted = Device::start(excepted?, model(identity, http2)).await?;
        approve(with, &known).await?;
        except(without, &excepted, &certificate).await?;
        pages.push(pairs(protocol, (without, &excepted), (with, &known), rounds).await?);
    }
    Ok(pages)
}

/// Visits in pairs, so that whatever else the computer does hits both alike.
async fn pairs(
    protocol: &'static str,
    direct: (&Browser, &Device),
    housekey: (&Browser, &Device),
    rounds: usize,
) -> Result<Pages> {
    let (mut directly, mut through) = (Vec::new(), Vec::new());
    // The first visit of each fills caches that every later one finds full.
    for round in 0..=rounds {
        let (first, second) = if round % 2 == 0 {
            let first = visit(direct, round).await?;
            (first, visit(housekey, round).await?)
        } else {
            let second = visit(housekey, round).await?;
            (visit(direct, round).await?, second)
        };
        if round > 0 {
            directly.push(first);
            through.push(second);
        }
    }
    let quotients = directly.iter().zip(&through);
    let quotients = quotients.map(|(direct, through)| through.load_ms / direct.load_ms);
    Ok(Pages {
        protocol,
        ratio: median(&quotients.collect::<Vec<_>>()),
        direct: Loads::of(&directly),
        housekey: Loads::of(&through),
    })
}

impl Loads {
    fn of(loads: &[Load]) -> Self {
        let median =
            |figure: fn(&Load) -> f64| median(&loads.iter().map(figure).collect::<Vec<_>>());
        Self {
            load_ms: median(|load| load.load_ms),
            full_handshakes: median(|load| float(load.full_handshakes)),
            resumptions: median(|load| float(load.resumptions)),
        }
    }
}

async fn visit((browser, device): (&Browser, &Device), number: usize) -> Result<Load> {
    device.clear_record();
    let url = format!("{}?{number}", device.url());
    browser.go(&url).await?;
    let loaded = format!(
        "const [it] = performance.getEntriesByType('navigation');
        return location.href === {url:?} && it?.loadEventEnd ? it.loadEventEnd - it.startTime : null"
    );
    let load_ms = browser
        .until_script("the page's load event", &loaded)
        .await?;
    let record = device.record();
    let parts = record.requests.iter();
    let parts = parts.filter(|request| request.path.starts_with("/bytes"));
    let parts = parts.count();
    if parts != PARTS {
        bail!("{url} asked for {parts} parts");
    }
    // The next visit has to connect anew, and by then its browser knows that.
    device.disconnect();
    Ok(Load {
        load_ms: load_ms.as_f64().unwrap_or(f64::NAN),
        full_handshakes: record.handshakes - record.resumptions,
        resumptions: record.resumptions,
    })
}

async fn approve(browser: &Browser, device: &Device) -> Result<()> {
    browser.go(&device.url()).await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    browser.until("the question", asks).await?;
    browser.click("#understood").await?;
    browser.click("#approve").await?;
    let there = |page: &Page| page.heading == NAME;
    browser.until("the device's page", there).await.map(drop)
}

/// Stores an exception, as a person does who goes past the browser's own warning.
async fn except(browser: &Browser, device: &Device, certificate: &str) -> Result<()> {
    browser.go(&device.url()).await?;
    match browser.kind() {
        Kind::Chromium => {
            browser.click("#details-button").await?;
            browser.click("#proceed-link").await?;
        }
        // What the button on its warning does; the warning itself is out of WebDriver's reach.
        Kind::Firefox => {
            let address = device.address();
            let body = format!(
                "const base64 = {certificate:?}.replace(/-----.*-----|\\s/g, '');
                const certificate = Cc['@mozilla.org/security/x509certdb;1']
                    .getService(Ci.nsIX509CertDB).constructX509FromBase64(base64);
                Cc['@mozilla.org/security/certoverride;1'].getService(Ci.nsICertOverrideService)
                    .rememberValidityOverride({:?}, {}, {{}}, certificate, false);
                return null",
                address.ip().to_string(),
                address.port()
            );
            let done = browser.in_chrome(&body).await?;
            if !done.is_null() {
                bail!("Firefox stores no exception: {done}");
            }
            browser.go(&device.url()).await?;
        }
    }
    let there = |page: &Page| page.heading == NAME;
    browser.until("the device's page", there).await.map(drop)
}

const PARTS: usize = 60;
/// 60 parts of 1.3 MB in all. Each visit has addresses of its own, so that none is in a cache.
pub(super) const PARTED: &str = "<p id=parts></p><script>
const visit = Number(location.search.slice(1));
for (let i = 0; i < 60; i++) {
    const part = new Image();
    part.src = `/bytes?${400 + 700 * i + visit}`;
    document.querySelector('#parts').append(part);
}
</script>";
const PROTOCOLS: [(&str, bool, [&str; 2]); 2] = [
    ("HTTP/1.1", false, ["192.168.1.50:443", "192.168.1.51:443"]),
    ("HTTP/2", true, ["192.168.1.60:443", "192.168.1.70:443"]),
];
