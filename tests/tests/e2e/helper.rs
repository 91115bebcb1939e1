//! When the helper ends, and when the browser starts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Extension, Options, Page};

use crate::scene::{Stage, ensure_handshakes_only, ensure_never_direct};

pub(crate) async fn killed_it_comes_back_and_nothing_falls_back(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    for _ in 0..2 {
        let helper = scene.helper().await?;
        helper.kill()?;
        scene.home.hue.disconnect();
        // A visit right now may wait or fail, but nothing of it goes around the gateway.
        scene.browser.go(HUE).await?;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let page = scene.browser.page().await.unwrap_or_default();
            if page.heading == "Philips Hue bridge" && !page.left {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "the helper does not come back: {page:?}"
            );
            if page.is_error() {
                // As a person presses Reload.
                scene.browser.go(HUE).await?;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        ensure!(
            scene.helper().await? != helper,
            "the killed helper still runs"
        );
        ensure_never_direct(&scene.home.hue)?;
    }
    Ok(())
}

/// A navigation that fails wakes the background, which starts the helper anew: that shows no page
/// before the question about a new device, and a known one opens.
pub(crate) async fn after_sleep_the_question_comes_first(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let mut last = number(&scene.ask(HUE).await?)?;
    scene.approve(HUE).await?;
    let mut at_once = false;
    // Where the computer is so busy that the helper takes a second, a page rightly says so.
    for url in [NAS, PRINTER, ROUTER] {
        scene.browser.go("about:blank").await?;
        scene.browser.end_background().await?;
        let next = number(&scene.ask(url).await?)?;
        at_once |= next == last + 1;
        last = next;
    }
    ensure!(at_once, "another page comes before the question");
    ensure_handshakes_only(&scene.home.nas)?;
    scene.browser.go("about:blank").await?;
    scene.browser.end_background().await?;
    scene.home.hue.disconnect();
    scene.browser.go(HUE).await?;
    let there = |page: &Page| page.heading == "Philips Hue bridge";
    scene
        .browser
        .until("the known device's page", there)
        .await?;
    ensure_never_direct(&scene.home.hue)
}

/// A newer helper is installed under the running browser: the old one goes on until it ends, and the
/// new one takes over without a question.
pub(crate) async fn an_updated_helper_takes_over(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    let old = scene.helper().await?;
    let mut newer = old.program()?;
    newer.extend_from_slice(b"of another build");
    let update = scene.account.directory().join("update");
    fs::write(&update, &newer)?;
    fs::set_permissions(&update, fs::Permissions::from_mode(0o700))?;
    scene.account.install_housekey_of(&update)?;
    let fetch = "return await fetch('/echo').then((it) => it.status)";
    let fetched = scene.browser.eval_as_page(fetch).await?;
    ensure!(fetched == 200, "the open page gets {fetched}");

    old.kill()?;
    old.until_ended().await?;
    scene.home.hue.disconnect();
    let new = scene.helper().await?;
    ensure!(new.program()? == newer, "the old program runs again");
    scene.browser.until_housekey_is_ready().await?;
    scene.browser.go(HUE).await?;
    let decided = |page: &Page| page.heading == "Philips Hue bridge" || page.is_decided();
    let page = scene.browser.until("the device's page", decided).await?;
    ensure!(page.heading == "Philips Hue bridge", "{page:?}");
    ensure_never_direct(&scene.home.hue)
}

/// The extension alone changes nothing, and says what is missing.
pub(crate) async fn without_a_helper_the_browser_is_as_it_was(stage: Stage) -> Result<()> {
    let scene = stage.scene_with(Options::with_housekey(), false).await?;
    scene
        .browser
        .go(&scene.browser.extension_page("pages/options/options.html")?)
        .await?;
    let missing = "return document.querySelector('#status')?.dataset.status === 'missing'";
    scene
        .browser
        .until_script("the helper's status to be missing", missing)
        .await?;
    scene.browser.go(HUE).await?;
    scene
        .browser
        .until("the browser's own warning", Page::is_error)
        .await?;
    let failed = scene.home.hue.record().failed_handshakes;
    ensure!(
        !failed.is_empty(),
        "the browser did not go to the device by itself"
    );
    let fine = scene.home.authorities.already_fine(&["nas.local"])?;
    scene.home.nas.present(&fine)?;
    scene.browser.go("https://nas.local/").await?;
    let shows = |page: &Page| page.heading == "Network storage";
    scene
        .browser
        .until("a page that needs no helper", shows)
        .await
        .map(drop)
}

pub(crate) async fn restored_tabs_load(stage: Stage) -> Result<()> {
    let installed = Options {
        extension: Extension::Installed,
        ..Options::with_housekey()
    };
    let mut scene = stage.scene_with(installed.clone(), true).await?;
    scene.browser.until_housekey_is_ready().await?;
    scene.approve(HUE).await?;
    let account = &scene.account;
    scene.browser.quit().await?;
    scene.home.hue.clear_record();
    scene.browser = stage.browser(account, installed).await?;
    scene.browser.find_tab(HUE).await?;
    let there = |page: &Page| page.heading == "Philips Hue bridge";
    scene
        .browser
        .until("the restored tab to load", there)
        .await?;
    ensure_never_direct(&scene.home.hue)
}

/// The number of a trust page. Each that was to be shown has the next one.
fn number(page: &Page) -> Result<u32> {
    let number = page.href.rsplit_once('=').context("no question")?.1;
    Ok(number.parse()?)
}

const HUE: &str = "https://192.168.1.20/";
const NAS: &str = "https://192.168.1.40/";
const PRINTER: &str = "https://192.168.1.30/";
const ROUTER: &str = "https://192.168.1.1/";
