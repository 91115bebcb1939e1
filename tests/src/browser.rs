//! Real browsers under WebDriver, each in an [`Account`] of its own, with Housekey or without.

mod account;
mod chromium;
mod driver;
mod extensions;
mod firefox;
mod page;
mod wait;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use thirtyfour::WebDriver;

pub use self::account::{Account, artefact};
use self::driver::DriverProcess;
pub use self::extensions::copy_extension;
pub use self::page::Page;
use self::wait::PATIENCE;

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Chromium, unbranded.
    Chromium,
    /// Firefox, an ESR or a newer one.
    Firefox,
}

impl Kind {
    /// Where the packer puts the extension for it, below its output.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Chromium => "chrome",
            Self::Firefox => "firefox",
        }
    }
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
    /// The extension's directory, where it is not the one that the packer made.
    pub unpacked: Option<PathBuf>,
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
            unpacked: None,
            screenshots: None,
        }
    }

    /// The extension as a directory.
    fn extension(&self, name: &str) -> Result<PathBuf> {
        match &self.unpacked {
            Some(directory) => Ok(directory.clone()),
            None => Ok(artefact("HOUSEKEY_DIST", "dist")?.join(name)),
        }
    }

    /// Headless, the browser alone: the control of an experiment.
    pub fn without_housekey() -> Self {
        Self {
            extension: Extension::Absent,
            headless: true,
            unpacked: None,
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

    /// Runs the body of an asynchronous function in Firefox itself, with all that it may do.
    pub async fn in_chrome(&self, body: &str) -> Result<Value> {
        let handle = self.driver().handle();
        handle.cmd(firefox::SetContext::Chrome).await?;
        let done = self.eval_async(body).await;
        handle.cmd(firefox::SetContext::Content).await?;
        done
    }

    /// The same in the page's own world. Firefox runs scripts of WebDriver beside it, and what they
    /// ask for is not what the page asks for.
    pub async fn eval_as_page(&self, body: &str) -> Result<Value> {
        let code = json!(format!("(async () => {{ {body} }})().then(JSON.stringify)"));
        let script = format!(
            "const page = window.wrappedJSObject ?? window;
            return JSON.parse(await page.eval({code}));"
        );
        self.eval_async(&script).await
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

    /// Opens a tab beside this one and moves into it.
    pub async fn new_tab(&self) -> Result<()> {
        let tab = self.driver().new_tab().await?;
        Ok(self.driver().switch_to_window(tab).await?)
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
        self.until_painted(&path).await
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

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the workspace")
}

/// How long a promise in a page may take; short, because tests also wait for what must not happen.
const PATIENCE_IN_PAGE: Duration = Duration::from_secs(5);
