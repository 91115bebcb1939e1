//! What is decided in one browser, and what another one still holds.

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Browser, Kind, Options, Page};
use housekey_tests::home::impostor;
use housekey_tests::pki::Key;

use crate::scene::Stage;

/// A device is replaced in one browser. The other, which still holds the old one's session, deletes
/// it before it meets the new one, and asks nobody.
pub(crate) async fn the_other_browser_forgets_the_old_session_too(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let other = other(stage)
        .browser(&scene.account, Options::with_housekey())
        .await?;
    other.until_housekey_is_ready().await?;
    other.go(HUE).await?;
    other.until("the bridge's page", shows).await?;
    other
        .eval("localStorage.setItem('secret', 'of the old device')")
        .await?;
    ensure_cookie(&other, true).await?;
    other.go("about:blank").await?;

    scene.home.hue.present(&impostor(Key::generate()?)?)?;
    scene.home.hue.disconnect();
    scene.browser.go(HUE).await?;
    let warns = |page: &Page| page.has_view("changed") && page.armed;
    scene.browser.until("the warning", warns).await?;
    scene.browser.click("#replace-open summary").await?;
    scene.browser.click("#replace-understood").await?;
    scene
        .browser
        .fill("#replace-address", "192.168.1.20")
        .await?;
    scene.browser.click("#replace").await?;
    scene.browser.until("the new device's page", shows).await?;

    scene.home.hue.disconnect();
    scene.home.hue.clear_record();
    other.go(HUE).await?;
    other.until("the new device's page", shows).await?;
    let record = scene.home.hue.record();
    let first = record.requests.first();
    let first = first.context("no request reached the new device")?;
    let cookie = first.header("cookie");
    ensure!(cookie.is_none(), "the new device received {cookie:?}");
    let kept = other.eval("return localStorage.getItem('secret')").await?;
    ensure!(kept.is_null(), "the new device's page can read {kept}");

    // Once is enough: the new device's own session stays.
    ensure_cookie(&other, true).await?;
    scene.home.hue.disconnect();
    other.go("about:blank").await?;
    scene.home.hue.clear_record();
    other.go(HUE).await?;
    other.until("the new device's page", shows).await?;
    let record = scene.home.hue.record();
    let first = record.requests.first();
    let first = first.context("no request reached the new device")?;
    ensure!(
        first.header("cookie").is_some(),
        "the new device's own session was deleted"
    );
    Ok(())
}

async fn ensure_cookie(browser: &Browser, expected: bool) -> Result<()> {
    let script = "return await fetch('/echo').then(() => true)";
    browser.eval_async(script).await?;
    let has = browser.driver().get_all_cookies().await?;
    ensure!(
        has.is_empty() != expected,
        "without a cookie nothing is proven"
    );
    Ok(())
}

fn other(stage: Stage) -> Stage {
    let kind = match stage.kind {
        Kind::Chromium => Kind::Firefox,
        Kind::Firefox => Kind::Chromium,
    };
    Stage { kind, ..stage }
}

fn shows(page: &Page) -> bool {
    page.heading == "Philips Hue bridge"
}

const HUE: &str = "https://192.168.1.20/";
