//! When a device is not what it was.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Kind, Options, Page};
use housekey_tests::home::{Home, impostor};
use housekey_tests::pki::{Identity, Key};

use crate::scene::{Stage, ensure_handshakes_only};

/// The new device never receives what the old one gave the browser.
pub(crate) async fn a_replaced_device_gets_no_old_session(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    scene
        .browser
        .eval("localStorage.setItem('secret', 'of the old device')")
        .await?;
    become_another(&scene.home, &impostor(Key::generate()?)?)?;
    scene.browser.go(HUE).await?;
    let warns = |page: &Page| page.has_view("changed") && page.armed;
    scene.browser.until("the warning", warns).await?;
    ensure_handshakes_only(&scene.home.hue)?;

    scene.browser.click("#replace-open summary").await?;
    let disabled = "return document.querySelector('#replace').disabled";
    ensure!(
        scene.browser.eval(disabled).await? == true,
        "one click is enough to go on"
    );
    scene.browser.click("#replace-understood").await?;
    ensure!(
        scene.browser.eval(disabled).await? == true,
        "two clicks are enough to go on"
    );
    scene
        .browser
        .fill("#replace-address", "192.168.1.20")
        .await?;
    scene.browser.screenshot("replace").await?;
    scene.browser.click("#replace").await?;
    scene.browser.until("the new device's page", shows).await?;

    let record = scene.home.hue.record();
    let first = record
        .requests
        .first()
        .context("no request reached the new device")?;
    let cookie = first.header("cookie");
    ensure!(cookie.is_none(), "the new device received {cookie:?}");
    let kept = scene
        .browser
        .eval("return localStorage.getItem('secret')")
        .await?;
    ensure!(kept.is_null(), "the new device's page can read {kept}");
    Ok(())
}

/// The same maker, the same device number, another key: two columns and one click.
pub(crate) async fn a_reset_device_is_trusted_again(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    become_another(
        &scene.home,
        &scene.home.authorities.hue_bridge(Key::generate()?)?,
    )?;
    scene.browser.go(HUE).await?;
    let asks = |page: &Page| page.has_view("rotated") && page.armed;
    scene.browser.until("the calm question", asks).await?;
    scene.browser.screenshot("rotated").await?;
    ensure_handshakes_only(&scene.home.hue)?;
    scene.browser.click("#approve").await?;
    scene
        .browser
        .until("the bridge's page", shows)
        .await
        .map(drop)
}

/// Another device of the same maker is not the same device.
pub(crate) async fn a_sibling_is_a_change(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    become_another(
        &scene.home,
        &scene.home.authorities.other_hue_bridge(Key::generate()?)?,
    )?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the warning", |page| page.has_view("changed"))
        .await?;
    ensure_handshakes_only(&scene.home.hue)
}

pub(crate) async fn an_expired_certificate_is_extended_by_the_person(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let identity = scene.home.authorities.hue_bridge(Key::generate()?)?;
    scene.home.hue.present(&identity)?;
    scene.approve(HUE).await?;
    let expired = scene.home.authorities.hue_bridge_expired(identity.key())?;
    become_another(&scene.home, &expired)?;
    scene.browser.go(HUE).await?;
    let says = |page: &Page| page.has_view("expired") && page.armed;
    scene
        .browser
        .until("the news that the certificate has expired", says)
        .await?;
    scene.browser.screenshot("expired").await?;
    ensure_handshakes_only(&scene.home.hue)?;
    scene.browser.click("#extend").await?;
    scene.browser.until("the bridge's page", shows).await?;
    // From then on it is silent.
    become_another(&scene.home, &expired)?;
    scene.browser.go("about:blank").await?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the bridge's page", shows)
        .await
        .map(drop)
}

/// Blocking is stronger than forgetting, until it is taken back.
pub(crate) async fn a_blocked_device_stays_blocked(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let options = scene.browser.extension_page("pages/options/options.html")?;
    scene.browser.go(&options).await?;
    scene.browser.click("li.pin .pin-open").await?;
    scene.browser.click("li.pin .pin-block").await?;
    scene.browser.element("li.pin .pin-unblock").await?;
    scene.home.hue.disconnect();
    scene.home.hue.clear_record();
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the refusal", |page| page.has_view("blocked"))
        .await?;
    scene.browser.screenshot("blocked").await?;
    let record = scene.home.hue.record();
    ensure!(
        record.application_bytes == 0,
        "something reached a blocked device: {record:?}"
    );
    scene.browser.go(&options).await?;
    scene.browser.click("li.pin .pin-open").await?;
    scene.browser.click("li.pin .pin-unblock").await?;
    scene.browser.element("li.pin .pin-block").await?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the bridge's page", shows)
        .await
        .map(drop)
}

/// What is forgotten is forgotten at once, by an open page too.
pub(crate) async fn forgetting_cuts_open_connections(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let page = scene.browser.driver().window().await?;
    scene.browser.new_tab().await?;
    scene
        .browser
        .go(&scene.browser.extension_page("pages/options/options.html")?)
        .await?;
    scene.browser.click("li.pin .pin-open").await?;
    scene.browser.click("li.pin .pin-forget").await?;
    scene.browser.click("li.pin .pin-forget-confirm").await?;
    let gone = "return document.querySelectorAll('li.pin').length === 0";
    scene.browser.until_script("the pin to go", gone).await?;
    scene.browser.driver().switch_to_window(page).await?;
    scene.home.hue.clear_record();
    let fetch = "return await fetch('/echo').then(() => 'answered', () => 'refused')";
    let outcome = scene.browser.eval_async(fetch).await?;
    ensure!(
        outcome == "refused",
        "a forgotten device still answers an open page"
    );
    let record = scene.home.hue.record();
    ensure!(
        record.application_bytes == 0,
        "something reached a forgotten device: {record:?}"
    );
    Ok(())
}

/// The command line is another process than the gateway: what it forgets is cut all the same.
pub(crate) async fn forgetting_by_command_cuts_open_connections(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let open = "window.ended = false;
        return await new Promise((done, fail) => {
            const socket = new WebSocket('wss://192.168.1.20/ws');
            socket.onopen = () => done('open');
            socket.onerror = fail;
            socket.onclose = () => { window.ended = true; };
        });";
    let opened = scene.browser.eval_async(open).await?;
    ensure!(opened == "open", "the socket says {opened}");
    scene.account.housekey(["pins", "forget", "192.168.1.20"])?;
    let ended = "return window.ended";
    scene
        .browser
        .until_script("the page's socket to end", ended)
        .await?;
    scene.home.hue.clear_record();
    let fetch = "return await fetch('/echo').then(() => 'answered', () => 'refused')";
    let outcome = scene.browser.eval_async(fetch).await?;
    ensure!(
        outcome == "refused",
        "a forgotten device still answers an open page"
    );
    let record = scene.home.hue.record();
    ensure!(
        record.application_bytes == 0,
        "something reached a forgotten device: {record:?}"
    );
    Ok(())
}

/// A damaged list of pins is never taken for an empty one.
pub(crate) async fn a_damaged_store_fails_closed(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    scene.helper().await?.kill()?;
    let database = scene.account.data().join("housekey.db");
    for beside in ["housekey.db-wal", "housekey.db-shm"] {
        let _ = fs::remove_file(scene.account.data().join(beside));
    }
    fs::write(
        &database,
        b"this is no database, and it is long enough to be looked at ".repeat(100),
    )?;
    become_another(&scene.home, &impostor(Key::generate()?)?)?;
    scene.browser.go(HUE).await?;
    let decided = |page: &Page| page.is_error() || page.is_decided();
    let page = scene.browser.until("a refusal", decided).await?;
    scene.browser.screenshot("damaged").await?;
    scene.note(&format!("{page:?}"))?;
    ensure!(
        !page.has_view("first-connect"),
        "a damaged store is taken for an empty one"
    );
    let record = scene.home.hue.record();
    ensure!(
        record.application_bytes == 0,
        "something reached the impostor: {record:?}"
    );
    let output = scene.account.try_housekey(["pins", "list"])?;
    ensure!(
        !output.status.success(),
        "the command line takes it for an empty one"
    );
    Ok(())
}

/// What is trusted in one browser is trusted in the other.
pub(crate) async fn browsers_share_their_pins(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let other = match stage.kind {
        Kind::Chromium => Kind::Firefox,
        Kind::Firefox => Kind::Chromium,
    };
    let other = Stage {
        kind: other,
        ..stage
    };
    let browser = other
        .browser(&scene.account, Options::with_housekey())
        .await?;
    browser.until_housekey_is_ready().await?;
    browser.go(HUE).await?;
    browser.until("the bridge's page", shows).await.map(drop)
}

fn become_another(home: &Home, identity: &Identity) -> Result<()> {
    home.hue.present(identity)?;
    home.hue.disconnect();
    home.hue.clear_record();
    Ok(())
}

fn shows(page: &Page) -> bool {
    page.heading == "Philips Hue bridge"
}

const HUE: &str = "https://192.168.1.20/";
