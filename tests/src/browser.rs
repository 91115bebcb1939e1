//! Real browsers under WebDriver, each in an [`Account`] of its own, with Housekey or without.

mod account;
mod chromium;
mod driver;
mod firefox;
mod page;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use thirtyfour::{By, WebDriver, WebElement};

pub use self::account::{Account, artefact};
use self::driver::DriverProcess;
pub use self::page::Page;

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Chromium, unbranded.
    Chromium,
    /// Firefox, an ESR or a newer one.
    Firefox,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        })
    }
}

/// How a browser is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// With Housekey's extension in it.
    pub extension: Extension,
    /// Without a window.
    pub headless: bool,
    /// Where screenshots go; without, none are taken.
    pub screenshots: Option<PathBuf>,
}

/// Whether and how Housekey's extension is in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// It is not.
    Absent,
    /// Loaded for this run, as a developer does.
    Loaded,
    /// Installed in the profile, so that it is there again when the browser starts again.
    Installed,
}

impl Options {
    /// Headless, with Housekey.
    pub fn with_housekey() -> Self {
        Self {
            extension: Extension::Loaded,
            headless: true,
            screenshots: None,
        }
    }

    /// Headless, the browser alone: the control of an experiment.
    pub fn without_housekey() -> Self {
        Self {
            extension: Extension::Absent,
            headless: true,
            screenshots: None,
        }
    }
}

/// A running browser. It is killed when dropped, with everything that it started.
pub struct Browser {
    kind: Kind,
    /// Always there until the browser is quit or dropped.
    driver: Option<WebDriver>,
    process: DriverProcess,
    screenshots: Option<PathBuf>,
}

impl Browser {
    /// Starts a browser with the account's profile.
    pub async fn start(kind: Kind, account: &Account, options: &Options) -> Result<Self> {
        let (process, driver) = match kind {
            Kind::Chromium => chromium::start(account, options).await,
            Kind::Firefox => firefox::start(account, options).await,
        }
        .with_context(|| format!("cannot start {kind}"))?;
        let screenshots = options.screenshots.clone();
        if let Some(directory) = &screenshots {
            std::fs::create_dir_all(directory)?;
        }
        driver.set_page_load_timeout(PATIENCE).await?;
        driver.set_script_timeout(PATIENCE).await?;
        Ok(Self {
            kind,
            driver: Some(driver),
            process,
            screenshots,
        })
    }

    /// Which browser this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// WebDriver itself, for what is not wrapped here.
    pub fn driver(&self) -> &WebDriver {
        self.driver
            .as_ref()
            .expect("a browser has its driver until it is quit")
    }

    /// The extension's page at this path.
    pub fn extension_page(&self, path: &str) -> Result<String> {
        Ok(match self.kind {
            Kind::Chromium => format!("chrome-extension://{}/{path}", chromium::extension_id()?),
            Kind::Firefox => format!("moz-extension://{}/{path}", firefox::EXTENSION_UUID),
        })
    }

    /// Goes to an address and returns at once. What comes of it is for [`Self::until`] to see,
    /// which overlooks the page that was there before.
    pub async fn go(&self, url: &str) -> Result<()> {
        // Fails where no document is yet, and there is nothing to overlook then.
        let _ = self
            .eval("document.documentElement.dataset.left = ''")
            .await;
        match self.driver().goto(url).await {
            Ok(()) => Ok(()),
            // Firefox reports the interstitial as the navigation's error.
            Err(error) if page::is_failed_load(&error) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot go to {url}")),
        }
    }

    /// What the tab shows now.
    pub async fn page(&self) -> Result<Page> {
        Ok(serde_json::from_value(self.eval(page::SNAPSHOT).await?)?)
    }

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

    /// Runs a script in the page. `return` gives its result.
    pub async fn eval(&self, script: &str) -> Result<Value> {
        Ok(self
            .driver()
            .execute(script, Vec::new())
            .await?
            .json()
            .clone())
    }

    /// Runs the body of an asynchronous function in the page and awaits it. A throw becomes
    /// `{"error": "…"}`, and so does silence: a prompt of the browser can hold a request forever.
    pub async fn eval_async(&self, body: &str) -> Result<Value> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
            const limit = new Promise((_, reject) => setTimeout(reject, {}, 'timeout'));
            Promise.race([limit, (async () => {{ {body} }})()])
                .then(done, (error) => done({{ error: String(error) }}));",
            PATIENCE_IN_PAGE.as_millis(),
        );
        Ok(self
            .driver()
            .execute_async(script, Vec::new())
            .await?
            .json()
            .clone())
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

    /// Replaces what stands in an input field, key by key.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.element(css).await?;
        element.clear().await?;
        Ok(element.send_keys(text).await?)
    }

    /// The text of an element, empty if there is none.
    pub async fn text(&self, css: &str) -> Result<String> {
        let css = json!(css);
        let script = format!("return document.querySelector({css})?.textContent.trim() ?? ''");
        Ok(self
            .eval(&script)
            .await?
            .as_str()
            .unwrap_or_default()
            .to_owned())
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

    /// Opens a tab beside this one and moves into it.
    pub async fn new_tab(&self) -> Result<()> {
        let tab = self.driver().new_tab().await?;
        Ok(self.driver().switch_to_window(tab).await?)
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

    /// Saves what the tab shows as `<browser>-<name>.png`.
    pub async fn screenshot(&self, name: &str) -> Result<()> {
        let Some(directory) = &self.screenshots else {
            return Ok(());
        };
        let path = directory.join(format!("{}-{name}.png", self.kind));
        // Painting comes after loading. Where no script runs there is nothing to wait for.
        let painted = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))";
        let _ = self.eval_async(painted).await;
        self.driver()
            .screenshot(&path)
            .await
            .context("cannot take a screenshot")
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

    /// Ends the browser as a person does, so that it saves its session.
    pub async fn quit(mut self) -> Result<()> {
        let driver = self.driver.take().context("already quit")?;
        driver.quit().await.context("the browser does not quit")
    }

    /// The last lines that browser and helper wrote to standard error.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Whether the person has closed it.
    pub async fn is_closed(&self) -> bool {
        self.driver()
            .windows()
            .await
            .map_or(true, |windows| windows.is_empty())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process.kill();
        if let Some(driver) = self.driver.take() {
            // Its browser is gone, there is no session left to end.
            let _ = driver.leak();
        }
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the workspace")
}

/// How long a condition may take to come true. Generous, because machines are slow at times:
/// nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The same for a promise in a page; shorter, because tests also wait for what must not happen.
const PATIENCE_IN_PAGE: Duration = Duration::from_secs(5);

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(40);
