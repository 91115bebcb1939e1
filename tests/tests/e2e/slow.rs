//! Devices that take seconds for their part of a handshake.

use anyhow::{Result, ensure};
use housekey_tests::browser::Page;

use crate::scene::{Scene, Stage, ensure_handshakes_only};

/// The tab says how far the device is, and becomes the question when it has said who it is.
pub(crate) async fn a_slow_device_is_told_of(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let router = &scene.home.router;
    router.be_busy(true);
    let waiting = wait(&scene, ROUTER).await?;
    let prepares = "return document.querySelector('#meeting-step').textContent
        .includes('192.168.1.1 was reached')";
    scene.browser.until_script("its step", prepares).await?;
    scene.browser.screenshot("meeting").await?;
    // It goes on being told, and nothing that moves.
    let count = "return parseInt(document.querySelector('#meeting-time').textContent) >= 3";
    scene.browser.until_script("the seconds", count).await?;
    let record = router.record();
    ensure!(
        record.connections > 0 && record.handshakes == 0,
        "it was not slow: {record:?}"
    );
    router.be_busy(false);
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    let asking = scene.browser.until("the question", asks).await?;
    ensure!(
        asking.href == waiting.href,
        "the question has another page: {asking:?}"
    );
    ensure_handshakes_only(router)?;
    scene.browser.click("#understood").await?;
    scene.browser.click("#approve").await?;
    scene.browser.until("the router", at(ROUTER)).await?;
    Ok(())
}

/// Who does not wait leaves: nothing is sent, asked or remembered, whatever the device says then.
pub(crate) async fn nobody_has_to_wait_for_a_slow_device(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let router = &scene.home.router;
    router.be_busy(true);
    wait(&scene, ROUTER).await?;
    scene.browser.click("#stop").await?;
    let away = |page: &Page| page.href == "about:blank";
    scene.browser.until("an empty page", away).await?;
    router.be_busy(false);
    // The meeting itself goes on, and its end is not shown to anybody.
    let met = "the device's handshake";
    scene
        .browser
        .until(met, |_| router.record().handshakes > 0)
        .await?;
    scene.browser.until("still an empty page", away).await?;
    ensure_handshakes_only(router)?;
    ensure!(!scene.has_pin("192.168.1.1")?, "it was pinned");
    // It was no "not now".
    scene.ask(ROUTER).await?;
    ensure_handshakes_only(router)
}

/// Where the browser is content with the device, the tab goes on to it.
pub(crate) async fn a_slow_device_that_is_already_fine_opens(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let storage = &scene.home.nas;
    storage.present(&scene.home.authorities.already_fine(&["192.168.1.40"])?)?;
    storage.be_busy(true);
    wait(&scene, STORAGE).await?;
    storage.be_busy(false);
    scene.browser.until("the storage", at(STORAGE)).await?;
    ensure!(!scene.has_pin("192.168.1.40")?, "it was pinned");
    Ok(())
}

/// Goes to a device that is busy, until the tab says so.
async fn wait(scene: &Scene, url: &str) -> Result<Page> {
    scene.browser.go(url).await?;
    let waits = |page: &Page| page.has_view("meeting");
    scene.browser.until("how far the device is", waits).await
}

/// The device's own page.
fn at(url: &str) -> impl Fn(&Page) -> bool {
    move |page| page.href == url && page.view.is_none() && !page.is_error()
}

const ROUTER: &str = "https://192.168.1.1/";
const STORAGE: &str = "https://192.168.1.40/";
