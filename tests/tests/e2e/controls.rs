//! The browsers without Housekey: what the other tests are measured against.

use anyhow::{Result, ensure};
use housekey_tests::browser::Options;

use crate::local_network_access::attempts_at;
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

/// A device whose certificate the browser accepts, so that only Local Network Access is between
/// it and a public page.
pub(crate) async fn without_housekey_local_network_access_holds(stage: Stage) -> Result<()> {
    let scene = stage.control().await?;
    let fine = scene
        .home
        .authorities
        .already_fine(&["nas.local", "192.168.1.40"])?;
    scene.home.nas.present(&fine)?;
    scene.browser.go("https://nas.local/").await?;
    scene
        .browser
        .until("the storage's page", |page| {
            page.heading == "Network storage"
        })
        .await?;
    scene.browser.go("https://public.example/").await?;
    scene
        .browser
        .until("the public page", |page| page.heading == "A public site")
        .await?;
    scene.home.nas.clear_record();
    let outcome = scene.browser.eval_async(&attempts_at("nas.local")).await?;
    let reached: Vec<_> = scene
        .home
        .nas
        .record()
        .requests
        .into_iter()
        .map(|r| r.path)
        .collect();
    scene.note(&format!(
        "{} attempts reached the device: {reached:?}; {outcome}",
        reached.len()
    ))?;
    let fetched = reached.iter().any(|path| path.contains("fetch"));
    ensure!(
        !fetched,
        "this browser has no Local Network Access, or it is off: {reached:?}"
    );
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
