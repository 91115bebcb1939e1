//! The walk through Housekey as a person makes it: the demo shows it, the tests require it.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;

use crate::browser::{Account, Browser, Page};
use crate::home::{Home, impostor};
use crate::pki::{Identity, Key};

/// What came of one step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its name.
    pub step: &'static str,
    /// Whether all that it claims was seen.
    pub ok: bool,
    /// What was seen, or what was wrong.
    pub detail: String,
    /// How long it took.
    pub millis: u64,
}

/// Walks through every step, in order. After one that fails the others are not tried, because
/// each builds on those before.
pub async fn walk(home: &Home, account: &Account, browser: &Browser) -> Result<Vec<Step>> {
    let bridge = home.authorities.hue_bridge(Key::generate()?)?;
    home.hue.present(&bridge)?;
    browser.until_housekey_is_ready().await?;
    let walk = Walk {
        home,
        account,
        browser,
        bridge,
    };
    let mut steps = Vec::new();
    for step in STEPS {
        if steps.last().is_some_and(|step: &Step| !step.ok) {
            let detail = "not tried".to_owned();
            steps.push(Step {
                step,
                ok: false,
                detail,
                millis: 0,
            });
            continue;
        }
        let start = Instant::now();
        let outcome = walk.take(step).await;
        let millis = u64::try_from(start.elapsed().as_millis())?;
        // A picture of what went wrong is worth more than one of what went well.
        browser.screenshot(step).await?;
        let ok = outcome.is_ok();
        let detail = outcome.unwrap_or_else(|error| format!("{error:#}"));
        steps.push(Step {
            step,
            ok,
            detail,
            millis,
        });
    }
    Ok(steps)
}

struct Walk<'a> {
    home: &'a Home,
    account: &'a Account,
    browser: &'a Browser,
    bridge: Identity,
}

impl Walk<'_> {
    async fn take(&self, step: &str) -> Result<String> {
        match step {
            "first-connect" => self.first_connect().await,
            "approve-padlock" => self.approve_padlock().await,
            "second-visit-silent" => self.second_visit_silent().await,
            "renewed-same-key-silent" => self.renewed_same_key_silent().await,
            "changed-key-warning" => self.changed_key_warning().await,
            "stop-sends-nothing" => self.stop_sends_nothing().await,
            "options-lists-pins" => self.options_lists_pins().await,
            "forget-asks-again" => self.forget_asks_again().await,
            _ => unreachable!("every step of STEPS is here"),
        }
    }

    async fn first_connect(&self) -> Result<String> {
        self.home.hue.clear_record();
        let start = Instant::now();
        self.browser.go(URL).await?;
        let ask = |page: &Page| page.has_view("first-connect");
        self.browser
            .until("the question about a new device", ask)
            .await?;
        let millis = start.elapsed().as_millis();
        let company = self.browser.text("#company").await?;
        let verified_by = self.browser.text("#verified-by").await?;
        let address = self.browser.text("#address").await?;
        ensure!(
            company.contains("Philips Hue"),
            "the company is shown as {company:?}"
        );
        ensure!(
            verified_by.contains("Philips Hue"),
            "verified by: {verified_by:?}"
        );
        ensure!(
            address.contains("192.168.1.20"),
            "the address is shown as {address:?}"
        );
        // The picture of this step shows the question as a person can answer it.
        self.browser
            .until("armed buttons", |page| page.armed)
            .await?;
        self.nothing_was_sent()?;
        Ok(format!(
            "asked about {company:?} at {address} ({verified_by}) after {millis} ms"
        ))
    }

    async fn approve_padlock(&self) -> Result<String> {
        self.nothing_was_sent()?;
        self.browser.click("#approve").await?;
        let page = self.until_the_bridge_shows().await?;
        ensure!(
            page.href == URL,
            "the address is {}, not the one typed",
            page.href
        );
        ensure!(page.secure, "the page is no secure context");
        let subtle = "return typeof crypto.subtle?.digest === 'function'";
        ensure!(
            self.browser.eval(subtle).await? == true,
            "crypto.subtle is missing"
        );
        let register = "return (await navigator.serviceWorker.register('/sw.js')).scope";
        let scope = self.browser.eval_async(register).await?;
        ensure!(scope == URL, "no service worker registers: {scope}");
        // Everything that reached the device came after approval, through a pinned connection.
        let failed = self.home.hue.record().failed_handshakes;
        ensure!(
            failed.is_empty(),
            "the browser went to the device by itself: {failed:?}"
        );
        Ok(format!(
            "{} with a padlock, a secure context and a service worker",
            page.href
        ))
    }

    async fn second_visit_silent(&self) -> Result<String> {
        self.home.hue.disconnect();
        self.browser.go("about:blank").await?;
        self.home.hue.clear_record();
        self.browser.go(URL).await?;
        self.until_the_bridge_shows().await?;
        let record = self.home.hue.record();
        let visit = record
            .requests_for("/")
            .next()
            .context("no request reached the device")?;
        let cookie = visit.header("cookie").unwrap_or("none");
        ensure!(
            cookie.contains("session="),
            "the cookie of the first visit is missing: {cookie}"
        );
        Ok("the page opened at once, with the session of the first visit".to_owned())
    }

    async fn renewed_same_key_silent(&self) -> Result<String> {
        let renewed = self
            .home
            .authorities
            .hue_bridge_renewed(self.bridge.key())?;
        self.become_another(&renewed)?;
        self.browser.go("about:blank").await?;
        self.browser.go(URL).await?;
        self.until_the_bridge_shows().await?;
        let pin = self
            .account
            .housekey(["pins", "show", "192.168.1.20", "--json"])?;
        ensure!(
            pin.contains(&renewed.leaf_sha256()),
            "the renewal is not in the history: {pin}"
        );
        Ok("a renewed certificate around the same key went unnoticed, and is recorded".to_owned())
    }

    async fn changed_key_warning(&self) -> Result<String> {
        self.become_another(&impostor(Key::generate()?)?)?;
        self.browser.go(URL).await?;
        let warn = |page: &Page| page.has_view("changed");
        let page = self
            .browser
            .until("the warning about a changed key", warn)
            .await?;
        self.nothing_was_sent()?;
        Ok(format!("{:?}", page.heading))
    }

    async fn stop_sends_nothing(&self) -> Result<String> {
        self.browser
            .until("armed buttons", |page| page.armed)
            .await?;
        self.browser.click("#stop").await?;
        self.browser
            .until("another page", |page| page.view.is_none())
            .await?;
        let record = self.home.hue.record();
        ensure!(
            record.handshakes > 0,
            "no handshake reached the device, so nothing was proven"
        );
        self.nothing_was_sent()?;
        // The pin is as it was: the true bridge is still trusted.
        self.become_another(&self.bridge)?;
        self.browser.go(URL).await?;
        self.until_the_bridge_shows().await?;
        Ok(format!(
            "{} handshakes, not one byte of application data",
            record.handshakes
        ))
    }

    async fn options_lists_pins(&self) -> Result<String> {
        self.browser
            .go(&self.browser.extension_page("pages/options/options.html")?)
            .await?;
        self.browser.element(PIN).await?;
        let label = self.browser.text(&format!("{PIN} .pin-label")).await?;
        ensure!(
            label.contains("Philips Hue"),
            "the pin's label is {label:?}"
        );
        let count = self
            .browser
            .eval("return document.querySelectorAll('li.pin').length")
            .await?;
        ensure!(count == 1, "{count} pins are listed instead of one");
        Ok(format!("one pin: {label:?}"))
    }

    async fn forget_asks_again(&self) -> Result<String> {
        self.browser.click(&format!("{PIN} .pin-open")).await?;
        self.browser.click(&format!("{PIN} .pin-forget")).await?;
        self.browser
            .click(&format!("{PIN} .pin-forget-confirm"))
            .await?;
        let gone = "return document.querySelectorAll('li.pin').length === 0";
        self.browser.until_script("the pin to go", gone).await?;
        self.home.hue.disconnect();
        self.browser.go(URL).await?;
        let ask = |page: &Page| page.has_view("first-connect");
        self.browser
            .until("the question about a new device", ask)
            .await?;
        Ok("the pin is gone, and the question is back".to_owned())
    }

    /// The device presents something else, to nobody it already knows.
    fn become_another(&self, identity: &Identity) -> Result<()> {
        self.home.hue.present(identity)?;
        self.home.hue.disconnect();
        self.home.hue.clear_record();
        Ok(())
    }

    async fn until_the_bridge_shows(&self) -> Result<Page> {
        let shows = |page: &Page| page.heading == "Philips Hue bridge";
        self.browser.until("the bridge's page", shows).await
    }

    fn nothing_was_sent(&self) -> Result<()> {
        let record = self.home.hue.record();
        ensure!(
            record.application_bytes == 0,
            "something reached the device: {record:?}"
        );
        Ok(())
    }
}

/// The steps, in their order.
pub const STEPS: &[&str] = &[
    "first-connect",
    "approve-padlock",
    "second-visit-silent",
    "renewed-same-key-silent",
    "changed-key-warning",
    "stop-sends-nothing",
    "options-lists-pins",
    "forget-asks-again",
];

const URL: &str = "https://192.168.1.20/";
const PIN: &str = "li.pin[data-endpoint=\"192.168.1.20:443\"]";
