//! What a page is looked at on: width and colours.

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

/// How a page is looked at: by a person who wants nothing to move, so that whatever moves all the
/// same is found, and a picture is never one of the middle of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Screen {
    /// Of the page, in CSS pixels.
    pub width: u32,
    /// The colours.
    pub scheme: Scheme,
}

impl Screen {
    /// Shows the browser's page like this, and the ones after it.
    ///
    /// # Errors
    ///
    /// When the browser does not do it.
    pub async fn show(self, browser: &Browser) -> Result<()> {
        resize(browser, self.width, HEIGHT).await?;
        match browser.kind() {
            Kind::Chromium => self.prefer_in_chromium(browser).await,
            Kind::Firefox => self.prefer_in_firefox(browser).await,
        }?;
        // The page learns of it a little later, and its colours may fade into the new ones.
        let seen = format!(
            "return innerWidth === {} && matchMedia('(prefers-color-scheme: {})').matches
                && matchMedia('(prefers-reduced-motion: reduce)').matches",
            self.width,
            self.scheme.name(),
        );
        browser
            .until_script("the page to see its screen", &seen)
            .await?;
        browser.eval_async(PAINTED).await.map(drop)
    }

    /// The same, unless the browser's last screen was this one.
    ///
    /// # Errors
    ///
    /// When the browser does not do it.
    pub(super) async fn show_after(self, last: &mut Option<Self>, browser: &Browser) -> Result<()> {
        if *last != Some(self) {
            // Nobody knows how far it got if it fails.
            *last = None;
            self.show(browser).await?;
            *last = Some(self);
        }
        Ok(())
    }

    /// Emulated as the developer tools do.
    async fn prefer_in_chromium(self, browser: &Browser) -> Result<()> {
        let features = json!([
            { "name": "prefers-color-scheme", "value": self.scheme.name() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let media = json!({ "media": "screen", "features": features });
        let cdp = browser.driver().cdp();
        cdp.send_raw("Emulation.setEmulatedMedia", media).await?;
        // As in a window in front, wherever the other browsers' windows are.
        cdp.send_raw(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        )
        .await?;
        // As on telephones and most desktops: they take no width of the page.
        cdp.send_raw("Emulation.setScrollbarsHidden", json!({ "hidden": true }))
            .await?;
        Ok(())
    }

    /// The person's own preferences.
    async fn prefer_in_firefox(self, browser: &Browser) -> Result<()> {
        let scheme = match self.scheme {
            Scheme::Dark => 0,
            Scheme::Light => 1,
        };
        let script = format!(
            "for (const [name, value] of Object.entries({{
                'layout.css.prefers-color-scheme.content-override': {scheme},
                'ui.prefersReducedMotion': 1,
                'ui.useOverlayScrollbars': 1,
            }})) Services.prefs.setIntPref(name, value);"
        );
        in_firefox_itself(browser, &script).await
    }
}

/// Makes the page's window this large.
async fn resize(browser: &Browser, width: u32, height: u32) -> Result<()> {
    match browser.kind() {
        Kind::Chromium => {
            let metrics = json!({
                "width": width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": false,
            });
            let cdp = browser.driver().cdp();
            cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics)
                .await?;
            Ok(())
        }
        // A window can't be as narrow as a telephone, so the page is made narrow in it, as
        // Firefox's own responsive design mode does.
        Kind::Firefox => {
            let script = format!(
                "const {{ style }} = gBrowser.selectedBrowser;
                for (const [side, length] of [['width', {width}], ['height', {height}]]) {{
                    for (const bound of ['min', 'max']) {{
                        style.setProperty(`${{bound}}-${{side}}`, `${{length}}px`);
                    }}
                }}"
            );
            in_firefox_itself(browser, &script).await
        }
    }
}

/// Runs a script in Firefox's own window.
async fn in_firefox_itself(browser: &Browser, script: &str) -> Result<()> {
    let handle = browser.driver().handle();
    handle.cmd(Context("chrome")).await?;
    let done = browser.eval(script).await;
    handle.cmd(Context("content")).await?;
    done.map(drop)
}

/// Saves a picture of the whole page, as PNG.
///
/// # Errors
///
/// When the browser takes none, or there is no place for it.
pub(super) async fn shoot(browser: &Browser, screen: Screen, path: &Path) -> Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    // In a window as high as the page: what sticks to its edges must not lie across the page.
    let height = browser
        .eval("scrollTo(0, 0); return document.documentElement.scrollHeight")
        .await?;
    let height = height.as_u64().context("no height")?;
    let height = u32::try_from(height)?.max(HEIGHT);
    if height > HEIGHT {
        resize(browser, screen.width, height).await?;
        let seen = format!("return innerHeight === {height}");
        browser
            .until_script("the page to see its height", &seen)
            .await?;
        browser.eval_async(PAINTED).await?;
    }
    let picture = match browser.kind() {
        Kind::Chromium => {
            let cdp = browser.driver().cdp();
            let shot = json!({ "format": "png" });
            let shot: Value = cdp.send_raw("Page.captureScreenshot", shot).await?;
            let data = shot["data"].as_str().context("no picture")?;
            BASE64.decode(data.as_bytes())?
        }
        Kind::Firefox => {
            let tools = FirefoxTools::new(browser.driver().handle().clone());
            tools.full_screenshot_as_png().await?
        }
    };
    if height > HEIGHT {
        resize(browser, screen.width, HEIGHT).await?;
    }
    Ok(std::fs::write(path, picture)?)
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
