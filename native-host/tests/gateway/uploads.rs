//! Uploads that a device does not take: what it says all the same arrives, and nothing of them stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use housekey_tests::lan::Lan;
use housekey_tests::pki::{Authority, Key, Subject};
use rustls::RootCertStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::scene::{
    Browser, DEVICE, Device, HOST, Scene, config, connector, echo, identity, name, pass, ping,
    with_clock, within,
};
use crate::trouble::{now, until_as_before};

/// A device that has heard enough says why and hangs up. Its kernel, which has unread bytes, resets
/// the connection right behind that (RFC 2525 section 2.17).
pub(crate) async fn an_answer_to_half_an_upload_arrives(lan: Lan) {
    // On one thread, the gateway finds the answer and the reset at once.
    let test = move || async move {
        let scene = Scene::new(lan).await;
        let root = Authority::root(&Subject::new().common_name("Bridges")).unwrap();
        let subject = Subject::new().common_name("bridge").alternative_name(HOST);
        let identity = root.issue(&subject, Key::generate().unwrap()).unwrap();
        let _device = Device::start(config(&identity), |mut stream| async move {
            if stream.read_u8().await.is_err() {
                return; // the look before the device was trusted
            }
            stream.get_ref().0.peek(&mut [0]).await.unwrap();
            stream.write_all(TOO_LARGE.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        })
        .await;
        scene.trust().await;
        let mut roots = RootCertStore::empty();
        roots.add(root.der()).unwrap();
        let socket = TcpStream::connect(DEVICE).await.unwrap();
        let direct = connector(roots).connect(name(), socket).await.unwrap();
        let gateway = scene.browse().await.unwrap();
        for (way, mut browser) in [("directly", direct), ("through the gateway", gateway)] {
            let piece = vec![0; 65_536];
            let refused = async { while browser.write_all(&piece).await.is_ok() {} };
            within(refused).await;
            let mut heard = Vec::new();
            let end = within(browser.read_to_end(&mut heard)).await;
            assert_eq!(String::from_utf8_lossy(&heard), TOO_LARGE, "{way}");
            assert!(end.is_err(), "{way}: it looks complete");
        }
    };
    with_clock(test).await;
}

/// Writes until nobody takes any more, and returns how much.
async fn fill(browser: &mut Browser) -> usize {
    let (piece, mut written) = (vec![7; 16_384], 0);
    let moment = Duration::from_millis(300);
    while timeout(moment, browser.write_all(&piece)).await.is_ok() {
        written += piece.len();
    }
    written
}

/// A device may take its time with what it was sent, to write it to its flash, say.
pub(crate) async fn a_device_that_takes_nothing_for_minutes_goes_on(lan: Lan) {
    let test = move || async move {
        let (taken, goes_on) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
        let (counted, told) = (taken.clone(), goes_on.clone());
        let scene = Scene::new(lan).await;
        let _device = Device::start(config(&identity()), move |mut stream| {
            let (counted, told) = (counted.clone(), told.clone());
            async move {
                told.notified().await;
                let mut buffer = vec![0; 65_536];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    counted.fetch_add(length, Ordering::SeqCst);
                }
            }
        })
        .await;
        scene.trust().await;
        goes_on.notify_one();
        let mut browser = scene.browse().await.unwrap();
        let written = fill(&mut browser).await;
        pass(Duration::from_secs(9 * 60)).await;
        goes_on.notify_one();
        let all = async {
            while taken.load(Ordering::SeqCst) < written {
                tokio::task::yield_now().await;
            }
        };
        // What it had begun to say is still said.
        let (flushed, ()) = within(async { tokio::join!(browser.flush(), all) }).await;
        flushed.unwrap();
    };
    with_clock(test).await;
}

/// Nobody hears that a browser leaves while its last words wait in front of that. They do so for
/// ever where a device takes nothing more and stays there all the same.
pub(crate) async fn an_upload_that_nobody_takes_leaves_nothing(lan: Lan) {
    let test = move || async move {
        let (begins, mut begun) = mpsc::unbounded_channel();
        let scene = Scene::new(lan).await;
        let _device = Device::start(config(&identity()), move |stream| {
            begins.send(()).unwrap();
            async move {
                std::future::pending::<()>().await;
                drop(stream);
            }
        })
        .await;
        scene.trust().await;
        within(begun.recv()).await;
        let before = now();
        let mut browser = scene.browse().await.unwrap();
        within(begun.recv()).await;
        fill(&mut browser).await;
        drop(browser);
        for _ in 0..2 {
            pass(Duration::from_secs(11 * 60)).await;
            tokio::task::yield_now().await;
        }
        // The device's own end.
        until_as_before((before.0 + 1, before.1 + 1)).await;
    };
    with_clock(test).await;
}

/// A device that was switched off says nothing: whether it is still there is asked by the kernel,
/// for as long as nothing happens.
pub(crate) async fn whether_a_silent_device_is_there_is_asked(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    let mut browser = scene.browse().await.unwrap();
    ping(&mut browser).await;
    let timers = || {
        // proc(5): the timer that runs, and the hundredths of a second until it ends.
        let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
        let connected = table.lines().filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (peer, state) = (fields.nth(2)?, fields.next()?);
            let (kind, ticks) = fields.nth(1)?.split_once(':')?;
            let ticks = u64::from_str_radix(ticks, 16).ok()?;
            (peer == DEVICE_IN_PROC && state == "01").then(|| (kind.to_owned(), ticks))
        });
        connected.collect::<Vec<_>>()
    };
    let quiet = async {
        // What was sent last has to be acknowledged first.
        while !matches!(&timers()[..], [(kind, ..=6_000)] if kind == "02") {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), quiet)
        .await
        .unwrap_or_else(|_| panic!("nobody asks: {:?}", timers()));
}

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n";
/// 192.168.1.20:443 as the kernel of a little-endian computer writes it.
const DEVICE_IN_PROC: &str = "1401A8C0:01BB";
