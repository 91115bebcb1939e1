//! The extension goes, comes back and is updated while the browser runs.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use housekey_tests::browser::{Account, Browser, Options, Page, copy_extension};
use housekey_tests::home::{Home, impostor};
use housekey_tests::pki::Key;
use housekey_tests::proxy::Proxy;
use serde_json::{Value, json};

use crate::proxies::{set_proxy, visit_public};
use crate::scene::{Stage, ensure_never_direct};

/// Switched off, on again, and removed: the gateway ends with it, the proxy of before is back, and
/// the browser gives its own warning. What was approved is not asked about again.
pub(crate) async fn with_the_extension_gone_the_browser_warns(stage: Stage) -> Result<()> {
    let proxy = Proxy::start(stage.lan).await?;
    let home = Home::start(stage.lan).await?;
    let mut account = Account::new(stage.lan, &home.authorities)?;
    set_proxy(&mut account, stage.kind, proxy.port())?;
    account.install_housekey()?;
    account.add_makers()?;
    let scene = stage
        .scene_in(home, account, Options::with_housekey())
        .await?;
    let browser = &scene.browser;
    browser.until_housekey_is_ready().await?;
    let own = scene.home.authorities.hue_bridge(Key::generate()?)?;
    scene.home.hue.present(&own)?;
    scene.approve(HUE).await?;
    ensure!(!proxy.was_asked_for("192.168.1.20"), "a device was proxied");

    // Whoever waits for this moment gets nothing from the page that is open.
    let helper = scene.helper().await?;
    scene.home.hue.present(&impostor(Key::generate()?)?)?;
    // The page's icon may still be under way to the device that was approved.
    scene.home.hue.disconnect();
    scene.home.hue.clear_record();
    browser.switch_extension(false).await?;
    helper.until_ended().await?;
    let fetched = browser.eval_as_page(FETCH).await?;
    ensure!(fetched == json!("refused"), "the open page got {fetched}");
    warns(browser).await?;
    browser.screenshot("switched-off").await?;
    let record = scene.home.hue.record();
    let sent = record.application_bytes;
    ensure!(sent == 0, "{sent} bytes reached another device: {record:?}");
    // What was there before leads again, devices too.
    ensure!(proxy.was_asked_for("192.168.1.20"), "not led by it");
    visit_public(browser).await?;

    scene.home.hue.present(&own)?;
    browser.switch_extension(true).await?;
    browser.until_housekey_is_ready().await?;
    scene.home.hue.clear_record();
    let led = || {
        proxy
            .asked()
            .iter()
            .filter(|it| it.contains("192.168.1.20"))
            .count()
    };
    let before = led();
    opens(browser, "Philips Hue bridge").await?;
    ensure_never_direct(&scene.home.hue)?;
    ensure!(led() == before, "{:?}", proxy.asked());

    let helper = scene.helper().await?;
    browser.remove_extension().await?;
    helper.until_ended().await?;
    warns(browser).await?;
    browser.screenshot("removed").await?;
    visit_public(browser).await
}

/// An update ends the extension and begins it anew. Meanwhile no page that is open gets to another
/// device than the approved one, and afterwards everything is as it was.
pub(crate) async fn an_update_opens_nothing_and_asks_nothing(stage: Stage) -> Result<()> {
    let home = Home::start(stage.lan).await?;
    let account = Account::new(stage.lan, &home.authorities)?;
    account.install_housekey()?;
    account.add_makers()?;
    let extension = account.directory().join("extension");
    copy_extension(stage.kind, &extension)?;
    let options = Options {
        unpacked: Some(extension.clone()),
        ..Options::with_housekey()
    };
    let scene = stage.scene_in(home, account, options).await?;
    let browser = &scene.browser;
    browser.until_housekey_is_ready().await?;
    let before = remembered(browser).await?;
    scene.approve(HUE).await?;
    scene.approve(ROUTER).await?;
    let helper = scene.helper().await?;

    // The router's page goes on asking while another device takes the router's place.
    browser.eval_as_page(ASK_ON_AND_ON).await?;
    scene.home.router.present(&impostor(Key::generate()?)?)?;
    scene.home.router.disconnect();
    scene.home.router.clear_record();
    set_version(&extension, "0.9.9")?;
    let directory = extension.display().to_string();
    browser.update_extension(&directory).await?;
    helper.until_ended().await?;
    // It comes back by itself, before anybody opens anything.
    scene.helper().await?;
    let page = browser.driver().window().await?;
    browser.new_tab().await?;
    browser.until_housekey_is_ready().await?;
    let after = remembered(browser).await?;
    ensure!(after["version"] == "0.9.9", "it was not updated: {after}");
    ensure!(after["profile"] == before["profile"], "{before} {after}");
    opens(browser, "Philips Hue bridge").await?;

    let tab = browser.driver().window().await?;
    browser.driver().switch_to_window(page).await?;
    browser
        .until_script("refusals since", REFUSED_SINCE)
        .await?;
    browser.driver().switch_to_window(tab).await?;
    let record = scene.home.router.record();
    ensure!(record.application_bytes == 0, "sent to another: {record:?}");
    ensure!(record.connections > 0, "nobody came: nothing is proven");
    browser.go(ROUTER).await?;
    let warns = |page: &Page| page.has_view("changed");
    browser.until("the warning of a changed key", warns).await?;
    Ok(())
}

/// What the extension knows of itself.
async fn remembered(browser: &Browser) -> Result<Value> {
    let script = "const api = globalThis.browser ?? chrome;
        const { profile } = await api.storage.local.get('profile');
        return { profile, version: api.runtime.getManifest().version };";
    let remembered = browser.eval_async(script).await?;
    ensure!(remembered["profile"].is_string(), "{remembered}");
    Ok(remembered)
}

/// The device's page, without a question.
async fn opens(browser: &Browser, heading: &str) -> Result<()> {
    browser.go(HUE).await?;
    let decided = |page: &Page| page.heading == heading || page.is_decided() || page.is_error();
    let page = browser.until("the device's page", decided).await?;
    ensure!(page.heading == heading && page.secure, "{page:?}");
    Ok(())
}

async fn warns(browser: &Browser) -> Result<()> {
    browser.go(HUE).await?;
    let warns = |page: &Page| page.is_error() || page.href == HUE && page.is_decided();
    let page = browser.until("the browser's own warning", warns).await?;
    ensure!(page.is_error(), "no warning: {page:?}");
    Ok(())
}

fn set_version(extension: &Path, version: &str) -> Result<()> {
    let path = extension.join("manifest.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
    manifest["version"] = json!(version);
    Ok(fs::write(path, manifest.to_string())?)
}

const FETCH: &str = "return fetch('/echo').then((it) => it.status, () => 'refused')";
const ASK_ON_AND_ON: &str = "globalThis.outcomes = [];
    void (async () => {
        for (;;) {
            outcomes.push(await fetch('/echo?on').then((it) => it.status, () => 'refused'));
            await new Promise((done) => setTimeout(done, 20));
        }
    })();";
const REFUSED_SINCE: &str = "const page = window.wrappedJSObject ?? window;
    return page.outcomes?.at(-1) === 'refused' && page.outcomes.length > 10";
const HUE: &str = "https://192.168.1.20/";
const ROUTER: &str = "https://192.168.1.1/";
