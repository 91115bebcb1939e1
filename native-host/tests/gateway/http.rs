//! HTTP as devices speak it: through the gateway, every byte is as it is directly.

use data_encoding::HEXLOWER;
use housekey_tests::device::{Device, Model, pattern};
use housekey_tests::lan::Lan;
use housekey_tests::pki::{Authority, Key, Subject};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::RootCertStore;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::scene::{Browser, DEVICE, HOST, Scene, connector, name, within};

/// A device that a browser can reach in both ways.
struct Both {
    scene: Scene,
    device: Device,
    direct: TlsConnector,
}

/// What a browser does.
enum Step {
    Says(Vec<u8>),
    /// Waits until this has come.
    Hears(&'static str),
}

impl Both {
    /// With HTTP/2, if told so.
    async fn new(lan: Lan, http2: bool) -> Self {
        let scene = Scene::new(lan).await;
        let root = Authority::root(&Subject::new().common_name("Bridges")).unwrap();
        let subject = Subject::new().common_name("bridge").alternative_name(HOST);
        let identity = root.issue(&subject, Key::generate().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(root.der()).unwrap();
        let mut model = Model::new("Bridge", identity);
        if http2 {
            model = model.http2();
        }
        let device = Device::start(DEVICE.parse().unwrap(), model).await.unwrap();
        scene.trust().await;
        Self {
            scene,
            device,
            direct: connector(roots),
        }
    }

    /// Directly, and through the gateway.
    async fn connections(&self) -> [Browser; 2] {
        let socket = TcpStream::connect(DEVICE).await.unwrap();
        let direct = self.direct.connect(name(), socket).await.unwrap();
        [direct, self.scene.browse().await.unwrap()]
    }

    /// What comes back, which has to be the same directly and through the gateway, as has all that
    /// reaches the device.
    async fn same(&self, steps: &[Step]) -> String {
        let mut seen = Vec::new();
        for browser in self.connections().await {
            self.device.clear_record();
            let heard = within(converse(browser, steps)).await;
            let record = self.device.record();
            seen.push((heard, record.requests, record.application_bytes));
        }
        let (gateway, direct) = (seen.pop().unwrap(), seen.pop().unwrap());
        assert_eq!(gateway, direct);
        String::from_utf8_lossy(&direct.0).into_owned()
    }
}

/// Everything that is heard until the device ends it, cleanly.
async fn converse(mut browser: Browser, steps: &[Step]) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut known = 0;
    for step in steps {
        match step {
            Step::Says(bytes) => {
                browser.write_all(bytes).await.unwrap();
                browser.flush().await.unwrap();
            }
            Step::Hears(text) => loop {
                let new = &heard[known..];
                let found = new.windows(text.len()).position(|it| it == text.as_bytes());
                if let Some(at) = found {
                    known += at + text.len();
                    break;
                }
                assert_ne!(browser.read_buf(&mut heard).await.unwrap(), 0, "{text}");
            },
        }
    }
    browser.read_to_end(&mut heard).await.unwrap();
    heard
}

fn says(text: &str) -> Step {
    Step::Says(text.replace('\n', "\r\n").into())
}

fn get(path: &str, more: &str) -> Step {
    says(&format!("GET {path} HTTP/1.1\nhost: {HOST}\n{more}\n"))
}

const LAST: &str = "connection: close\n";

pub(crate) async fn one_connection_serves_many_requests(lan: Lan) {
    let both = Both::new(lan, false).await;
    let heard = both
        .same(&[
            get("/", ""),
            Step::Hears("</html>"),
            says(&format!("HEAD / HTTP/1.1\nhost: {HOST}\n\n")),
            // An answer without the body whose length it tells.
            Step::Hears("content-length: "),
            Step::Hears("\r\n\r\n"),
            says(&format!(
                "POST /echo HTTP/1.1\nhost: {HOST}\ncontent-length: 4\n\ngood"
            )),
            Step::Hears("body: good"),
            get("/nothing", LAST),
        ])
        .await;
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 3);
    assert_eq!(heard.matches("</html>").count(), 1);
    assert!(heard.ends_with("no such page\n"));
}

pub(crate) async fn requests_may_come_all_at_once(lan: Lan) {
    let both = Both::new(lan, false).await;
    let Step::Says(one) = get("/echo", "") else {
        unreachable!()
    };
    let Step::Says(last) = get("/stream?70000", LAST) else {
        unreachable!()
    };
    let all = [one.repeat(20), last].concat();
    let heard = both.same(&[Step::Says(all)]).await;
    assert_eq!(
        heard.matches("GET /echo HTTP/1.1\ncookie: none").count(),
        20
    );
    assert!(heard.ends_with("\r\n0\r\n\r\n"));
}

pub(crate) async fn an_old_browser_is_answered_until_the_end(lan: Lan) {
    let both = Both::new(lan, false).await;
    let heard = both.same(&[says("GET /stream?70000 HTTP/1.0\n\n")]).await;
    assert!(heard.starts_with("HTTP/1.0 200 OK"));
    assert!(!heard.contains("transfer-encoding"));
}

pub(crate) async fn pieces_and_trailers_stay(lan: Lan) {
    let both = Both::new(lan, false).await;
    let head = format!(
        "POST /trailers HTTP/1.1\nhost: {HOST}\nte: trailers\ntransfer-encoding: chunked\n\
         trailer: x-checksum\n{LAST}\n"
    );
    let heard = both
        .same(&[
            says(&head),
            says("1;name=value\na\n00B\nbcdefghijkl\n"),
            says("0\nx-checksum: 42\n\n"),
        ])
        .await;
    assert!(heard.contains("\r\n\r\n7\r\nabcdefg\r\n5\r\nhijkl\r\n0\r\n"));
    assert!(heard.contains("\r\nx-checksum: 42\r\n"));
    assert!(heard.contains("\r\nx-length: 12\r\n"));
}

pub(crate) async fn whoever_asks_first_is_told_to_continue(lan: Lan) {
    let both = Both::new(lan, false).await;
    let head = format!(
        "POST /echo HTTP/1.1\nhost: {HOST}\ncontent-length: 5\nexpect: 100-continue\n{LAST}\n"
    );
    // Nothing of the body is sent before.
    let heard = both
        .same(&[
            says(&head),
            Step::Hears("HTTP/1.1 100 Continue\r\n\r\n"),
            says("whole"),
        ])
        .await;
    assert!(heard.contains("body: whole"));
}

pub(crate) async fn ranges_are_ranges(lan: Lan) {
    let both = Both::new(lan, false).await;
    for (range, status, said) in [
        ("bytes=0-99", "206 Partial Content", "bytes 0-99/100000"),
        (
            "bytes=99990-",
            "206 Partial Content",
            "bytes 99990-99999/100000",
        ),
        (
            "bytes=-20000",
            "206 Partial Content",
            "bytes 80000-99999/100000",
        ),
        (
            "bytes=100000-",
            "416 Range Not Satisfiable",
            "bytes */100000",
        ),
    ] {
        let heard = both
            .same(&[get("/file", &format!("range: {range}\n{LAST}"))])
            .await;
        assert!(
            heard.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{range}"
        );
        assert!(
            heard.contains(&format!("content-range: {said}\r\n")),
            "{range}"
        );
    }
}

/// A unary answer is one message and a frame of trailers, a streaming one has many messages.
pub(crate) async fn framed_messages_pass(lan: Lan) {
    let both = Both::new(lan, false).await;
    let message = b"\0\0\0\0\x05\x0a\x03abc";
    for (path, messages) in [("/grpc", 1), ("/grpc?1", 1), ("/grpc?50", 50)] {
        let head = format!(
            "POST {path} HTTP/1.1\nhost: {HOST}\ncontent-type: application/grpc-web+proto\n\
             content-length: {}\n{LAST}\n",
            message.len()
        );
        let heard = both
            .same(&[says(&head), Step::Says(message.to_vec())])
            .await;
        assert_eq!(heard.matches("\0\0\0\0\x05\x0a\x03abc").count(), messages);
        assert!(heard.contains("grpc-status:0\r\n"));
    }
}

async fn http2(browser: Browser) -> http2::SendRequest<Full<Bytes>> {
    assert_eq!(browser.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut client = http2::Builder::new(TokioExecutor::new());
    client.initial_stream_window_size(65_535);
    client.initial_connection_window_size(1 << 20);
    let (requests, connection) = client.handshake(TokioIo::new(browser)).await.unwrap();
    tokio::spawn(connection);
    requests
}

fn request(path: &str, body: Bytes) -> Request<Full<Bytes>> {
    let uri = format!("https://{HOST}{path}");
    Request::post(uri).body(Full::new(body)).unwrap()
}

async fn body(response: Response<Incoming>) -> Bytes {
    assert_eq!(response.version(), Version::HTTP_2);
    within(response.collect()).await.unwrap().to_bytes()
}

pub(crate) async fn http2_keeps_its_flow_control(lan: Lan) {
    let both = Both::new(lan, true).await;
    for browser in both.connections().await {
        let requests = http2(browser).await;
        // One answer that nobody reads: its window is full before long.
        let unread = requests
            .clone()
            .send_request(request(LARGE.1, Bytes::new()));
        let unread = within(unread).await.unwrap();
        // Others go on beside it, both ways, each far beyond every window.
        let mut beside = tokio::task::JoinSet::new();
        for number in 0..16 {
            let mut requests = requests.clone();
            beside.spawn(async move {
                if number % 2 == 0 {
                    let response = requests.send_request(request(LARGE.1, Bytes::new())).await;
                    assert!(body(response.unwrap()).await == pattern(0..LARGE.0));
                } else {
                    let sent = pattern(number..number + LARGE.0);
                    let digest = HEXLOWER.encode(&Sha256::digest(&sent));
                    let response = requests.send_request(request("/digest", sent.into())).await;
                    let digest = format!("{} {digest}\n", LARGE.0);
                    assert_eq!(body(response.unwrap()).await, digest);
                }
            });
        }
        within(beside.join_all()).await;
        assert!(body(unread).await == pattern(0..LARGE.0));
    }
}

pub(crate) async fn http2_trailers_and_resets_pass(lan: Lan) {
    let both = Both::new(lan, true).await;
    let mut answers = Vec::new();
    for browser in both.connections().await {
        let mut requests = http2(browser).await;
        // Given up in the middle: that stream alone is reset.
        let given_up = requests.send_request(request(LARGE.1, Bytes::new()));
        drop(within(given_up).await.unwrap());
        let answer = requests.send_request(request("/trailers", "a body".into()));
        let answer = within(answer).await.unwrap();
        let headers = answer.headers().clone();
        let body = within(answer.collect()).await.unwrap();
        let trailers = body.trailers().cloned().unwrap();
        assert_eq!(trailers["x-length"], "6");
        answers.push((headers, trailers, body.to_bytes()));
    }
    assert_eq!(answers[0], answers[1]);
}

const LARGE: (usize, &str) = (1_000_000, "/bytes?1000000");
