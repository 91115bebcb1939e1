//! Private windows: the browser's own, unless a person lets Housekey in.

use anyhow::{Result, ensure};
use housekey_tests::browser::{Kind, Page};
use serde_json::json;

use crate::scene::{Scene, Stage, ensure_never_direct};

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
    ensure!(!remembers(&scene, "192.168.1.1").await?, "Housekey knows");
    // And the normal window goes on as before.
    browser.driver().switch_to_window(normal).await?;
    browser.go(HUE).await?;
    let opens = |page: &Page| page.heading == "Philips Hue bridge";
    browser.until("the device", opens).await?;
    if stage.kind == Kind::Chromium {
        // Its pages could not be shown there, so it cannot be let in.
        ensure!(!browser.may_be_let_into_private_windows().await?);
    }
    Ok(())
}

/// Where it was let in, it asks there as anywhere, and says what stays. Nothing else does.
pub(crate) async fn let_in_it_asks_in_the_private_window(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    browser.allow_in_private_windows().await?;
    browser.until_housekey_is_ready().await?;
    let normal = browser.driver().window().await?;
    browser.private_window().await?;
    let page = scene.ask(ROUTER).await?;
    browser.screenshot("asks").await?;
    let told = browser.text("#private").await?;
    ensure!(!told.is_empty(), "what stays is not said: {page:?}");
    browser.click("#understood").await?;
    browser.click("#approve").await?;
    let opens = |page: &Page| page.heading == "Router";
    browser.until("the device in private", opens).await?;
    // One that is not decided about, either.
    scene.ask(HUE).await?;
    browser.click("#stop").await?;
    browser.driver().close_window().await?;
    browser.driver().switch_to_window(normal).await?;

    ensure!(scene.has_pin("192.168.1.1")?, "the decision is not kept");
    ensure!(!scene.has_pin("192.168.1.20")?, "something was pinned");
    let history = scene.account.housekey(["history", "--json"])?;
    ensure!(!history.contains("192.168.1.20"), "{history}");
    ensure!(
        !remembers(&scene, "192.168.1.20").await?,
        "it is remembered"
    );
    ensure_never_direct(&scene.home.router)?;
    browser.go(ROUTER).await?;
    browser.until("the device outside", opens).await.map(drop)
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
