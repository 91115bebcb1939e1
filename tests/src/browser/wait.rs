//! Waiting: for pages, elements and tabs, each with a limit and never for a fixed time.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use thirtyfour::{By, WebElement};

use super::{Browser, Page};

impl Browser {
    /// Waits until the tab shows something that satisfies the condition.
    pub async fn until(&self, what: &str, condition: impl Fn(&Page) -> bool) -> Result<Page> {
        self.until_after(PATIENCE, what, condition).await
    }

    /// The same with another patience, for what is slow by design.
    pub async fn until_after(
        &self,
        patience: Duration,
        what: &str,
        condition: impl Fn(&Page) -> bool,
    ) -> Result<Page> {
        let deadline = Instant::now() + patience;
        loop {
            // While a page gives way to another there may be none to ask.
            let page = self.page().await;
            if let Ok(page) = &page
                && page.is_complete()
                && condition(page)
            {
                return Ok(page.clone());
            }
            if Instant::now() > deadline {
                self.screenshot("waited-in-vain").await?;
                let page =
                    page.map_or_else(|error| format!("{error:#}"), |page| format!("{page:#?}"));
                bail!(
                    "waited for {what} in vain; the tab shows {page}\n{}",
                    self.process.log()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until a script yields something other than null, false or an error, and returns it.
    pub async fn until_script(&self, what: &str, script: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.eval(script).await;
            if let Ok(value) = &value
                && !matches!(value, Value::Null | Value::Bool(false))
            {
                return Ok(value.clone());
            }
            if Instant::now() > deadline {
                self.screenshot("waited-in-vain").await?;
                let shown = self.eval("return document.body.innerText").await;
                bail!(
                    "waited for {what} in vain; last {value:?}; the tab shows {shown:?}\n{}",
                    self.log()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Paints what the tab shows into a file. Where a page gives way to another in a process of its
    /// own, a browser has none to paint for a moment, and says so as an error.
    pub(super) async fn until_painted(&self, path: &Path) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.driver().screenshot(path).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(error).context("cannot take a screenshot");
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Waits until the extension says that its helper is there.
    pub async fn until_housekey_is_ready(&self) -> Result<()> {
        self.go(&self.extension_page("pages/options/options.html")?)
            .await?;
        let ready = "return document.querySelector('#status')?.dataset.status === 'ok'";
        self.until_script("the helper's status to be ok", ready)
            .await
            .map(drop)
    }

    /// Waits for a tab that is at this address, in any state, and moves into it.
    pub async fn find_tab(&self, url: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut seen = Vec::new();
            for window in self.driver().windows().await? {
                self.driver().switch_to_window(window).await?;
                let address = self.driver().current_url().await.map(String::from);
                if address.as_deref().is_ok_and(|address| address == url) {
                    return Ok(());
                }
                seen.push(address);
            }
            ensure!(
                Instant::now() < deadline,
                "no tab is at {url}; there are {seen:?}"
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// The first element, once it is there.
    pub async fn element(&self, css: &str) -> Result<WebElement> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.driver().find(By::Css(css)).await {
                Ok(element) => return Ok(element),
                Err(error) if Instant::now() > deadline => {
                    self.screenshot("no-such-element").await?;
                    let page = self.page().await;
                    bail!("no element {css}: {error}; the tab shows {page:?}");
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    /// Clicks the element as a person does, once it is there and enabled.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = self.element(css).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match element.is_enabled().await {
                Ok(true) => match element.click().await {
                    Ok(()) => return Ok(()),
                    Err(error) => error.to_string(),
                },
                Ok(false) => "it is disabled".to_owned(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                self.screenshot("cannot-click").await?;
                bail!("cannot click {css}: {error}");
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// How long a condition may take to come true. Generous, because machines are slow at times:
/// nothing waits this long unless it fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(40);
