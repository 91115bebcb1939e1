//! Public stays public: not routed, not asked about, not signed for.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Options, Page};
use housekey_tests::pki::{Identity, Subject, forge};

use crate::scene::{Scene, Stage};

pub(crate) async fn public_hosts_are_not_routed(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let helper = scene.helper().await?;
    // Whatever goes through the helper hangs from here on.
    helper.pause()?;
    let outcome = visit_public(&scene).await;
    helper.resume()?;
    outcome?;
    // The control: a device does need the helper.
    scene.ask("https://192.168.1.20/").await.map(drop)
}

async fn visit_public(scene: &Scene) -> Result<()> {
    for url in [
        "https://public.example/",
        "https://8.8.8.8/",
        "http://8.8.4.4/",
    ] {
        scene.browser.go(url).await?;
        let page = scene
            .browser
            .until(url, |page| page.heading == "A public site")
            .await?;
        ensure!(page.href == url, "{url} became {}", page.href);
    }
    Ok(())
}

pub(crate) async fn a_local_name_with_a_public_address_is_refused(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.browser.go("https://pretender.local/").await?;
    let decided = |page: &Page| page.is_error() || page.is_decided();
    let page = scene.browser.until("a refusal", decided).await?;
    scene.note(&format!("{page:?}"))?;
    scene.browser.screenshot("pretender").await?;
    ensure!(
        !page.has_view("first-connect"),
        "a public host was offered for approval: {page:?}"
    );
    let record = scene.home.public.record();
    ensure!(
        record.application_bytes == 0,
        "a public host got data as a device: {record:?}"
    );
    Ok(())
}

/// DNS rebinding: a name is approved where it leads home, and led elsewhere after that.
pub(crate) async fn a_name_that_is_led_elsewhere_reaches_nobody(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let url = format!("https://{REBOUND}/");
    stage.lan.lead(REBOUND, &["192.168.1.20"])?;
    scene.approve(&url).await?;
    for addresses in [
        &["8.8.8.8"][..],
        &["192.168.1.20", "8.8.8.8"],
        &["127.0.0.1"],
        &["192.168.1.20", "169.254.169.254"],
    ] {
        stage.lan.lead(REBOUND, addresses)?;
        scene.browser.go("about:blank").await?;
        scene.home.hue.disconnect();
        for device in [&scene.home.hue, &scene.home.public] {
            device.clear_record();
        }
        scene.browser.go(&url).await?;
        let failed = |page: &Page| page.has_view("failed");
        scene.browser.until("the refusal", failed).await?;
        for device in [&scene.home.hue, &scene.home.public] {
            let record = device.record();
            ensure!(record.connections == 0, "{addresses:?}: {record:?}");
        }
    }
    // Back home, it is the device that it was.
    stage.lan.lead(REBOUND, &["192.168.1.20"])?;
    scene.browser.go(&url).await?;
    let shows = |page: &Page| page.heading == "Philips Hue bridge";
    scene.browser.until("the bridge's page", shows).await?;
    stage.lan.lead(REBOUND, &[])?;

    // A public name that leads home is the browser's own business, with its own refusal.
    scene.browser.go("https://intranet.example/").await?;
    let refused = |page: &Page| page.is_error();
    scene
        .browser
        .until("the browser's refusal", refused)
        .await?;
    let record = scene.home.nas.record();
    ensure!(
        record.application_bytes == 0 && record.handshakes == 0,
        "{record:?}"
    );
    Ok(())
}

const REBOUND: &str = "rebound.local";

pub(crate) async fn forged_leaves_for_public_names_are_refused(stage: Stage) -> Result<()> {
    // The authority is trusted, and the extension is not there to get in between.
    let scene = stage.scene_with(Options::without_housekey(), true).await?;
    let authority = Forger::steal(&scene.account.data().join("authority"))?;

    // The control: the browser does trust it for a device.
    scene
        .home
        .hue
        .present(&authority.leaf(&["192.168.1.20", "hue.local"])?)?;
    for url in ["https://192.168.1.20/", "https://hue.local/"] {
        scene.browser.go(url).await?;
        let page = scene
            .browser
            .until(url, |page| page.href == url || page.is_error())
            .await?;
        ensure!(
            !page.is_error(),
            "the authority is not trusted even for {url}: {page:?}"
        );
    }
    for names in [
        &["public.example"][..],
        &["8.8.8.8"],
        &["8.8.8.8", "192.168.1.20"],
    ] {
        scene.home.public.present(&authority.leaf(names)?)?;
        scene.home.public.disconnect();
        scene.home.public.clear_record();
        let url = format!("https://{}/", names[0]);
        scene.browser.go(&url).await?;
        let shown = |page: &Page| page.is_error() || page.heading == "A public site";
        let page = scene.browser.until("a refusal", shown).await?;
        ensure!(page.is_error(), "{url} opened with a forged certificate");
        let record = scene.home.public.record();
        ensure!(
            record.application_bytes == 0,
            "the forger got data: {record:?}"
        );
    }
    Ok(())
}

/// Somebody who has the issuer's key.
struct Forger {
    issuer: String,
    key: String,
}

impl Forger {
    fn steal(authority: &Path) -> Result<Self> {
        let read = |name| fs::read_to_string(authority.join(name)).context(name);
        Ok(Self {
            issuer: read("issuer.pem")?,
            key: read("issuer.key")?,
        })
    }

    fn leaf(&self, names: &[&str]) -> Result<Identity> {
        let subject = Subject::new().common_name(names[0]);
        let subject = names
            .iter()
            .fold(subject, |subject, name| subject.alternative_name(name));
        forge(&self.issuer, &self.key, &subject)
    }
}
