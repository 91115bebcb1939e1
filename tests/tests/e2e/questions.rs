//! How a question behaves: what it takes to answer it, and where else it can be answered.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use housekey_tests::browser::Page;
use housekey_tests::home::impostor;
use housekey_tests::pki::Key;
use thirtyfour::{Key as Press, TypingData};

use crate::scene::{Scene, Stage, ensure_handshakes_only};

/// Neither ticking nor typing nor Enter goes on past what nobody vouches for. The space bar does,
/// at the very button that Enter left alone.
pub(crate) async fn enter_goes_on_nowhere(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.ask(ROUTER).await?;
    press(&scene, "#understood", " ").await?;
    press(&scene, "#approve", Press::Enter + "").await?;
    ensure_untouched(&scene, "first-connect").await?;
    ensure!(!scene.has_pin("192.168.1.1")?, "Enter trusted a stranger");
    press(&scene, "#approve", " ").await?;
    scene.browser.until("the router", at(ROUTER)).await?;

    let router = &scene.home.router;
    router.present(&impostor(Key::generate()?)?)?;
    router.disconnect();
    router.clear_record();
    scene.browser.go(ROUTER).await?;
    let warns = |page: &Page| page.has_view("changed") && page.armed;
    scene.browser.until("the warning", warns).await?;
    // Whoever presses Enter where the page begins gets nowhere.
    let begin = "const it = document.activeElement; return it.id === 'title' && it.tabIndex === -1";
    ensure!(
        scene.browser.eval(begin).await? == true,
        "the page begins at something that can be pressed"
    );
    scene.browser.click("#replace-open > summary").await?;
    press(&scene, "#replace-understood", " ").await?;
    scene
        .browser
        .fill("#replace-address", "192.168.1.1")
        .await?;
    press(&scene, "#replace-address", Press::Enter + "").await?;
    press(&scene, "#replace", Press::Enter + "").await?;
    ensure_untouched(&scene, "changed").await?;
    ensure_handshakes_only(router)?;
    press(&scene, "#replace", " ").await?;
    scene.browser.until("the new device", at(ROUTER)).await?;
    Ok(())
}

/// A code that belongs to another device closes the way to trust, and the right one opens it.
pub(crate) async fn a_wrong_code_closes_the_way(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let bridge = scene.home.authorities.hue_bridge(Key::generate()?)?;
    let another = scene.home.authorities.hue_bridge(Key::generate()?)?;
    scene.home.hue.present(&bridge)?;
    scene.ask(HUE).await?;
    scene.browser.click("#compare > summary").await?;
    for (typed, result, closed) in [
        (another.spki_sha256(), "differs", true),
        (bridge.spki_sha256(), "fits", false),
        ("5C5F".to_owned(), "differs", true),
        ("5C5E".to_owned(), "fits", false),
        ("nothing of the kind".to_owned(), "unclear", true),
    ] {
        scene.browser.fill("#compare-input", &typed).await?;
        let told = format!("return document.querySelector('#compare-result > .result-{result}')");
        scene.browser.until_script(result, &told).await?;
        let state = "return document.querySelector('#approve').disabled";
        ensure!(
            scene.browser.eval(state).await? == closed,
            "{typed}: the way to trust should be closed: {closed}"
        );
        if result == "differs" {
            scene.browser.screenshot("differs").await?;
        }
    }
    // The field as the person left it is what counts, whatever the page was told to press.
    let script = "const approve = document.querySelector('#approve');
        approve.disabled = false;
        approve.click();";
    scene.browser.eval(script).await?;
    ensure_untouched(&scene, "first-connect").await?;
    ensure!(
        !scene.has_pin("192.168.1.20")?,
        "it was trusted all the same"
    );
    scene.browser.fill("#compare-input", " ").await?;
    scene.browser.click("#approve").await?;
    scene.browser.until("the bridge", at(HUE)).await?;
    Ok(())
}

/// "Not now" is remembered, asks nothing of the device, and is taken back with one click.
pub(crate) async fn not_now_is_taken_back(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.ask(HUE).await?;
    scene.browser.click("#stop").await?;
    let away = |page: &Page| page.href == "about:blank";
    scene.browser.until("an empty page", away).await?;
    scene.browser.go(HUE).await?;
    let declined = |page: &Page| page.has_view("declined") && page.armed;
    scene
        .browser
        .until("what was said before", declined)
        .await?;
    scene.browser.screenshot("declined").await?;
    ensure_handshakes_only(&scene.home.hue)?;
    scene.browser.click("#answer-here").await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    scene.browser.until("the question once more", asks).await?;
    scene.browser.click("#approve").await?;
    scene.browser.until("the bridge", at(HUE)).await?;
    Ok(())
}

/// Two tabs want the same device: one asks, and when it is answered, the other goes on by itself.
/// A page that leads to a device again and again gets no second question out of it; the person gets
/// it at once.
pub(crate) async fn no_page_can_press(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let browser = &scene.browser;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    for attempt in 0..4 {
        let began = Instant::now();
        push(&scene).await?;
        browser
            .until("a question", |page| page.is_decided())
            .await?;
        push(&scene).await?;
        let answer = |page: &Page| page.is_decided() && page.armed;
        let page = browser.until("an answer to the second try", answer).await?;
        if page.has_view("repeated") {
            break;
        }
        // A machine can be so busy that ten seconds have passed.
        let slow = began.elapsed() >= Duration::from_secs(9);
        ensure!(slow && attempt < 3, "the page pressed: {page:?}");
    }
    browser.screenshot("repeated").await?;
    browser.click("#answer-here").await?;
    browser
        .until("the question, where it is wanted", asks)
        .await?;
    // Whoever goes there by themselves is asked, too.
    browser.go("https://public.example/").await?;
    let shows = |page: &Page| page.heading == "A public site";
    browser.until("the public page", shows).await?;
    browser.go("https://192.168.1.20/").await?;
    browser.until("the question", asks).await?;
    ensure_handshakes_only(&scene.home.hue)
}

/// A page leads its tab to the bridge.
async fn push(scene: &Scene) -> Result<()> {
    let browser = &scene.browser;
    browser.go("https://public.example/").await?;
    let shows = |page: &Page| page.heading == "A public site";
    browser.until("the public page", shows).await?;
    let away =
        "document.documentElement.dataset.left = ''; location.href = 'https://192.168.1.20/'";
    browser.eval(away).await.map(drop)
}

pub(crate) async fn one_tab_asks_for_all(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let first = scene.browser.driver().window().await?;
    scene.ask(HUE).await?;
    scene.browser.new_tab().await?;
    let second = scene.browser.driver().window().await?;
    scene.browser.go(HUE).await?;
    let elsewhere = |page: &Page| page.has_view("elsewhere") && page.armed;
    let waits = "the way to the other tab";
    scene.browser.until(waits, elsewhere).await?;
    scene.browser.screenshot("elsewhere").await?;
    ensure_handshakes_only(&scene.home.hue)?;
    scene.browser.driver().switch_to_window(first).await?;
    scene.browser.click("#approve").await?;
    scene.browser.until("the bridge", at(HUE)).await?;
    scene.browser.driver().switch_to_window(second).await?;
    scene.browser.until("the bridge by itself", at(HUE)).await?;
    Ok(())
}

/// The question can be answered in the tab that waits.
pub(crate) async fn the_waiting_tab_answers_too(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let first = scene.browser.driver().window().await?;
    scene.ask(HUE).await?;
    scene.browser.new_tab().await?;
    scene.browser.go(HUE).await?;
    let elsewhere = |page: &Page| page.has_view("elsewhere") && page.armed;
    let waits = "the way to the other tab";
    scene.browser.until(waits, elsewhere).await?;
    scene.browser.click("#answer-here").await?;
    let asks = |page: &Page| page.has_view("first-connect") && page.armed;
    scene.browser.until("the question here", asks).await?;
    scene.browser.click("#approve").await?;
    scene.browser.until("the bridge", at(HUE)).await?;
    scene.browser.driver().switch_to_window(first).await?;
    scene.browser.until("the bridge by itself", at(HUE)).await?;
    Ok(())
}

/// The bridge is found at a new address, and another known device at its old one.
pub(crate) async fn a_device_that_moved_is_recognised(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let home = &scene.home;
    let bridge = home.authorities.hue_bridge(Key::generate()?)?;
    let storage = home.authorities.nas()?;
    home.hue.present(&bridge)?;
    home.nas.present(&storage)?;
    scene.approve(HUE).await?;
    scene.approve(NAS).await?;
    // The router has given the bridge the printer's address, and the storage the bridge's.
    home.printer.present(&bridge)?;
    home.hue.present(&storage)?;
    for device in [&home.hue, &home.printer] {
        device.disconnect();
        device.clear_record();
    }
    scene.browser.go(PRINTER).await?;
    let moved = |page: &Page| page.has_view("moved") && page.armed;
    scene
        .browser
        .until("the bridge's new address", moved)
        .await?;
    scene.browser.screenshot("moved").await?;
    let told = scene.browser.text("main").await?;
    for part in ["192.168.1.30", "192.168.1.20", "Synology Inc."] {
        ensure!(
            told.contains(part),
            "the page does not tell of {part}: {told}"
        );
    }
    ensure_handshakes_only(&home.printer)?;
    scene.browser.click("#approve").await?;
    scene.browser.until("the bridge", at(PRINTER)).await?;
    ensure!(
        home.hue.record().application_bytes == 0,
        "something went to the old address"
    );
    Ok(())
}

/// Presses keys where a person's focus would be.
async fn press(scene: &Scene, css: &str, keys: impl Into<TypingData> + Send) -> Result<()> {
    let focus = format!("document.querySelector('{css}').focus()");
    scene.browser.eval(&focus).await?;
    let typing = scene.browser.driver().action_chain().send_keys(keys);
    Ok(typing.perform().await?)
}

/// The page is still open for an answer: nothing of what was pressed answered it.
async fn ensure_untouched(scene: &Scene, view: &str) -> Result<()> {
    let page = scene.browser.page().await?;
    ensure!(
        page.has_view(view) && page.armed,
        "an answer was taken: {page:?}"
    );
    Ok(())
}

/// The device's own page.
fn at(url: &str) -> impl Fn(&Page) -> bool {
    move |page| page.href == url && page.view.is_none() && !page.is_error()
}

const HUE: &str = "https://192.168.1.20/";
const NAS: &str = "https://192.168.1.40/";
const PRINTER: &str = "https://192.168.1.30/";
const ROUTER: &str = "https://192.168.1.1/";
