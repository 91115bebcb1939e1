//! What a person does in the browser's own list of extensions, and with its private windows.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use thirtyfour::WindowHandle;

use super::account::artefact;
use super::wait::PATIENCE;
use super::{Browser, Kind, chromium, firefox};

/// Copies the extension as it was built for a browser, for a test that changes it.
///
/// # Errors
///
/// When it is not built, or a file cannot be written.
pub fn copy_extension(kind: Kind, directory: &Path) -> Result<()> {
    copy(
        &artefact("HOUSEKEY_DIST", "dist")?.join(kind.extension()),
        directory,
    )
}

impl Browser {
    /// Switches Housekey off or on.
    pub async fn switch_extension(&self, on: bool) -> Result<()> {
        match self.kind() {
            Kind::Chromium => {
                let id = json!(chromium::extension_id()?);
                self.in_list(&format!("await chrome.management.setEnabled({id}, {on});"))
                    .await
            }
            Kind::Firefox => {
                let deed = if on { "enable" } else { "disable" };
                self.with_addon(&format!("await addon.{deed}();")).await
            }
        }
    }

    /// Loads what is now in the extension's directory, as an update does.
    pub async fn update_extension(&self, directory: &str) -> Result<()> {
        match self.kind() {
            Kind::Chromium => {
                let id = json!(chromium::extension_id()?);
                // Who is no developer has no unpacked extensions: they are switched off when they
                // are loaded again.
                self.in_list(&format!(
                    "await chrome.developerPrivate.updateProfileConfiguration(
                        {{ inDeveloperMode: true }});
                    await chrome.developerPrivate.reload({id}, {{ failQuietly: true }});"
                ))
                .await
            }
            Kind::Firefox => {
                let tools = firefox::tools(self.driver());
                let loaded = tools.install_addon(directory, Some(true)).await;
                loaded.map(drop).context("Firefox does not load the update")
            }
        }
    }

    /// Ends Chromium's worker of the extension, and with it the helper, as its sleep does.
    pub async fn end_background(&self) -> Result<()> {
        let cdp = self.driver().cdp();
        let deadline = Instant::now() + PATIENCE;
        let mut ended = None;
        while Instant::now() < deadline {
            let targets: Value = cdp.send_raw("Target.getTargets", json!({})).await?;
            let targets = targets["targetInfos"].as_array().cloned();
            let mut targets = targets.unwrap_or_default().into_iter();
            let worker = targets.find(|target| target["type"] == "service_worker");
            let worker = worker.map(|worker| worker["targetId"].clone());
            // Another one may be there at once: whatever wakes it, it begins from nothing.
            if ended.is_some() && worker != ended {
                return Ok(());
            }
            if let (Some(id), None) = (&worker, &ended) {
                let _ = cdp
                    .send_raw("Target.closeTarget", json!({ "targetId": id }))
                    .await;
                ended = worker;
            }
        }
        bail!("the background does not end")
    }

    /// Removes Housekey for good.
    pub async fn remove_extension(&self) -> Result<()> {
        match self.kind() {
            Kind::Chromium => {
                // The browser's own list asks in a window that WebDriver cannot reach.
                let own = self.page_of_extension().await?;
                // Its tab ends with it, before it could answer.
                let removal = "setTimeout(() => chrome.management.uninstallSelf())";
                self.eval(removal).await?;
                Ok(self.driver().switch_to_window(own).await?)
            }
            Kind::Firefox => self.with_addon("await addon.uninstall();").await,
        }
    }

    /// Whether Chromium's list offers to let Housekey into private windows.
    pub async fn may_be_let_into_private_windows(&self) -> Result<bool> {
        let id = json!(chromium::extension_id()?);
        let info = format!(
            "const info = await chrome.developerPrivate.getExtensionInfo({id});
            if (!info.incognitoAccess.isEnabled) throw new Error('not offered');"
        );
        match self.in_list(&info).await {
            Ok(()) => Ok(true),
            Err(error) if error.to_string().contains("not offered") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens a private window and moves into it.
    pub async fn private_window(&self) -> Result<()> {
        let before = self.driver().windows().await?;
        match self.kind() {
            Kind::Chromium => {
                let own = self.page_of_extension().await?;
                let open = "chrome.windows.create({ incognito: true, url: 'about:blank' });";
                self.eval(open).await?;
                self.driver().close_window().await?;
                self.driver().switch_to_window(own).await?;
            }
            Kind::Firefox => {
                let opened = self
                    .in_chrome(
                        "Services.wm.getMostRecentBrowserWindow().OpenBrowserWindow(
                            { private: true });
                        return true;",
                    )
                    .await?;
                ensure!(opened == json!(true), "no private window: {opened}");
            }
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            for window in self.driver().windows().await? {
                if !before.contains(&window) {
                    return Ok(self.driver().switch_to_window(window).await?);
                }
            }
            ensure!(Instant::now() < deadline, "no private window appears");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Opens a page of the extension in a tab of its own. The window that was left for it.
    async fn page_of_extension(&self) -> Result<WindowHandle> {
        let own = self.driver().window().await?;
        self.new_tab().await?;
        let page = self.extension_page("pages/welcome/welcome.html")?;
        self.go(&page).await?;
        self.until("a page of the extension", |it| it.href == page)
            .await?;
        Ok(own)
    }

    /// Runs the body of an asynchronous function in Chromium's list of extensions.
    async fn in_list(&self, body: &str) -> Result<()> {
        let own = self.driver().window().await?;
        self.new_tab().await?;
        self.go("chrome://extensions/").await?;
        let there = "return typeof chrome.developerPrivate === 'object'";
        self.until_script("the list of extensions", there).await?;
        let done = self.eval_async(&format!("{body} return true;")).await;
        self.driver().close_window().await?;
        self.driver().switch_to_window(own).await?;
        succeeded(&done?)
    }

    /// Runs the body of an asynchronous function in Firefox itself, as its list of extensions does.
    async fn with_addon(&self, body: &str) -> Result<()> {
        let id = json!(firefox::EXTENSION);
        let body = format!(
            "const {{ AddonManager }} = ChromeUtils.importESModule(
                'resource://gre/modules/AddonManager.sys.mjs');
            const addon = await AddonManager.getAddonByID({id});
            {body} return true;"
        );
        succeeded(&self.in_chrome(&body).await?)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn succeeded(done: &Value) -> Result<()> {
    if *done != json!(true) {
        bail!("the browser says {done}");
    }
    Ok(())
}
