//! What a page is looked at on: width, colours, motion.

use std::path::Path;

use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::extensions::addons::firefox::FirefoxTools;
use thirtyfour::{RequestData, SessionId};

use crate::browser::{Browser, Kind};

/// Which colours the person prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Scheme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// As CSS has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Screen {
    /// Of the page, in CSS pixels.
    pub width: u32,
    /// The colours.
    pub scheme: Scheme,
    /// Whether the person wants nothing to move.
    pub still: bool,
}

impl Screen {
    /// Shows the browser's page like this, and the ones after it.
    ///
    /// # Errors
    ///
    /// When the browser does not do it.
    pub async fn show(self, browser: &Browser) -> Result<()> {
        match browser.kind() {
            Kind::Chromium => self.show_in_chromium(browser).await,
            Kind::Firefox => self.show_in_firefox(browser).await,
        }?;
        // The page learns of it a little later, and its colours may fade into the new ones.
        let seen = format!(
            "return innerWidth === {} && matchMedia('(prefers-color-scheme: {})').matches
                && matchMedia('(prefers-reduced-motion: {})').matches",
            self.width,
            self.scheme.name(),
            self.motion()
        );
        browser
            .until_script("the page to see its screen", &seen)
            .await?;
        browser.eval_async(PAINTED).await.map(drop)
    }

    /// Emulated as the developer tools do.
    async fn show_in_chromium(self, browser: &Browser) -> Result<()> {
        let metrics = json!({
            "width": self.width,
            "height": HEIGHT,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        let features = json!([
            { "name": "prefers-color-scheme", "value": self.scheme.name() },
            { "name": "prefers-reduced-motion", "value": self.motion() },
        ]);
        let cdp = browser.driver().cdp();
        cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        // As on telephones and most desktops: they take no width of the page.
        cdp.send_raw("Emulation.setScrollbarsHidden", json!({ "hidden": true }))
            .await?;
        let media = json!({ "media": "screen", "features": features });
        cdp.send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// The person's own preferences. The window can't be as narrow as a telephone, so the page is
    /// made narrow in it, as Firefox's own responsive design mode does.
    async fn show_in_firefox(self, browser: &Browser) -> Result<()> {
        let scheme = match self.scheme {
            Scheme::Dark => 0,
            Scheme::Light => 1,
        };
        let script = format!(
            "Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {scheme});
            Services.prefs.setIntPref('ui.prefersReducedMotion', {});
            Services.prefs.setIntPref('ui.useOverlayScrollbars', 1);
            const {{ style }} = gBrowser.selectedBrowser;
            for (const [name, value] of Object.entries({{
                'min-width': '{width}px', 'max-width': '{width}px',
                'min-height': '{HEIGHT}px', 'max-height': '{HEIGHT}px',
            }})) style.setProperty(name, value);",
            u8::from(self.still),
            width = self.width,
        );
        let handle = browser.driver().handle();
        handle.cmd(Context("chrome")).await?;
        let done = browser.eval(&script).await;
        handle.cmd(Context("content")).await?;
        done.map(drop)
    }

    fn motion(self) -> &'static str {
        if self.still {
            "reduce"
        } else {
            "no-preference"
        }
    }
}

/// A picture of the whole page, as PNG.
///
/// # Errors
///
/// When the browser takes none.
pub(super) async fn picture(browser: &Browser) -> Result<Vec<u8>> {
    match browser.kind() {
        Kind::Chromium => {
            let whole = json!({ "format": "png", "captureBeyondViewport": true });
            let cdp = browser.driver().cdp();
            let size = cdp.send_raw("Page.getLayoutMetrics", json!({})).await?;
            let clip = json!({
                "x": 0, "y": 0, "scale": 1,
                "width": size["cssLayoutViewport"]["clientWidth"],
                "height": size["cssContentSize"]["height"],
            });
            let mut parameters = whole;
            parameters["clip"] = clip;
            let shot: Value = cdp.send_raw("Page.captureScreenshot", parameters).await?;
            let data = shot["data"].as_str().context("no picture")?;
            Ok(BASE64.decode(data.as_bytes())?)
        }
        Kind::Firefox => {
            let tools = FirefoxTools::new(browser.driver().handle().clone());
            Ok(tools.full_screenshot_as_png().await?)
        }
    }
}

/// Saves a picture.
///
/// # Errors
///
/// When there is none, or no place for it.
pub(super) async fn shoot(browser: &Browser, path: &Path) -> Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    Ok(std::fs::write(path, picture(browser).await?)?)
}

/// Moves geckodriver's scripts into the browser's own window, or back into the page
/// (<https://firefox-source-docs.mozilla.org/testing/geckodriver/>).
#[derive(Debug)]
struct Context(&'static str);

impl FormatRequestData for Context {
    fn format_request(&self, session: &SessionId) -> RequestData {
        RequestData::new(Method::POST, format!("/session/{session}/moz/context"))
            .add_body(json!({ "context": self.0 }))
    }
}

/// Everything has faded, and is painted.
pub(super) const PAINTED: &str = "
    const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    await painted();
    await Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {})));
    await painted();
    return true;";

/// Of the page, in CSS pixels: a telephone's.
const HEIGHT: u32 = 800;
