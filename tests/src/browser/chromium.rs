//! Chromium through chromedriver.

use std::fs;

use anyhow::{Context as _, Result};
use data_encoding::BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use thirtyfour::{ChromiumCapabilities, WebDriver};

use super::account::{Account, artefact, program};
use super::driver::DriverProcess;
use super::{Extension, Options};

pub(super) async fn start(
    account: &Account,
    options: &Options,
) -> Result<(DriverProcess, WebDriver)> {
    let driver = account.command(program("chromedriver")?);
    let process = DriverProcess::start(driver, account.log("chromium")).await?;
    let mut arguments: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    arguments.push(format!(
        "--user-data-dir={}",
        account.chromium_data().display()
    ));
    // Into the log that a failed test prints: consoles, the extension's too.
    arguments.push("--enable-logging".to_owned());
    arguments.push(format!("--log-file={}", account.log("chromium").display()));
    if options.headless {
        arguments.extend([
            "--headless".to_owned(),
            "--window-size=1000,1200".to_owned(),
        ]);
    }
    if options.extension != Extension::Absent {
        let extension = options.extension("chrome")?;
        arguments.push(format!("--load-extension={}", extension.display()));
    }
    let mut capabilities = ChromiumCapabilities::new();
    capabilities.as_mut().set("pageLoadStrategy", "none")?;
    capabilities.as_mut().set("browserName", "chrome")?;
    // chromedriver adds `--disable-extensions` to some set-ups, and switches that make Chromium
    // trust any certificate must never slip in.
    let mut unwanted = vec!["ignore-certificate-errors", "disable-extensions"];
    if !options.headless {
        // It puts a bar on top of every page.
        unwanted.push("enable-automation");
    }
    let chrome_options = json!({ "args": arguments, "excludeSwitches": unwanted });
    capabilities
        .as_mut()
        .set("goog:chromeOptions", chrome_options)?;
    let driver = WebDriver::new(process.url(), capabilities)
        .await
        .with_context(|| process.log())?;
    Ok((process, driver))
}

/// The extension's id follows from the key in its manifest: the first half of the key's SHA-256,
/// written with the letters a to p.
pub(super) fn extension_id() -> Result<String> {
    let manifest = artefact("HOUSEKEY_DIST", "dist")?.join("chrome/manifest.json");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(manifest)?)?;
    let key = manifest["key"]
        .as_str()
        .context("the extension's manifest has no key")?;
    let digest = Sha256::digest(BASE64.decode(key.as_bytes())?);
    let nibbles = digest[..16]
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0f]);
    Ok(nibbles.map(|nibble| char::from(b'a' + nibble)).collect())
}

const FLAGS: &[&str] = &[
    // Needed as root and inside user namespaces, which is where tests run.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // /dev/shm is small in containers.
    "--disable-dev-shm-usage",
    "--password-store=basic",
    // A second start of the same account has the first one's tabs, as most people want it.
    "--restore-last-session",
];
