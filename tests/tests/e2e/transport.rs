//! What passes through the gateway once a device is trusted: everything, unchanged.

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::Page;
use serde_json::json;

use crate::scene::{Stage, ensure_never_direct};

pub(crate) async fn http2_stays_http2(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve("https://192.168.1.60/").await?;
    let protocol = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    let protocol = scene.browser.eval(protocol).await?;
    let record = scene.home.media.record();
    let visit = record
        .requests_for("/")
        .last()
        .context("no request reached the device")?;
    ensure!(
        visit.version == "HTTP/2.0",
        "the device was asked in {}",
        visit.version
    );
    ensure!(protocol == "h2", "the browser says it spoke {protocol}");
    Ok(())
}

pub(crate) async fn web_sockets_and_events_pass(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve("https://192.168.1.20/").await?;
    let echo = "return await new Promise((done, fail) => {
        const socket = new WebSocket('wss://192.168.1.20/ws');
        socket.onopen = () => socket.send('good evening');
        socket.onmessage = (event) => { done(event.data); socket.close(); };
        socket.onerror = () => fail('the socket failed');
    });";
    let echo = scene.browser.eval_async(echo).await?;
    ensure!(echo == "good evening", "the socket answered {echo}");
    ensure!(scene.home.hue.record().messages == ["good evening"]);
    let events = "return await new Promise((done, fail) => {
        const seen = [], source = new EventSource('/events');
        source.onmessage = (event) => {
            seen.push(event.data);
            if (seen.length === 3) { source.close(); done(seen); }
        };
        source.onerror = () => fail('the event source failed');
    });";
    let events = scene.browser.eval_async(events).await?;
    ensure!(
        events == json!(["event 1", "event 2", "event 3"]),
        "the events were {events}"
    );
    ensure_never_direct(&scene.home.hue)
}

pub(crate) async fn an_upload_passes_whole(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve("https://192.168.1.20/").await?;
    let upload = "
        const body = 'housekey'.repeat(250_000);
        const answer = await fetch('/echo', { method: 'POST', body });
        return (await answer.text()).includes(body);";
    let whole = scene.browser.eval_async(upload).await?;
    ensure!(
        whole == true,
        "two megabytes did not come back as they went: {whole}"
    );
    Ok(())
}

pub(crate) async fn nginx_behind_the_padlock(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    let page = scene.approve("https://192.168.1.70/").await?;
    ensure!(
        page.heading == "Door camera" && page.secure,
        "it shows {page:?}"
    );
    ensure!(
        scene
            .home
            .camera
            .requests()
            .iter()
            .any(|request| request == "HTTP/2.0 GET /")
    );
    Ok(())
}

pub(crate) async fn ipv6_and_names(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    for url in [
        "https://[fd00::20]/",
        "https://printer.local/",
        "https://router.home.arpa/",
    ] {
        let page = scene
            .approve(url)
            .await
            .with_context(|| format!("at {url}"))?;
        ensure!(page.secure, "{url} is no secure context: {page:?}");
    }
    // The same bridge under its name: it is known, so the question is another.
    let url = "https://hue.local/";
    scene.browser.go(url).await?;
    let moved = |page: &Page| page.has_view("moved") && page.armed;
    scene
        .browser
        .until("the question about a moved device", moved)
        .await?;
    scene.browser.screenshot("moved").await?;
    scene.browser.click("#approve").await?;
    let there = |page: &Page| page.href == url && !page.is_error();
    scene
        .browser
        .until("the bridge under its name", there)
        .await?;
    for device in [
        &scene.home.hue_v6,
        &scene.home.hue,
        &scene.home.printer,
        &scene.home.router,
    ] {
        ensure_never_direct(device)?;
    }
    Ok(())
}
