//! The pages and endpoints that every sample device has.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Channel, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Shared;
use super::record::RequestHead;
use super::wire;

type Body = BoxBody<Bytes, Infallible>;

/// Answers one request:
///
/// - `/`: the page; sets a cookie on the first visit
/// - `/keeper.js`: a service worker that answers for `/kept`
/// - `/sw.js`: a service worker
/// - `/echo`: the request's method, path, cookie and body as text; any origin may read it
/// - `/events`: three server-sent events
/// - `/ws`: a WebSocket that sends everything back
/// - `/redirect?URL`: goes there
/// - `/press?NAME`: tells the home that a button was pressed, and goes back
/// - `/bytes?N`, `/digest`, `/file`, `/grpc?N`, `/stream?N`, `/trailers`: see [`super::wire`]
pub(super) async fn answer(
    shared: Arc<Shared>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, body) = request.into_parts();
    let head = RequestHead::of(&parts);
    shared.record().requests.push(head.clone());
    Ok(match parts.uri.path() {
        "/" => front_page(&shared, &head),
        "/bytes" => wire::bytes(&shared, parts.uri.query().unwrap_or_default(), true),
        "/digest" => wire::digest(body).await,
        "/echo" => echo(&head, body).await,
        "/events" => events(&shared),
        "/file" => wire::file(&head),
        "/grpc" => wire::grpc(&shared, parts.uri.query().unwrap_or_default(), body).await,
        "/icon" => respond(StatusCode::OK, "image/svg+xml", ICON),
        "/keeper.js" => respond(StatusCode::OK, "text/javascript", KEEPER),
        "/press" => press(&shared, parts.uri.query().unwrap_or_default()),
        "/redirect" => redirect(parts.uri.query().unwrap_or("/")),
        "/stream" => wire::bytes(&shared, parts.uri.query().unwrap_or_default(), false),
        "/sw.js" => respond(StatusCode::OK, "text/javascript", SERVICE_WORKER),
        "/trailers" => wire::trailers(&shared, body).await,
        "/ws" => web_socket(shared, &head, upgrade),
        _ => respond(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "no such page\n",
        ),
    })
}

/// A whole HTML page with this heading. The body is HTML.
pub(super) fn page(name: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{name}</title>
<link rel="icon" href="/icon">
<style>
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}
h1 {{ font-weight: 600; letter-spacing: -.02em }}
main {{ border-top: 4px solid light-dark(#2a6f5e, #7fc8b4); padding-top: 1rem }}
li {{ margin: .4rem 0 }}
form {{ display: grid; gap: .5rem; justify-items: start }}
button {{ font: inherit; padding: .4rem .9rem }}
footer {{ margin-top: 3rem; font-size: .9rem; opacity: .75 }}
</style>
</head>
<body>
<main>
<h1>{name}</h1>
{body}
</main>
<footer id="connection"></footer>
<script>
document.querySelector('#connection').textContent = isSecureContext
    ? 'This page is a secure context: it may use service workers, cryptography and the camera.'
    : 'This page is no secure context.';
</script>
</body>
</html>
"#
    )
}

fn front_page(shared: &Shared, head: &RequestHead) -> Response<Body> {
    let model = &shared.model;
    let html = page(&model.name, &model.body);
    let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", html);
    if head.header("cookie").is_none() {
        let secure = if model.identity.is_some() {
            "; Secure"
        } else {
            ""
        };
        let cookie = format!("session=sample-session; Path=/; HttpOnly; Max-Age=86400{secure}");
        let cookie = HeaderValue::try_from(cookie).expect("plain ASCII");
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn echo(head: &RequestHead, body: Incoming) -> Response<Body> {
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let cookie = head.header("cookie").unwrap_or("none");
    let text = format!(
        "{} {} {}\ncookie: {cookie}\nbody: {}\n",
        head.method,
        head.path,
        head.version,
        String::from_utf8_lossy(&body),
    );
    let mut response = respond(StatusCode::OK, "text/plain; charset=utf-8", text);
    let everyone = HeaderValue::from_static("*");
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
    ] {
        response.headers_mut().insert(name, everyone.clone());
    }
    response
}

fn events(shared: &Shared) -> Response<Body> {
    let (mut sender, body) = Channel::new(4);
    let task = tokio::spawn(async move {
        for number in 1..=3 {
            let event = format!("id: {number}\ndata: event {number}\n\n");
            if sender.send_data(event.into()).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    shared.keep(task.abort_handle());
    let mut response = Response::new(body.boxed());
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn press(shared: &Shared, button: &str) -> Response<Body> {
    if let Some(buttons) = &shared.model.buttons {
        // Fails only while the home is being switched off.
        let _ = buttons.send(button.to_owned());
    }
    let mut response = redirect("/");
    *response.status_mut() = StatusCode::SEE_OTHER;
    response
}

fn redirect(target: &str) -> Response<Body> {
    let mut response = respond(StatusCode::FOUND, "text/plain", "");
    match HeaderValue::try_from(target) {
        Ok(target) => response.headers_mut().insert(header::LOCATION, target),
        Err(_) => None,
    };
    response
}

/// RFC 6455 section 4.2.2.
fn web_socket(
    shared: Arc<Shared>,
    head: &RequestHead,
    upgrade: hyper::upgrade::OnUpgrade,
) -> Response<Body> {
    let Some(key) = head.header("sec-websocket-key") else {
        return respond(
            StatusCode::UPGRADE_REQUIRED,
            "text/plain",
            "a WebSocket lives here\n",
        );
    };
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).expect("base64");
    let keeper = shared.clone();
    let task = tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let stream = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() || message.is_binary() {
                let text = message.to_text().unwrap_or("(binary)").to_owned();
                shared.record().messages.push(text);
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        }
    });
    keeper.keep(task.abort_handle());
    let mut response = respond(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Answers for one page without the device.
const KEEPER: &str = "addEventListener('install', () => skipWaiting());
addEventListener('fetch', (event) => {
    if (!event.request.url.endsWith('/kept')) return;
    const headers = { 'content-type': 'text/html' };
    event.respondWith(new Response('<h1>A page that was kept</h1>', { headers }));
});
";

/// Does what its page tells it to, which is a way for a page to hide behind its worker.
const SERVICE_WORKER: &str = "addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('message', (event) => event.waitUntil(
    Promise.resolve((0, eval)(event.data)).then((it) => event.source.postMessage(it))));
";

const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<path d="M8 1 1 8h2v6h4v-4h2v4h4V8h2z" fill="#2a6f5e"/></svg>
"##;
