//! What Housekey costs in a browser: a whole page of a device, beside the same browser without
//! Housekey, and how long it takes until a person sees the question about a new device.

mod pages;
mod questions;

use anyhow::{Context as _, Result};
use serde::Serialize;

use self::pages::Pages;
use self::questions::Strangers;
use crate::browser::{Account, Browser, Kind, Options, Page};
use crate::device::Model;
use crate::home::Authorities;
use crate::lan::Lan;
use crate::pki::{Identity, Key, Subject};

/// One browser's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    browser: String,
    /// A page with 60 parts over HTTP/1.1 and over HTTP/2.
    pages: Vec<Pages>,
    /// From the navigation's begin until the question is painted, in milliseconds, with everything
    /// running.
    question_warm_ms: Vec<f64>,
    /// The same where background and helper do not run: in Firefox as the first thing after its
    /// start, in Chromium after its worker was ended.
    question_cold_ms: Vec<f64>,
    /// From the first byte that is fetched of the core's module until it can be used, in
    /// milliseconds, each time in a new document.
    core_ready_ms: Vec<f64>,
}

/// Measures one browser, beside the same browser `without` Housekey.
///
/// # Errors
///
/// When a browser does not do what it should.
pub async fn browser(lan: Lan, kind: Kind, without: &Options, rounds: usize) -> Result<Figures> {
    let authorities = Authorities::generate()?;
    let strangers = Strangers::start().await?;
    let starting = Account::new(lan, &authorities)?;
    starting.install_housekey()?;
    let question_cold_ms = questions::cold(kind, &starting, &strangers).await?;
    let account = Account::new(lan, &authorities)?;
    account.install_housekey()?;
    let with = Browser::start(kind, &account, &Options::with_housekey()).await?;
    with.until_housekey_is_ready().await?;
    let other = Account::new(lan, &authorities)?;
    let without = Browser::start(kind, &other, without).await?;
    let pages = pages::both(&without, &with, rounds).await?;
    let mut question_warm_ms = Vec::new();
    for _ in 0..TIMES {
        question_warm_ms.push(strangers.question(&with).await?);
    }
    let core_ready_ms = core_ready(&with).await?;
    Ok(Figures {
        browser: kind.to_string(),
        pages,
        core_ready_ms,
        question_warm_ms,
        question_cold_ms,
    })
}

/// How long the core takes to be there, as the background loads it.
async fn core_ready(browser: &Browser) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        browser.go(&browser.extension_page(EMPTY_ENOUGH)?).await?;
        let there = |page: &Page| page.href.ends_with(EMPTY_ENOUGH);
        browser.until("a page of the extension", there).await?;
        let time = browser.eval_async(READY).await?;
        let millis = time.as_f64();
        times.push(millis.with_context(|| format!("the core does not load: {time}"))?);
    }
    Ok(times)
}

impl Identity {
    fn unknown() -> Result<Self> {
        Self::self_signed(&Subject::new().common_name("bench"), Key::generate()?)
    }
}

fn model(identity: Identity, http2: bool) -> Model {
    let model = Model::new(NAME, identity).showing(pages::PARTED);
    if http2 { model.http2() } else { model }
}

const NAME: &str = "A device with much to show";
const READY: &str = "
    const { default: init } = await import('/wasm/background.js');
    const start = performance.now();
    await init({ module_or_path: '/wasm/background_bg.wasm' });
    return performance.now() - start";
/// A page of the extension that does nothing by itself.
const EMPTY_ENOUGH: &str = "pages/access/access.html";
const TIMES: usize = 11;
