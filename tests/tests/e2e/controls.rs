//! The browsers without Housekey: what the other tests are measured against.

use anyhow::{Result, ensure};
use housekey_tests::browser::Options;

use crate::scene::Stage;

pub(crate) async fn without_housekey_the_browser_warns(stage: Stage) -> Result<()> {
    let scene = stage.control().await?;
    scene.browser.go("https://192.168.1.20/").await?;
    scene
        .browser
        .until("an interstitial", |page| page.is_error())
        .await?;
    let record = scene.home.hue.record();
    ensure!(
        record.application_bytes == 0,
        "a request reached an unverified device: {record:?}"
    );
    ensure!(
        !record.failed_handshakes.is_empty(),
        "the device does not know a direct visit"
    );
    scene.browser.go("https://public.example/").await?;
    scene
        .browser
        .until("the public page", |page| page.heading == "A public site")
        .await?;
    Ok(())
}

pub(crate) async fn without_housekey_tabs_are_restored(stage: Stage) -> Result<()> {
    let mut scene = stage.control().await?;
    scene.browser.go(PUBLIC).await?;
    scene
        .browser
        .until("the public page", |page| page.heading == "A public site")
        .await?;
    scene.browser.quit().await?;
    scene.browser = stage
        .browser(&scene.account, Options::without_housekey())
        .await?;
    scene.browser.find_tab(PUBLIC).await.map(drop)
}

const PUBLIC: &str = "https://public.example/";
