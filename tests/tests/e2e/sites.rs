//! Sites that a person lets reach a device.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use housekey_tests::browser::{Account, Options, Page};
use housekey_tests::home::Home;
use serde_json::{Value, json};

use crate::options::look;
use crate::scene::{Scene, Stage, ensure_never_direct};

/// Exactly the site that the person let in reaches exactly that device, until it ends.
pub(crate) async fn a_site_that_is_let_in_reaches_that_device_only(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve(HUE).await?;
    scene.approve("https://192.168.1.60/").await?;
    let browser = &scene.browser;
    let tab = browser.driver().window().await?;
    let_in(&scene).await?;
    browser.screenshot("let-in").await?;

    browser.driver().switch_to_window(tab.clone()).await?;
    ensure!(fetched(&scene, "192.168.1.20").await? == 200, "not let in");
    let socket = browser.eval_as_page(SOCKET_OF_WORKER).await?;
    ensure!(socket == "open", "its worker's WebSocket is {socket}");
    let other = fetched(&scene, "192.168.1.60").await?;
    ensure!(other == "refused", "another device answered {other}");
    // Its pages are secure ones, however they are asked for.
    browser.go("http://public.example/").await?;
    let secure = |page: &Page| page.href == SITE && page.heading == "A public site";
    browser.until("the site's secure page", secure).await?;
    scene.home.hue.clear_record();
    go(&scene, "https://8.8.8.8/").await?;
    let neighbour = fetched(&scene, "192.168.1.20").await?;
    let reached = scene.home.hue.record().requests;
    ensure!(
        neighbour == "refused" && reached.is_empty(),
        "another site got {neighbour}: {reached:?}"
    );

    // It is listed, and taken back.
    let listed = scene.account.housekey(["sites", "list", "--json"])?;
    ensure!(
        listed.contains("public.example") && listed.contains("192.168.1.20:443"),
        "{listed}"
    );
    let settings = browser.extension_page("pages/options/options.html")?;
    browser.go("about:blank").await?;
    browser.go(&format!("{settings}#settings")).await?;
    browser.element(".site button").await?;
    browser.screenshot("listed").await?;
    browser.click(".site button").await?;
    browser.element("#sites-none:not([hidden])").await?;
    go(&scene, SITE).await?;
    let after = fetched(&scene, "192.168.1.20").await?;
    ensure!(after == "refused", "after it was taken back: {after}");

    // It ends with its device, and does not come back with it.
    let_in(&scene).await?;
    scene.account.housekey(["pins", "forget", "192.168.1.20"])?;
    let listed = scene.account.housekey(["sites", "list", "--json"])?;
    ensure!(listed.trim() == "[]", "{listed}");
    browser.driver().switch_to_window(tab).await?;
    scene.approve(HUE).await?;
    go(&scene, SITE).await?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while fetched(&scene, "192.168.1.20").await? != "refused" {
        ensure!(Instant::now() < deadline, "let in without anybody's word");
    }
    ensure_never_direct(&scene.home.hue)
}

/// A name that was added is a device's to every page but its own, however it is spelled, and one
/// that is too long for a browser's expressions opens nothing.
pub(crate) async fn an_added_name_is_kept_from_other_pages(stage: Stage) -> Result<()> {
    let home = Home::start(stage.lan).await?;
    let account = Account::new(stage.lan, &home.authorities)?;
    account.install_housekey()?;
    let long = "long.".repeat(40) + "example";
    let names = ["--local-name", "intranet.example", "--local-name", &long];
    account.housekey([&["install", "--yes"], &names[..]].concat())?;
    let options = Options::with_housekey();
    let scene = stage.scene_in(home, account, options).await?;
    scene.browser.until_housekey_is_ready().await?;
    scene.approve("https://intranet.example/").await?;
    let own = fetched(&scene, "intranet.example").await?;
    ensure!(own == 200, "its own page got {own}");
    go(&scene, SITE).await?;
    scene.home.nas.clear_record();
    for host in ["intranet.example", "intranet.example."] {
        let other = fetched(&scene, host).await?;
        let reached = scene.home.nas.record().requests;
        ensure!(
            other == "refused" && reached.is_empty(),
            "another page at {host} got {other}: {reached:?}"
        );
    }
    Ok(())
}

/// From the popup of the site's page, past its question.
async fn let_in(scene: &Scene) -> Result<()> {
    let browser = &scene.browser;
    go(scene, SITE).await?;
    let before = fetched(scene, "192.168.1.20").await?;
    ensure!(before == "refused", "before anybody's word: {before}");
    browser.new_tab().await?;
    look(scene, "no-device").await?;
    // The popup that was there before says as much of this tab's own page.
    browser.element(".want p").await?;
    let told = browser.text(".want p").await?;
    ensure!(
        told.contains("public.example") && told.contains("192.168.1.20"),
        "{told}"
    );
    browser.click(".want-allow").await?;
    browser.click(".want-confirm").await?;
    browser.element(".want-done").await.map(drop)
}

async fn go(scene: &Scene, url: &str) -> Result<()> {
    scene.browser.go(url).await?;
    let there = |page: &Page| page.href == url && page.heading == "A public site";
    scene.browser.until(url, there).await.map(drop)
}

async fn fetched(scene: &Scene, host: &str) -> Result<Value> {
    let url = json!(format!("https://{host}/echo?site"));
    let script = format!("return fetch({url}).then((it) => it.status, () => 'refused')");
    scene.browser.eval_as_page(&script).await
}

const SOCKET_OF_WORKER: &str = "
    const code = `onconnect = ({ ports: [port] }) => {
        const socket = new WebSocket('wss://192.168.1.20/ws');
        socket.onopen = () => port.postMessage('open');
        socket.onerror = () => port.postMessage('refused');
    }`;
    const worker = new SharedWorker(URL.createObjectURL(new Blob([code])));
    return new Promise((done) => { worker.port.onmessage = ({ data }) => done(data); });";
const HUE: &str = "https://192.168.1.20/";
const SITE: &str = "https://public.example/";
