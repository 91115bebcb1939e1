//! The question, its answers, and that nothing is sent before.

use anyhow::{Result, ensure};
use housekey_tests::browser::Options;
use housekey_tests::home::{Home, impostor};
use housekey_tests::pki::Key;
use housekey_tests::walk;

use crate::scene::{Stage, ensure_handshakes_only};

pub(crate) async fn the_walk(stage: Stage) -> Result<()> {
    let scene = stage.scene_with(Options::with_housekey(), true).await?;
    let steps = walk::walk(&scene.home, &scene.account, &scene.browser).await?;
    let failed: Vec<_> = steps.iter().filter(|step| !step.ok).collect();
    ensure!(failed.is_empty(), "{failed:#?}\n{}", scene.browser.log());
    Ok(())
}

pub(crate) async fn a_wrong_key_gets_not_one_byte(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    swap(&scene.home, false)?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the warning", |page| page.has_view("changed"))
        .await?;
    ensure_handshakes_only(&scene.home.hue)?;

    // The same maker and device number, another key: calmer, and just as silent.
    swap(&scene.home, true)?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the calm question", |page| page.has_view("rotated"))
        .await?;
    ensure_handshakes_only(&scene.home.hue)?;

    // A page that was open before and sends requests by itself gets nothing through either.
    scene.browser.go("https://192.168.1.20/echo").await?;
    scene
        .browser
        .until("the calm question", |page| page.has_view("rotated"))
        .await?;
    ensure_handshakes_only(&scene.home.hue)
}

pub(crate) async fn a_key_swapped_under_the_question_is_not_approved(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.ask(HUE).await?;
    swap(&scene.home, false)?;
    scene.browser.click("#approve").await?;
    let notice = "const notice = document.querySelector('#notice');
        return notice && !notice.hidden && notice.textContent.trim() || null";
    let notice = scene.browser.until_script("the notice", notice).await?;
    scene.note(&format!("the notice says {notice}"))?;
    scene.browser.screenshot("notice").await?;
    ensure!(
        !scene.has_pin("192.168.1.20")?,
        "a key that nobody saw was approved"
    );
    ensure_handshakes_only(&scene.home.hue)?;
    scene.ask(HUE).await?;
    ensure_handshakes_only(&scene.home.hue)
}

pub(crate) async fn subresources_do_not_ask(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.browser.go(&scene.home.start.url()).await?;
    scene
        .browser
        .until("the start page", |page| page.heading == "A small home")
        .await?;
    let attempts = "
        const settled = (element, url) => new Promise((done) => {
            element.onload = element.onerror = (event) => done(event.type);
            element.src = url;
            document.body.append(element);
            setTimeout(done, 3000, 'silence');
        });
        return {
            image: await settled(new Image(), 'https://192.168.1.30/icon'),
            script: await settled(document.createElement('script'), 'https://192.168.1.30/sw.js'),
            fetch: await fetch('https://192.168.1.30/echo').then(() => 'load', () => 'error'),
        };";
    let outcome = scene.browser.eval_async(attempts).await?;
    ensure!(
        !outcome.to_string().contains("load"),
        "a stranger's subresource loaded: {outcome}"
    );
    let page = scene.browser.page().await?;
    ensure!(
        page.heading == "A small home",
        "a subresource took the tab over: {page:?}"
    );
    for window in scene.browser.driver().windows().await? {
        scene.browser.driver().switch_to_window(window).await?;
        let page = scene.browser.page().await?;
        let asks = page
            .view
            .as_deref()
            .is_some_and(|view| view != "options" && view != "welcome");
        ensure!(!asks, "a subresource opened a question: {page:?}");
    }
    let record = scene.home.printer.record();
    ensure!(
        record.application_bytes == 0,
        "application data reached the printer: {record:?}"
    );
    Ok(())
}

/// Another device takes the bridge's place: an impostor, or the bridge after a reset.
fn swap(home: &Home, reset: bool) -> Result<()> {
    let key = Key::generate()?;
    let other = if reset {
        home.authorities.hue_bridge(key)?
    } else {
        impostor(key)?
    };
    home.hue.present(&other)?;
    home.hue.disconnect();
    home.hue.clear_record();
    Ok(())
}

const HUE: &str = "https://192.168.1.20/";
