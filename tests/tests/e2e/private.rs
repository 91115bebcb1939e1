//! Private windows: the browser's own, unless a person lets Housekey in.

use anyhow::{Result, ensure};
use housekey_tests::browser::{Kind, Page};
use serde_json::json;

use crate::scene::{Scene, Stage};

/// Where Housekey was not let in, a private window is as without it: no proxy that would want a
/// password, the browser's own warning, and nothing of the visit anywhere in Housekey.
pub(crate) async fn a_private_window_is_left_alone(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    scene.approve(HUE).await?;
    let normal = browser.driver().window().await?;
    browser.private_window().await?;
    scene.home.hue.clear_record();
    for (url, device) in [(HUE, &scene.home.hue), (ROUTER, &scene.home.router)] {
        browser.go(url).await?;
        let decided = |page: &Page| page.is_error() || page.is_decided();
        let page = browser.until("the browser's warning", decided).await?;
        ensure!(
            page.is_error(),
            "{url} is not left to the browser: {page:?}"
        );
        let record = device.record();
        ensure!(
            !record.failed_handshakes.is_empty(),
            "not direct: {record:?}"
        );
        ensure!(
            record.application_bytes == 0,
            "a request was sent: {record:?}"
        );
    }
    browser.screenshot("left-alone").await?;
    browser.go("https://public.example/").await?;
    let is_there = |page: &Page| page.heading == "A public site";
    browser.until("a public site", is_there).await?;
    ensure!(!scene.has_pin("192.168.1.1")?, "something was pinned");
    browser.driver().switch_to_window(normal).await?;
    ensure!(!remembers(&scene, "192.168.1.1").await?, "Housekey knows");
    // And the normal window goes on as before.
    browser.go(HUE).await?;
    let opens = |page: &Page| page.heading == "Philips Hue bridge";
    browser.until("the device", opens).await?;
    if stage.kind == Kind::Chromium {
        // Its pages could not be shown there, so it cannot be let in.
        ensure!(!browser.may_be_let_into_private_windows().await?);
    }
    Ok(())
}

/// Whether the extension keeps anything about a host beyond this session of the browser.
async fn remembers(scene: &Scene, host: &str) -> Result<bool> {
    let browser = &scene.browser;
    let own = browser.driver().window().await?;
    browser.new_tab().await?;
    browser.until_housekey_is_ready().await?;
    let script = "const api = globalThis.browser ?? chrome;
        return JSON.stringify(await api.storage.local.get(null));";
    let kept = browser.eval_async(script).await?;
    ensure!(
        kept.as_str().is_some_and(|it| it.contains("profile")),
        "{kept}"
    );
    browser.driver().close_window().await?;
    browser.driver().switch_to_window(own).await?;
    Ok(kept != json!(null) && kept.to_string().contains(host))
}

const HUE: &str = "https://192.168.1.20/";
const ROUTER: &str = "https://192.168.1.1/";
