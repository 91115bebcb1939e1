//! A home, a user and a browser: what a test plays in.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use housekey_tests::browser::{Account, Browser, Kind, Options, Page};
use housekey_tests::device::Device;
use housekey_tests::helper::Helper;
use housekey_tests::home::Home;
use housekey_tests::lan::Lan;

/// Where a test runs, with nothing on it yet.
#[derive(Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) lan: Lan,
    pub(crate) kind: Kind,
    pub(crate) test: &'static str,
}

impl Stage {
    pub(crate) fn new(lan: Lan, kind: Kind, test: &'static str) -> Self {
        Self { lan, kind, test }
    }

    /// The home, a user with Housekey installed, and a browser that is ready for devices.
    pub(crate) async fn scene(self) -> Result<Scene> {
        let scene = self.scene_with(Options::with_housekey(), true).await?;
        scene.browser.until_housekey_is_ready().await?;
        Ok(scene)
    }

    /// The same without Housekey.
    pub(crate) async fn control(self) -> Result<Scene> {
        self.scene_with(Options::without_housekey(), false).await
    }

    /// The home, a user, and a browser started with these options.
    pub(crate) async fn scene_with(self, options: Options, installed: bool) -> Result<Scene> {
        let home = Home::start(self.lan).await?;
        let account = Account::new(self.lan, &home.authorities)?;
        if installed {
            account.install_housekey()?;
            account.add_makers()?;
        }
        self.scene_in(home, account, options).await
    }

    /// A browser started with these options, in a home and for a user that are there.
    pub(crate) async fn scene_in(
        self,
        home: Home,
        account: Account,
        options: Options,
    ) -> Result<Scene> {
        let browser = self.browser(&account, options).await?;
        let directory = self.directory();
        // Those of an earlier run. There may be none.
        let _ = fs::remove_file(notes(&directory, self.kind));
        Ok(Scene {
            browser,
            account,
            home,
            directory,
        })
    }

    /// A browser of this account.
    pub(crate) async fn browser(self, account: &Account, options: Options) -> Result<Browser> {
        let screenshots = Some(self.directory());
        Browser::start(
            self.kind,
            account,
            &Options {
                screenshots,
                ..options
            },
        )
        .await
    }

    /// Keeps what was found out in several scenes.
    pub(crate) fn note(self, text: &str) -> Result<()> {
        note(&self.directory(), self.kind, text)
    }

    /// Where this test's screenshots and notes go.
    fn directory(self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("e2e")
            .join(self.test)
    }
}

/// The browser ends before its user's files vanish, and the home goes off last.
pub(crate) struct Scene {
    pub(crate) browser: Browser,
    pub(crate) account: Account,
    pub(crate) home: Home,
    directory: PathBuf,
}

impl Scene {
    /// Keeps what was seen beside the screenshots, for people who want to know more.
    pub(crate) fn note(&self, text: &str) -> Result<()> {
        note(&self.directory, self.browser.kind(), text)
    }

    /// Goes to a new device and trusts it.
    pub(crate) async fn approve(&self, url: &str) -> Result<Page> {
        self.ask(url).await?;
        // Where nobody has checked who it is, the person has to say that they know.
        let unverified = "return document.querySelector('#understood') !== null";
        if self.browser.eval(unverified).await? == true {
            self.browser.click("#understood").await?;
        }
        self.browser.click("#approve").await?;
        let there = |page: &Page| page.href == url && !page.is_error();
        self.browser
            .until("the approved device's page", there)
            .await
    }

    /// Goes to a new device and waits until its question is answerable.
    pub(crate) async fn ask(&self, url: &str) -> Result<Page> {
        self.browser.go(url).await?;
        let asks = |page: &Page| page.has_view("first-connect") && page.armed;
        self.browser
            .until("the question about a new device", asks)
            .await
    }

    /// The running helper.
    pub(crate) async fn helper(&self) -> Result<Helper> {
        Helper::running(&self.account).await
    }

    /// Whether there is a pin for this host.
    pub(crate) fn has_pin(&self, host: &str) -> Result<bool> {
        Ok(self
            .account
            .housekey(["pins", "list", "--json"])?
            .contains(host))
    }
}

fn note(directory: &Path, kind: Kind, text: &str) -> Result<()> {
    let path = notes(directory, kind);
    let mut file = File::options().create(true).append(true).open(path)?;
    Ok(writeln!(file, "{text}")?)
}

fn notes(directory: &Path, kind: Kind) -> PathBuf {
    directory.join(format!("{kind}-notes.txt"))
}

/// Nothing but TLS handshakes reached the device, and at least one did.
pub(crate) fn ensure_handshakes_only(device: &Device) -> Result<()> {
    let record = device.record();
    ensure!(
        record.handshakes > 0,
        "no handshake reached the device: nothing is proven"
    );
    ensure!(
        record.application_bytes == 0,
        "application data reached the device: {record:?}"
    );
    ensure_never_direct(device)
}

/// The browser did not speak to the device by itself: it would have refused its certificate.
pub(crate) fn ensure_never_direct(device: &Device) -> Result<()> {
    let failed = device.record().failed_handshakes;
    let refused = |reason: &String| reason.contains("fatal alert");
    ensure!(
        !failed.iter().any(refused),
        "the browser went to the device by itself: {failed:?}"
    );
    Ok(())
}
