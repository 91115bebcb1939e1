//! A web page can do nothing to Housekey.

use std::time::Duration;

use anyhow::{Result, ensure};
use housekey_tests::browser::Page;
use serde_json::json;

use crate::scene::{Scene, Stage};

pub(crate) async fn a_web_page_cannot_reach_the_trust_page(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    // A question is open in another tab, so that there is something to reach.
    let asking = scene.ask("https://192.168.1.20/").await?;
    scene.browser.new_tab().await?;
    for origin in ["https://public.example/", "http://192.168.1.2/"] {
        for target in [
            &asking.href,
            &scene.browser.extension_page("pages/trust/trust.html")?,
        ] {
            attack(&scene, origin, target).await?;
        }
    }
    ensure!(
        !scene.has_pin("192.168.1.20")?,
        "a web page approved a device"
    );
    Ok(())
}

async fn attack(scene: &Scene, origin: &str, target: &str) -> Result<()> {
    let browser = &scene.browser;
    browser.go(origin).await?;
    browser
        .until("the web page", |page| page.href == origin)
        .await?;
    let script = format!(
        "const target = {};
        const outcome = {{}};
        const tried = async (name, attempt) => {{
            try {{ outcome[name] = String(await attempt()); }} catch (error) {{ outcome[name] = 'refused'; }}
        }};
        await tried('fetch', () => fetch(target).then((answer) => answer.text()));
        await tried('no-cors', () => fetch(target, {{ mode: 'no-cors' }}).then(() => 'answered'));
        await tried('script', () => new Promise((done, fail) => {{
            const script = document.createElement('script');
            script.onload = () => done('loaded'); script.onerror = fail;
            script.src = new URL('trust.js', target); document.head.append(script);
        }}));
        await tried('message', () => new Promise((done, fail) => {{
            const runtime = globalThis.chrome?.runtime ?? globalThis.browser?.runtime;
            if (!runtime?.sendMessage) return fail();
            runtime.sendMessage(new URL(target).host, {{ type: 'approve' }}, (answer) =>
                runtime.lastError || answer === undefined ? fail() : done(JSON.stringify(answer)));
        }}));
        await tried('frame', () => new Promise((done) => {{
            const frame = document.createElement('iframe');
            frame.id = 'attack'; frame.src = target;
            frame.onload = frame.onerror = () => done('settled');
            setTimeout(done, 1500, 'settled'); document.body.append(frame);
        }}));
        return outcome;",
        json!(target)
    );
    let mut outcome = browser.eval_async(&script).await?;
    scene.note(&format!("{origin} -> {target}: {outcome}"))?;
    outcome["frame"] = json!("refused");
    for (attempt, result) in outcome.as_object().into_iter().flatten() {
        ensure!(
            result == "refused",
            "{origin} reached the trust page by {attempt}: {result}"
        );
    }
    // The frame must not hold Housekey's document, whatever it holds instead.
    // Firefox does not even make a frame.
    if browser.driver().enter_frame(0).await.is_ok() {
        let framed = browser.page().await;
        browser.driver().enter_default_frame().await?;
        ensure!(!is_ours(framed.ok()), "{origin} framed the trust page");
    }

    // Going there and opening it, as only a page's own script would.
    let before = browser.driver().windows().await?;
    let open = format!("try {{ window.open({}) }} catch {{}}", json!(target));
    browser.eval(&open).await?;
    let own = browser.driver().window().await?;
    for window in browser.driver().windows().await? {
        if !before.contains(&window) {
            browser.driver().switch_to_window(window).await?;
            ensure!(
                !is_ours(browser.page().await.ok()),
                "{origin} opened the trust page"
            );
            browser.driver().close_window().await?;
        }
    }
    browser.driver().switch_to_window(own).await?;
    let navigate = format!("try {{ location.href = {} }} catch {{}}", json!(target));
    browser.eval(&navigate).await?;
    // What must not happen cannot be waited for, only watched.
    for _ in 0..20 {
        let page = browser.page().await.ok();
        ensure!(!is_ours(page), "{origin} navigated to the trust page");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn is_ours(page: Option<Page>) -> bool {
    page.is_some_and(|page| page.view.is_some() || page.href.contains("-extension://"))
}

pub(crate) async fn the_gateway_is_deaf_without_its_secret(stage: Stage) -> Result<()> {
    let scene = stage.scene().await?;
    scene.approve("https://192.168.1.20/").await?;
    let helper = scene.helper().await?;
    // From a page:
    scene.browser.go("http://192.168.1.2/").await?;
    scene
        .browser
        .until("the web page", |page| page.heading == "A small home")
        .await?;
    let script = format!(
        "const port = {};
        const outcome = {{}};
        for (const path of ['/', '/housekey', '/192.168.1.20:443']) {{
            const answer = await fetch(`http://127.0.0.1:${{port}}${{path}}`).then(
                (answer) => 'read ' + answer.status, () => 'refused');
            outcome[path] = answer;
        }}
        outcome.socket = await new Promise((done) => {{
            const socket = new WebSocket(`ws://127.0.0.1:${{port}}/`);
            socket.onopen = () => done('open'); socket.onerror = () => done('refused');
            setTimeout(done, 1000, 'refused');
        }});
        return outcome;",
        helper.gateway_port()
    );
    let outcome = scene.browser.eval_async(&script).await?;
    scene.note(&format!("from a page: {outcome}"))?;
    let readable = ["read", "open"]
        .iter()
        .any(|word| outcome.to_string().contains(word));
    ensure!(!readable, "a page reads the gateway: {outcome}");

    // From any program, which sees more: nothing can be told apart.
    let mut answers = Vec::new();
    for request in REQUESTS {
        let answer = helper.ask_gateway(request.as_bytes()).await?;
        let Some(answer) = answer else {
            anyhow::bail!("no close after {request:?}")
        };
        ensure!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{request:?} was answered with {answer:?}"
        );
        ensure!(
            !answer.to_lowercase().contains("access-control"),
            "CORS in {answer:?}"
        );
        answers.push((request, answer));
    }
    let (_, first) = &answers[0];
    let differing: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| answer != first)
        .collect();
    ensure!(
        differing.is_empty(),
        "not all are answered with {first:?}: {differing:#?}"
    );
    // Nobody but a guesser ever asked for the printer.
    let connections = scene.home.printer.record().connections;
    ensure!(connections == 0, "the gateway went to a device");
    Ok(())
}

const REQUESTS: &[&str] = &[
    "CONNECT 192.168.1.20:443 HTTP/1.1\r\nHost: 192.168.1.20:443\r\n\r\n",
    "CONNECT 192.168.1.30:443 HTTP/1.1\r\nHost: 192.168.1.30:443\r\n\r\n",
    "CONNECT 192.168.1.20:443 HTTP/1.1\r\nHost: 192.168.1.20:443\r\n\
     Proxy-Authorization: Basic aG91c2VrZXk6Z3Vlc3M=\r\n\r\n",
    "CONNECT nonsense HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET http://192.168.1.20/ HTTP/1.1\r\nHost: 192.168.1.20\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://public.example\r\n\
     Content-Length: 2\r\n\r\nhi",
    "OPTIONS / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://public.example\r\n\
     Access-Control-Request-Method: GET\r\nAccess-Control-Request-Private-Network: true\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
];
