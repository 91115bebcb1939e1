//! The question, its answers, and that nothing is sent before.

use anyhow::{Result, bail, ensure};
use housekey_tests::browser::{Options, Page};
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
    swap(&scene.home)?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the warning", |page| page.has_view("changed"))
        .await?;
    ensure_handshakes_only(&scene.home.hue)?;

    // Another address of the same device is no way around.
    scene.browser.go("https://192.168.1.20/echo").await?;
    scene
        .browser
        .until("the warning", |page| page.has_view("changed"))
        .await?;
    ensure_handshakes_only(&scene.home.hue)
}

/// A page that is open already sends nothing to the device that took the place of its own.
pub(crate) async fn an_open_page_sends_nothing_to_another_key(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    swap(&scene.home)?;
    let requests = "
        const outcome = {};
        outcome.fetch = await fetch('/echo?fetch').then(() => 'answered', () => 'refused');
        outcome.post = await fetch('/echo?post', { method: 'POST', body: 'secret' })
            .then(() => 'answered', () => 'refused');
        outcome.socket = await new Promise((done) => {
            const socket = new WebSocket('wss://192.168.1.20/ws');
            socket.onopen = () => done('answered');
            socket.onerror = () => done('refused');
        });
        return outcome;";
    let outcome = scene.browser.eval_async(requests).await?;
    ensure!(
        !outcome.to_string().contains("answered"),
        "the page got through: {outcome}"
    );
    ensure_handshakes_only(&scene.home.hue)
}

/// Back leads to where the person was before, and not to a question that is answered.
pub(crate) async fn back_leads_past_the_question(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.browser.go(&scene.home.start.url()).await?;
    scene
        .browser
        .until("the start page", |page| page.heading == "A small home")
        .await?;
    scene.browser.click("a[href*='192.168.1.20']").await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    scene.browser.until("the question", asks).await?;
    scene.browser.click("#approve").await?;
    let shows = |page: &Page| page.heading == "Philips Hue bridge";
    scene.browser.until("the bridge's page", shows).await?;
    // The visit that was refused stays an entry of its own, so Back may lead to the device once more
    // before it leads away.
    for _ in 0..2 {
        // A mark on the page that is left tells it from the one that comes.
        let mark = "document.documentElement.dataset.left = ''";
        scene.browser.eval(mark).await?;
        scene.browser.driver().back().await?;
        let settled = |page: &Page| !page.left && (page.view.is_some() || !page.heading.is_empty());
        let page = scene.browser.until("a page after Back", settled).await?;
        ensure!(
            page.view.is_none(),
            "Back leads to the answered question: {page:?}"
        );
        if page.heading == "A small home" {
            return Ok(());
        }
    }
    bail!("Back does not lead to the page before the question");
}

pub(crate) async fn a_key_swapped_under_the_question_is_not_approved(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.ask(HUE).await?;
    swap(&scene.home)?;
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

/// An impostor takes the bridge's place.
fn swap(home: &Home) -> Result<()> {
    home.hue.present(&impostor(Key::generate()?)?)?;
    home.hue.disconnect();
    home.hue.clear_record();
    Ok(())
}

const HUE: &str = "https://192.168.1.20/";
