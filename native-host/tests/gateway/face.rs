//! What strangers see of the gateway, and what can be found out through it.

use std::time::Duration;

use housekey_core::decision::{Failure, Finding};
use housekey_tests::lan::Lan;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::scene::{Device, HOST, Scene, config, echo, identity, ping, with_clock, within};

/// The answer, and how long it took by the test's clock.
async fn answer(scene: &Scene, request: &[u8]) -> (String, Duration) {
    let gateway = ("127.0.0.1", scene.gateway.address().port);
    let mut socket = TcpStream::connect(gateway).await.unwrap();
    let begin = Instant::now();
    socket.write_all(request).await.unwrap();
    let mut answer = String::new();
    // An end, and no reset.
    socket.read_to_string(&mut answer).await.unwrap();
    (answer, begin.elapsed())
}

pub(crate) async fn whatever_comes_without_the_secret_is_answered_alike_and_at_once(lan: Lan) {
    let test = move || async move {
        let scene = Scene::new(lan).await;
        let _device = Device::start(config(&identity()), echo).await;
        scene.trust().await;
        let begin = "Host: x\r\nContent-Length: 50000\r\n\r\n";
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        let wrong = "Proxy-Authorization: Basic aG91c2VrZXk6Z3Vlc3M=\r\n\r\n";
        let head = |start: &str, rest: &str| format!("{start} HTTP/1.1\r\n{rest}").into_bytes();
        let requests = [
            head("CONNECT 192.168.1.20:443", "\r\n"),
            head("CONNECT 192.168.1.20:443", wrong),
            head("CONNECT 192.168.1.20:1", wrong),
            head("CONNECT 8.8.8.8:443", wrong),
            head("CONNECT nonsense", "\r\n"),
            [head("CONNECT 192.168.1.20:443", wrong), vec![0x16; 9_000]].concat(),
            head("GET /", "Host: x\r\n\r\n"),
            head("GET /", upgrade),
            head("GET http://192.168.1.20/", "\r\n"),
            head("OPTIONS *", "Access-Control-Request-Method: GET\r\n\r\n"),
            [head("POST /", begin), vec![b'x'; 50_000]].concat(),
            head("POST /", begin),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            b"\x05\x01\x00".to_vec(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            vec![0; 1],
            vec![0xff; 20_000],
            b"\r\n\r\n".to_vec(),
        ];
        // From here on the clock moves only where somebody waits for it.
        tokio::time::pause();
        let first = answer(&scene, &requests[0]).await;
        assert!(first.0.starts_with("HTTP/1.1 407 "), "{first:?}");
        assert!(!first.0.to_lowercase().contains("housekey"), "{first:?}");
        for request in &requests {
            let shown = String::from_utf8_lossy(&request[..request.len().min(60)]);
            assert_eq!(answer(&scene, request).await, first, "{shown:?}");
        }
        assert_eq!(first.1, Duration::ZERO);
    };
    with_clock(test).await;
}

pub(crate) async fn a_home_is_not_searched_through(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    let mut found = Vec::new();
    for port in 1_000..1_020 {
        let endpoint = format!("{HOST}:{port}");
        let mut answer = String::new();
        let mut socket = scene.ask(&endpoint).await;
        within(socket.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        let refusal = scene.gateway.refusal(&endpoint.parse().unwrap());
        let Finding::Failed { failure } = refusal.unwrap().finding else {
            panic!("{endpoint} was met");
        };
        found.push(failure);
    }
    assert_eq!(found[..8], [Failure::Refused; 8]);
    assert_eq!(found[8..], [Failure::TooMany; 12]);
    // Whom the person trusts is no stranger, and what was looked at may be looked at again.
    for _ in 0..100 {
        ping(&mut scene.browse().await.unwrap()).await;
    }
    let known = format!("{HOST}:1000");
    let mut socket = scene.ask(&known).await;
    within(socket.read_to_end(&mut Vec::new())).await.unwrap();
    let refusal = scene.gateway.refusal(&known.parse().unwrap()).unwrap();
    let failure = Failure::Refused;
    assert_eq!(refusal.finding, Finding::Failed { failure });
}
