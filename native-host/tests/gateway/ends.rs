//! How connections go on and how they end: the other side sees exactly that.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use housekey_core::time::Timestamp;
use housekey_tests::lan::Lan;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

use crate::scene::{
    Browser, Device, Scene, config, echo, endpoint, identity, pass, ping, with_clock, within,
};

/// A gateway with a trusted device that does this with every connection.
async fn with<F>(
    lan: Lan,
    serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + 'static,
) -> (Scene, Device)
where
    F: Future<Output = ()> + Send + 'static,
{
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), serve).await;
    scene.trust().await;
    (scene, device)
}

/// All that comes until the end, and which end it is.
async fn rest(browser: &mut Browser) -> (Vec<u8>, Option<ErrorKind>) {
    let mut rest = Vec::new();
    let end = within(browser.read_to_end(&mut rest)).await;
    (rest, end.err().map(|error| error.kind()))
}

pub(crate) async fn a_clean_end_is_clean(lan: Lan) {
    let (scene, _device) = with(lan, |mut stream| async move {
        stream.write_all(b"whole").await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    assert_eq!(rest(&mut browser).await, (b"whole".to_vec(), None));
}

pub(crate) async fn a_truncated_answer_does_not_look_complete(lan: Lan) {
    let (scene, _device) = with(lan, |mut stream| async move {
        stream.write_all(b"ha").await.unwrap();
        stream.flush().await.unwrap();
        // The end of TCP without that of TLS: what an attacker could forge.
        stream.into_inner().0.shutdown().await.unwrap();
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    let truncated = (b"ha".to_vec(), Some(ErrorKind::UnexpectedEof));
    assert_eq!(rest(&mut browser).await, truncated);
}

pub(crate) async fn a_reset_is_a_reset(lan: Lan) {
    let (scene, _device) = with(lan, |mut stream| async move {
        let _ = stream.read_u8().await;
        stream.get_ref().0.set_zero_linger().unwrap();
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    browser.write_all(b"!").await.unwrap();
    let reset = (Vec::new(), Some(ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut browser).await, reset);
}

pub(crate) async fn a_browser_that_has_said_all_still_hears(lan: Lan) {
    let (scene, _device) = with(lan, |mut stream| async move {
        let mut request = Vec::new();
        let read = stream.read_to_end(&mut request).await;
        if read.is_err() {
            return; // the look before the device was trusted
        }
        request.reverse();
        stream.write_all(&request).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    browser.write_all(b"said").await.unwrap();
    browser.shutdown().await.unwrap();
    assert_eq!(rest(&mut browser).await, (b"dias".to_vec(), None));
}

pub(crate) async fn the_device_sees_how_a_browser_leaves(lan: Lan) {
    let (seen, mut ends) = mpsc::unbounded_channel();
    let (scene, _device) = with(lan, move |mut stream| {
        let seen = seen.clone();
        async move {
            let end = stream.read_to_end(&mut Vec::new()).await;
            seen.send(end.err().map(|error| error.kind())).unwrap();
        }
    })
    .await;
    // That was the look before the device was trusted.
    within(ends.recv()).await.unwrap();
    let mut browser = scene.browse().await.unwrap();
    browser.shutdown().await.unwrap();
    assert_eq!(within(ends.recv()).await, Some(None));

    let browser = scene.browse().await.unwrap();
    browser.into_inner().0.shutdown().await.unwrap();
    assert_eq!(
        within(ends.recv()).await,
        Some(Some(ErrorKind::UnexpectedEof))
    );

    let browser = scene.browse().await.unwrap();
    browser.get_ref().0.set_zero_linger().unwrap();
    drop(browser);
    assert_eq!(
        within(ends.recv()).await,
        Some(Some(ErrorKind::ConnectionReset))
    );
}

pub(crate) async fn garbage_after_the_handshake_ends_it(lan: Lan) {
    let (scene, _device) = with(lan, |mut stream| async move {
        stream.write_all(b"good").await.unwrap();
        stream.flush().await.unwrap();
        let mut socket = stream.into_inner().0;
        socket
            .write_all(b"HTTP/1.1 500 Oops\r\n\r\n")
            .await
            .unwrap();
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    // What was good before it arrives, and the rest does not look like an end.
    let cut = (b"good".to_vec(), Some(ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut browser).await, cut);
}

pub(crate) async fn large_bodies_pass_whole_both_ways(lan: Lan) {
    let (scene, _device) = with(lan, echo).await;
    let browser = scene.browse().await.unwrap();
    let (mut reads, mut writes) = tokio::io::split(browser);
    let sent: Vec<u8> = (0..BODY).map(|at| (at * at / 251) as u8).collect();
    let expected = sent.clone();
    let upload = tokio::spawn(async move {
        // Pieces of every size, down to single bytes.
        let mut rest = &sent[..];
        let mut size = 1;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(size.min(rest.len()));
            writes.write_all(piece).await.unwrap();
            rest = more;
            size = size * 7 % 100_003;
        }
        writes.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    within(reads.read_to_end(&mut received)).await.unwrap();
    upload.await.unwrap();
    assert!(received == expected, "{} of {BODY} bytes", received.len());
}

pub(crate) async fn a_slow_reader_slows_the_writer(lan: Lan) {
    let written = Arc::<AtomicUsize>::default();
    let counted = written.clone();
    let (scene, _device) = with(lan, move |mut stream| {
        let counted = counted.clone();
        async move {
            let chunk = vec![7; 65_536];
            while stream.write_all(&chunk).await.is_ok() {
                counted.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    // Nothing is read; the device goes on until everything between is full.
    let mut before = usize::MAX;
    while before != written.load(Ordering::SeqCst) {
        before = written.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(
        before < 40 << 20,
        "{before} bytes were taken from the device"
    );
    // And then it flows again.
    let mut more = vec![0; 2 * before];
    within(browser.read_exact(&mut more)).await.unwrap();
    assert!(more.iter().all(|byte| *byte == 7));
}

pub(crate) async fn new_keys_are_taken_and_given(lan: Lan) {
    let (scene, _device) = with(lan, |mut stream| async move {
        let mut buffer = [0; 4];
        while stream.read_exact(&mut buffer).await.is_ok() {
            stream.write_all(&buffer).await.unwrap();
            // It changes its keys and wants the other side to change theirs (RFC 8446, 4.6.3).
            stream.get_mut().1.refresh_traffic_keys().unwrap();
            stream.flush().await.unwrap();
        }
    })
    .await;
    let mut browser = scene.browse().await.unwrap();
    for _ in 0..5 {
        ping(&mut browser).await;
        browser.get_mut().1.refresh_traffic_keys().unwrap();
    }
}

pub(crate) async fn a_person_s_decision_ends_it(lan: Lan) {
    let (scene, _device) = with(lan, echo).await;
    let mut browser = scene.browse().await.unwrap();
    ping(&mut browser).await;
    scene.gateway.cut(&endpoint());
    let cut = (Vec::new(), Some(ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut browser).await, cut);
}

/// Another process pinned another key in the very moment in which a connection began: what the key
/// of before was good for ends, although nobody looks for that decision once more.
pub(crate) async fn a_connection_to_another_key_ends_those_of_before(lan: Lan) {
    let (scene, device) = with(lan, echo).await;
    let mut first = scene.browse().await.unwrap();
    ping(&mut first).await;
    device.present(config(&identity()));
    scene.trust().await;
    let mut second = scene.browse().await.unwrap();
    ping(&mut second).await;
    assert!(rest(&mut first).await.1.is_some(), "it looks complete");

    // The same where the pin is gone.
    scene.store.forget(&endpoint(), Timestamp(0)).unwrap();
    assert_eq!(scene.tunnel().await.0, "403");
    assert!(rest(&mut second).await.1.is_some(), "it looks complete");
}

/// Another browser remembers more of the list than is there.
pub(crate) async fn a_list_that_nobody_believes_opens_nothing(lan: Lan) {
    let (scene, _device) = with(lan, echo).await;
    let mut browser = scene.browse().await.unwrap();
    ping(&mut browser).await;
    let elsewhere = scene.elsewhere();
    let mut seen = elsewhere.mark().unwrap();
    seen.changes += 1;
    elsewhere.hold_to(&seen).unwrap_err();
    assert!(rest(&mut browser).await.1.is_some(), "it looks complete");
    assert_eq!(scene.tunnel().await.0, "502");
}

/// Server-sent events, say, of which there is none for long: no timer is between two open ends.
pub(crate) async fn silence_ends_nothing(lan: Lan) {
    let test = move || async move {
        let (scene, _device) = with(lan, echo).await;
        let mut browser = scene.browse().await.unwrap();
        for hours in [1, 24, 24 * 365] {
            ping(&mut browser).await;
            pass(Duration::from_secs(3_600 * hours)).await;
        }
        ping(&mut browser).await;
    };
    with_clock(test).await;
}

/// One end has said all. The other one may take its time, but has to say something now and then.
pub(crate) async fn half_an_end_is_given_a_minute_of_silence(lan: Lan) {
    let test = move || async move {
        let (heard, mut all) = mpsc::unbounded_channel();
        let (scene, _device) = with(lan, move |mut stream| {
            let heard = heard.clone();
            async move {
                if stream.read_to_end(&mut Vec::new()).await.is_err() {
                    return; // the look before the device was trusted
                }
                let (say, mut words) = mpsc::unbounded_channel();
                heard.send(say).unwrap();
                while let Some(word) = words.recv().await {
                    let _ = stream.write_u8(word).await;
                    let _ = stream.flush().await;
                }
            }
        })
        .await;
        let mut browser = scene.browse().await.unwrap();
        browser.shutdown().await.unwrap();
        let device = within(all.recv()).await.unwrap();
        for word in 0..3 {
            pass(Duration::from_secs(59)).await;
            device.send(word).unwrap();
            assert_eq!(within(browser.read_u8()).await.unwrap(), word);
        }
        pass(Duration::from_secs(61)).await;
        let cut = (Vec::new(), Some(ErrorKind::ConnectionReset));
        assert_eq!(rest(&mut browser).await, cut);
    };
    with_clock(test).await;
}

const BODY: usize = 20_000_000;
