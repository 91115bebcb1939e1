//! Firefox through geckodriver.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use hyper::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::extensions::addons::firefox::FirefoxTools;
use thirtyfour::{FirefoxCapabilities, RequestData, SessionId, WebDriver};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::account::{Account, program};
use super::driver::DriverProcess;
use super::{Extension, Options};

pub(super) async fn start(
    account: &Account,
    options: &Options,
) -> Result<(DriverProcess, WebDriver)> {
    let mut driver = account.command(program("geckodriver")?);
    // Lets tests open the extension's own pages by their address.
    driver.arg("--allow-system-access");
    let process = DriverProcess::start(driver, account.log("firefox")).await?;
    let profile = account.firefox_profile();
    let mut arguments = vec!["-profile".to_owned(), profile.display().to_string()];
    if options.headless {
        let arguments_for_headless = ["-headless", "--width=1000", "--height=1200"];
        arguments.extend(arguments_for_headless.map(str::to_owned));
    }
    let mut capabilities = FirefoxCapabilities::new();
    capabilities.as_mut().set("pageLoadStrategy", "none")?;
    let firefox_options = json!({ "args": arguments, "prefs": preferences() });
    capabilities
        .as_mut()
        .set("moz:firefoxOptions", firefox_options)?;
    let driver = WebDriver::new(process.url(), capabilities)
        .await
        .with_context(|| process.log())?;
    let tools = tools(&driver);
    let extension = || options.extension("firefox");
    match options.extension {
        Extension::Absent => (),
        Extension::Loaded => {
            tools
                .install_addon(&extension()?.display().to_string(), Some(true))
                .await?;
        }
        // From the second start of the account on, it is there already.
        Extension::Installed if profile.join(format!("extensions/{EXTENSION}.xpi")).exists() => (),
        Extension::Installed => {
            let archive = account.directory().join("housekey.xpi");
            pack(&extension()?, &archive)?;
            tools
                .install_addon(&archive.display().to_string(), Some(false))
                .await?;
        }
    }
    Ok((process, driver))
}

/// What only Firefox's driver can do.
pub(super) fn tools(driver: &WebDriver) -> FirefoxTools {
    FirefoxTools::new(driver.handle().clone())
}

fn preferences() -> Value {
    json!({
        "browser.aboutConfig.showWarning": false,
        "browser.newtabpage.enabled": false,
        "browser.region.network.url": "",
        "browser.safebrowsing.downloads.remote.enabled": false,
        "browser.safebrowsing.malware.enabled": false,
        "browser.safebrowsing.phishing.enabled": false,
        "browser.search.update": false,
        // So that the next start has this one's tabs, as most people want it.
        "browser.sessionstore.resume_from_crash": true,
        "browser.startup.page": 3,
        "browser.backup.enabled": false,
        "browser.tabs.warnOnClose": false,
        "datareporting.policy.dataSubmissionEnabled": false,
        // Into the log that a failed test prints.
        "devtools.console.stdout.content": true,
        // Lets WebDriver choose files in a page's field for them.
        "dom.file.createInChild": true,
        "extensions.getAddons.cache.enabled": false,
        "extensions.webextensions.uuids": json!({ EXTENSION: EXTENSION_UUID }).to_string(),
        "nimbus.rollouts.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        // Otherwise Marionette sets preferences that undo those of the session.
        "remote.prefs.recommended": false,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
        "toolkit.cosmeticAnimations.enabled": false,
        "toolkit.telemetry.reportingpolicy.firstRun": false,
        // An ESR allows to install what Mozilla has not signed.
        "xpinstall.signatures.required": false,
    })
}

/// Where scripts run from now on
/// (<https://firefox-source-docs.mozilla.org/testing/geckodriver/Usage.html>).
#[derive(Clone, Copy, Debug)]
pub(super) enum SetContext {
    /// In Firefox itself.
    Chrome,
    /// In the tab's page.
    Content,
}

impl FormatRequestData for SetContext {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let context = match self {
            Self::Chrome => "chrome",
            Self::Content => "content",
        };
        RequestData::new(Method::POST, format!("/session/{session}/moz/context"))
            .add_body(json!({ "context": context }))
    }
}

/// Packs the extension as Firefox installs it.
fn pack(extension: &Path, archive: &Path) -> Result<()> {
    let mut zip = ZipWriter::new(fs::File::create(archive)?);
    add(&mut zip, extension, extension)?;
    zip.finish()?.rewind()?;
    Ok(())
}

fn add(zip: &mut ZipWriter<fs::File>, root: &Path, directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            add(zip, root, &path)?;
        } else {
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            zip.start_file(name, SimpleFileOptions::default())?;
            zip.write_all(&fs::read(&path)?)?;
        }
    }
    Ok(())
}

/// Firefox makes this up for each profile unless it is told.
pub(super) const EXTENSION_UUID: &str = "5e0b4f5a-9f6c-4b8a-9a53-3d1c7c1f0a20";

/// The add-on's id, as the helper and the manifest have it.
pub(super) const EXTENSION: &str = "housekey@housekey.app";
