//! What browsers keep from public pages, Housekey keeps from them too.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use housekey_tests::browser::Page;
use housekey_tests::device::{Device, Model};
use serde_json::json;

use crate::scene::{Stage, ensure_never_direct};

pub(crate) async fn nothing_from_a_public_page_reaches_a_device(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve("https://192.168.1.20/").await?;
    for origin in ["https://public.example/", "http://8.8.4.4/"] {
        scene.browser.go(origin).await?;
        scene
            .browser
            .until("the public page", |page| page.heading == "A public site")
            .await?;
        scene.home.hue.clear_record();
        let outcome = scene
            .browser
            .eval_async(&attempts_at("192.168.1.20"))
            .await?;
        scene.note(&format!("{origin}: {outcome}"))?;
        let requests = scene.home.hue.record().requests;
        let reached: Vec<_> = requests.iter().map(|request| &request.path).collect();
        ensure!(
            reached.is_empty(),
            "{origin} reached the device: {reached:?}; {outcome}"
        );
    }
    // Following a link stays possible: that is a navigation, and the person sees it.
    scene
        .browser
        .eval("location.href = 'https://192.168.1.20/'")
        .await?;
    let there = |page: &Page| page.heading == "Philips Hue bridge";
    scene.browser.until("the bridge's page", there).await?;
    // And the device's own page may ask the device what it likes.
    let own = "return (await fetch('/echo?own')).status";
    let own = scene.browser.eval_async(own).await?;
    ensure!(own == 200, "the device's own request failed: {own}");
    ensure_never_direct(&scene.home.hue)
}

pub(crate) async fn devices_do_not_reach_each_other(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve("https://192.168.1.1/").await?;
    scene.approve("https://192.168.1.20/").await?;
    scene.home.router.clear_record();
    let outcome = scene
        .browser
        .eval_async(&attempts_at("192.168.1.1"))
        .await?;
    scene.note(&outcome.to_string())?;
    let requests = scene.home.router.record().requests;
    let reached: Vec<_> = requests.iter().map(|request| &request.path).collect();
    ensure!(
        reached.is_empty(),
        "the bridge's page reached the router: {reached:?}; {outcome}"
    );
    Ok(())
}

/// Through the gateway, a device's page reaches no more than it does without Housekey.
pub(crate) async fn a_devices_page_gains_nothing(stage: Stage) -> Result<()> {
    let with = reached_by_a_devices_page(&stage, true, &BTreeSet::new()).await?;
    let without = reached_by_a_devices_page(&stage, false, &with).await?;
    let gained: Vec<_> = with.difference(&without).collect();
    ensure!(
        gained.is_empty(),
        "gained {gained:?}; without Housekey {without:?}"
    );
    Ok(())
}

/// Every request that a device's page gets to this computer's own services and to another device.
///
/// Browsers put some of them off until the page is idle (a prefetch in Firefox), so that a busy
/// machine may come to one and not to the other; what is `expected` is therefore tried again.
async fn reached_by_a_devices_page(
    stage: &Stage,
    with_housekey: bool,
    expected: &BTreeSet<String>,
) -> Result<BTreeSet<String>> {
    let scene = if with_housekey {
        stage.scene().await?
    } else {
        stage.control().await?
    };
    let service = Model::plain("A service of this computer", String::new());
    let service = Device::start(LOOPBACK.parse()?, service).await?;
    let other = scene
        .home
        .authorities
        .already_fine(&["192.168.1.40", "nas.local"])?;
    scene.home.nas.present(&other)?;
    if with_housekey {
        scene.approve("https://192.168.1.60/").await?;
    } else {
        let fine = scene.home.authorities.already_fine(&["192.168.1.60"])?;
        scene.home.media.present(&fine)?;
    }
    let mut reached = BTreeSet::new();
    for _ in 0..CONTROL_TRIES {
        for (target, device) in [(LOOPBACK, &service), ("192.168.1.40", &scene.home.nas)] {
            // Each on a page of its own, which has nothing left to do from the one before.
            scene.browser.go("https://192.168.1.60/").await?;
            let shows = |page: &Page| page.heading == "Media server";
            scene
                .browser
                .until("the media server's page", shows)
                .await?;
            device.clear_record();
            let attempts = if target == LOOPBACK {
                attempts_at(target)
                    .replace("https:", "http:")
                    .replace("wss:", "ws:")
            } else {
                attempts_at(target)
            };
            let outcome = scene.browser.eval_async(&attempts).await?;
            scene.note(&format!(
                "with Housekey: {with_housekey}, {target}: {outcome}"
            ))?;
            let requests = device.record().requests;
            reached.extend(
                requests
                    .into_iter()
                    .map(|request| format!("{target} {}", request.path)),
            );
        }
        if expected.is_subset(&reached) {
            break;
        }
    }
    Ok(reached)
}

/// How often what was reached with Housekey is tried without it, before it counts as gained.
const CONTROL_TRIES: u8 = 4;
const LOOPBACK: &str = "127.0.0.1:8088";

/// The body of a function that tries every way a page has to make a request to another host, and
/// tells what came of each. Each asks for a path of its own.
pub(crate) fn attempts_at(host: &str) -> String {
    SCRIPT.replace("HOST", &json!(host).to_string())
}

const SCRIPT: &str = "
    const host = HOST;
    const at = (path) => `https://${host}/echo?${path}`;
    const outcome = {};
    const tries = [];
    const attempt = (name, run) => tries.push(
        Promise.race([
            new Promise((done) => setTimeout(done, 2500, 'silence')),
            (async () => String(await run()))(),
        ]).then((result) => { outcome[name] = result; }, () => { outcome[name] = 'refused'; }));
    const loaded = (element, attribute, url) => new Promise((done, fail) => {
        element.onload = () => done('load');
        element.onerror = fail;
        element[attribute] = url;
        document.body.append(element);
    });
    attempt('fetch', async () => (await fetch(at('fetch'))).status);
    attempt('fetch-post', async () => (await fetch(at('fetch-post'), { method: 'POST' })).status);
    attempt('no-cors', async () => (await fetch(at('no-cors'), { mode: 'no-cors' })).type);
    attempt('image', () => loaded(new Image(), 'src', at('image')));
    attempt('script', () => loaded(document.createElement('script'), 'src', at('script')));
    attempt('frame', () => loaded(document.createElement('iframe'), 'src', at('frame')));
    attempt('style', () => {
        const link = document.createElement('link');
        link.rel = 'stylesheet';
        return loaded(link, 'href', at('style'));
    });
    attempt('socket', () => new Promise((done, fail) => {
        const socket = new WebSocket(`wss://${host}/ws`);
        socket.onopen = () => done('open');
        socket.onerror = fail;
    }));
    attempt('events', () => new Promise((done, fail) => {
        const source = new EventSource(`https://${host}/events`);
        source.onopen = () => done('open');
        source.onerror = () => { source.close(); fail(); };
    }));
    attempt('beacon', () => navigator.sendBeacon(at('beacon'), 'x'));
    attempt('form', () => new Promise((done) => {
        const frame = document.createElement('iframe');
        frame.name = 'form-target';
        const form = document.createElement('form');
        Object.assign(form, { method: 'post', action: at('form'), target: frame.name });
        document.body.append(frame, form);
        form.submit();
        frame.onload = () => done('load');
    }));
    attempt('worker', () => new Promise((done, fail) => {
        const code = `fetch(${JSON.stringify(at('worker'))}).then(
            (answer) => postMessage(answer.status), () => postMessage('refused'));`;
        const worker = new Worker(URL.createObjectURL(new Blob([code])));
        worker.onmessage = (event) => done(event.data);
        worker.onerror = fail;
    }));
    attempt('shared-worker', () => new Promise((done, fail) => {
        const code = `onconnect = (event) => fetch(${JSON.stringify(at('shared-worker'))}).then(
            (answer) => event.ports[0].postMessage(answer.status),
            () => event.ports[0].postMessage('refused'));`;
        const worker = new SharedWorker(URL.createObjectURL(new Blob([code])));
        worker.port.onmessage = (event) => done(event.data);
        worker.onerror = fail;
    }));
    attempt('service-worker', async () => {
        await navigator.serviceWorker.register('/sw.js');
        const { active } = await navigator.serviceWorker.ready;
        const answer = new Promise((done) => {
            navigator.serviceWorker.onmessage = (event) => done(event.data);
        });
        active.postMessage(at('service-worker'));
        return answer;
    });
    attempt('xhr', () => new Promise((done, fail) => {
        const request = new XMLHttpRequest();
        request.onload = () => done(request.status);
        request.onerror = fail;
        request.open('PUT', at('xhr'));
        request.send('x');
    }));
    attempt('keepalive', async () =>
        (await fetch(at('keepalive'), { keepalive: true, mode: 'no-cors', method: 'POST' })).type);
    attempt('import', () => import(at('import')));
    attempt('object', () => loaded(document.createElement('object'), 'data', at('object')));
    attempt('embed', () => loaded(document.createElement('embed'), 'src', at('embed')));
    attempt('prefetch', () => {
        const link = document.createElement('link');
        link.rel = 'prefetch';
        return loaded(link, 'href', at('prefetch'));
    });
    attempt('video', () => new Promise((done, fail) => {
        const video = document.createElement('video');
        video.onloadeddata = () => done('load');
        video.onerror = fail;
        video.src = at('video');
    }));
    attempt('style-url', () => {
        document.body.style.backgroundImage = `url(${at('style-url')})`;
        return 'set';
    });
    attempt('redirect', async () =>
        (await fetch('/redirect?' + at('redirect'), { mode: 'no-cors' })).type);
    await Promise.all(tries);
    return outcome;";
