//! What Housekey costs in a browser: a whole page of a device, beside the same browser without
//! Housekey, and how long it takes until a person sees the question about a new device.
//!
//! Direct means a device whose certificate the browser trusts by itself, which costs it less than an
//! exception that a person stored.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::cases::float;
use super::report::median;
use crate::browser::{Account, Browser, Extension, Kind, Options, Page};
use crate::device::{Device, Model};
use crate::home::Authorities;
use crate::lan::Lan;
use crate::pki::{Authority, Identity, Key, Subject};
use anyhow::{Result, bail};
use serde::Serialize;

/// One browser's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    browser: String,
    /// A page with 60 parts over HTTP/1.1 and over HTTP/2.
    pages: Vec<Pages>,
    /// From the navigation's begin until WebDriver sees the question, in milliseconds, with
    /// everything running.
    question_warm_ms: Vec<f64>,
    /// The same where background and helper do not run: in Firefox as the first thing after its
    /// start, in Chromium after its worker was ended.
    question_cold_ms: Vec<f64>,
}

/// One page, loaded directly and through Housekey in turn, each time over new connections.
#[derive(Debug, Serialize)]
struct Pages {
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

/// Measures one browser, beside the same browser `without` Housekey.
///
/// # Errors
///
/// When a browser does not do what it should.
pub async fn browser(lan: Lan, kind: Kind, without: &Options, rounds: usize) -> Result<Figures> {
    let authorities = Authorities::generate()?;
    let mut pages = Vec::new();
    let strangers = Strangers::start().await?;
    let starting = Account::new(lan, &authorities)?;
    starting.install_housekey()?;
    let question_cold_ms = cold(kind, &starting, &strangers).await?;
    let account = Account::new(lan, &authorities)?;
    account.install_housekey()?;
    let with = Browser::start(kind, &account, &Options::with_housekey()).await?;
    with.until_housekey_is_ready().await?;
    let other = Account::new(lan, &authorities)?;
    let without = Browser::start(kind, &other, without).await?;
    for (protocol, http2, addresses) in PROTOCOLS {
        let [known, trusted] = addresses.map(str::parse::<SocketAddr>);
        let known = Device::start(known?, model(Identity::unknown()?, http2)).await?;
        let trusted = trusted?;
        let identity = authorities.public.for_address(trusted)?;
        let trusted = Device::start(trusted, model(identity, http2)).await?;
        approve(&with, &known).await?;
        pages.push(pairs(protocol, (&without, &trusted), (&with, &known), rounds).await?);
    }
    let mut question_warm_ms = Vec::new();
    for _ in 0..QUESTIONS {
        question_warm_ms.push(strangers.question(&with).await?);
    }
    Ok(Figures {
        browser: kind.to_string(),
        pages,
        question_warm_ms,
        question_cold_ms,
    })
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

/// The question where background and helper have to start first.
async fn cold(kind: Kind, account: &Account, strangers: &Strangers) -> Result<Vec<f64>> {
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
struct Strangers(Vec<Device>, std::cell::Cell<usize>);

impl Strangers {
    async fn start() -> Result<Self> {
        let mut devices = Vec::new();
        for address in STRANGERS {
            devices
                .push(Device::start(address.parse()?, model(Identity::unknown()?, false)).await?);
        }
        Ok(Self(devices, std::cell::Cell::new(0)))
    }

    /// How long it takes until the next one is asked about, in milliseconds.
    async fn question(&self, browser: &Browser) -> Result<f64> {
        let turn = self.1.get();
        self.1.set(turn + 1);
        let url = self.0[turn % self.0.len()].url();
        let start = Instant::now();
        browser.go(&url).await?;
        while start.elapsed() < PATIENCE {
            let page = browser.page().await;
            if page.is_ok_and(|page| page.has_view("first-connect") && !page.left) {
                return Ok(start.elapsed().as_secs_f64() * 1_000.0);
            }
        }
        bail!("no question about {url}: {:?}", browser.page().await)
    }
}

impl Identity {
    fn unknown() -> Result<Self> {
        Self::self_signed(&Subject::new().common_name("bench"), Key::generate()?)
    }
}

impl Authority {
    fn for_address(&self, address: SocketAddr) -> Result<Identity> {
        let subject = Subject::new().common_name("bench");
        let subject = subject.alternative_name(&address.ip().to_string());
        self.issue(&subject, Key::generate()?)
    }
}

fn model(identity: Identity, http2: bool) -> Model {
    let model = Model::new(NAME, identity).showing(PAGE);
    if http2 { model.http2() } else { model }
}

const NAME: &str = "A device with much to show";
const PARTS: usize = 60;
/// 60 parts of 1.3 MB in all. Each visit has addresses of its own, so that none is in a cache.
const PAGE: &str = "<p id=parts></p><script>
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
const STRANGERS: [&str; 2] = ["192.168.1.30:443", "192.168.1.40:443"];
const QUESTIONS: usize = 11;
const COLD: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);
