//! Many connections, silent ones, and devices that vanish: nothing of them stays.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use housekey::paths::Paths;
use housekey_core::decision::{Failure, Finding};
use housekey_tests::gateway::Helper;
use housekey_tests::lan::Lan;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::scene::{
    DEVICE, Device, HOST, Scene, config, connector, echo, endpoint, failure, identity, name, pass,
    ping, with_clock, within,
};

/// Open files of this process: of the gateway, the device and the browser, all three.
fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Tasks of this process that have not ended.
fn tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// What is open, and how many tasks there are.
pub(crate) fn now() -> (usize, usize) {
    (open_files(), tasks())
}

/// Waits until nothing more is open than before.
pub(crate) async fn until_as_before(before: (usize, usize)) {
    let calm = async {
        while open_files() > before.0 || tasks() > before.1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(calm).await;
}

pub(crate) async fn a_thousand_connections_leave_nothing(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    ping(&mut scene.browse().await.unwrap()).await;
    let before = now();
    // All at once, as a page may open them.
    let scene = Arc::new(scene);
    let mut opening = JoinSet::new();
    for _ in 0..1_000 {
        let scene = scene.clone();
        opening.spawn(async move { scene.browse().await.unwrap() });
    }
    let mut browsers = within(opening.join_all()).await;
    // All of them are there at once and of use.
    for browser in &mut browsers {
        ping(browser).await;
    }
    drop(browsers);
    until_as_before(before).await;
}

pub(crate) async fn a_device_that_vanishes_leaves_nothing(lan: Lan) {
    let scene = Scene::new(lan).await;
    let (vanish, gone) = tokio::sync::watch::channel(());
    let device = Device::start(config(&identity()), move |mut stream| {
        let mut gone = gone.clone();
        async move {
            let chunk = vec![1; 16_384];
            let endless = async { while stream.write_all(&chunk).await.is_ok() {} };
            tokio::select! {
                () = endless => {}
                _ = gone.changed() => {}
            }
            stream.get_ref().0.set_zero_linger().unwrap();
        }
    })
    .await;
    scene.trust().await;
    let before = now();
    let mut browsers = Vec::new();
    for _ in 0..50 {
        let mut browser = scene.browse().await.unwrap();
        browser.read_exact(&mut [0; 100_000]).await.unwrap();
        browsers.push(browser);
    }
    drop(device);
    drop(vanish);
    for mut browser in browsers {
        // Promptly, and not as if the answer were whole.
        within(browser.read_to_end(&mut Vec::new()))
            .await
            .unwrap_err();
    }
    until_as_before(before).await;
}

pub(crate) async fn whoever_says_nothing_holds_up_nobody(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    ping(&mut scene.browse().await.unwrap()).await;
    let before = now();
    // Browsers that ask for a tunnel and then say nothing, or half a hello.
    let mut silent = Vec::new();
    for part in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"].repeat(150) {
        let (_, mut socket) = scene.tunnel().await;
        socket.write_all(part).await.unwrap();
        silent.push(socket);
    }
    ping(&mut scene.browse().await.unwrap()).await;
    drop(silent);
    until_as_before(before).await;
}

/// Where an answer has no length, browsers take the mere end of TCP for its end.
pub(crate) async fn a_killed_helper_cuts_and_ends_nothing(lan: Lan) {
    let _proof_of_the_private_network = lan;
    let home = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_housekey"));
    let mut helper = Helper::start(program, home.path()).unwrap();
    let own = identity();
    let (heard, mut ends) = mpsc::unbounded_channel();
    let _device = Device::start(config(&own), move |mut stream| {
        let heard = heard.clone();
        async move {
            stream.write_all(b"half").await.unwrap();
            stream.flush().await.unwrap();
            let end = stream.read_to_end(&mut Vec::new()).await;
            heard.send(end.err().map(|error| error.kind())).unwrap();
        }
    })
    .await;
    helper
        .approve(DEVICE, &own.spki_sha256().parse().unwrap())
        .unwrap();
    // That was the look.
    within(ends.recv()).await.unwrap();
    let paths = Paths::at(home.path().join(".local/share/housekey"));
    let root = CertificateDer::from_pem_file(paths.root_certificate()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let socket = helper.proxy().tunnel(DEVICE).await.unwrap();
    let mut browser = connector(roots).connect(name(), socket).await.unwrap();
    within(browser.read_exact(&mut [0; 4])).await.unwrap();
    let mut process = helper.into_process();
    process.kill().unwrap();
    process.wait().unwrap();
    let reset = Some(ErrorKind::ConnectionReset);
    let end = within(browser.read_to_end(&mut Vec::new())).await;
    assert_eq!(end.err().map(|error| error.kind()), reset);
    assert_eq!(within(ends.recv()).await, Some(reset));
}

/// Out of reach in the middle of it, and back: what was under way goes on.
pub(crate) async fn a_network_that_comes_back_is_used_again(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    let mut browser = scene.browse().await.unwrap();
    ping(&mut browser).await;

    let gone = lan.unplug(HOST.parse().unwrap()).unwrap();
    browser.write_all(b"good").await.unwrap();
    // Whoever asks now hears at once that there is no way.
    within(scene.browse()).await.unwrap_err();
    assert_eq!(failure(&scene), Some(Failure::Unreachable));

    drop(gone);
    let mut answer = [0; 4];
    within(browser.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"good");
    ping(&mut scene.browse().await.unwrap()).await;
    assert_eq!(failure(&scene), None);
}

/// Hands are shaken slowly, and may be: a microcontroller needs seconds for its signature.
pub(crate) async fn a_slow_device_is_waited_for_and_a_silent_one_given_up(lan: Lan) {
    let test = move || async move {
        let scene = Arc::new(Scene::new(lan).await);
        let device = Device::start(config(&identity()), echo).await;
        scene.trust().await;
        for (seconds, answers) in [(18, true), (21, false)] {
            let waking = device.fall_asleep();
            let browsing = tokio::spawn({
                let scene = scene.clone();
                async move { scene.browse().await }
            });
            within(waking.until_asked()).await;
            pass(Duration::from_secs(seconds)).await;
            if answers {
                waking.wake();
                ping(&mut within(browsing).await.unwrap().unwrap()).await;
            } else {
                within(browsing).await.unwrap().unwrap_err();
                assert_eq!(failure(&scene), Some(Failure::TimedOut));
                waking.wake();
            }
        }
    };
    with_clock(test).await;
}

/// When the page is closed meanwhile, nobody waits any more, and nothing is kept for it.
pub(crate) async fn nobody_waits_for_a_device_in_vain(lan: Lan) {
    let scene = Arc::new(Scene::new(lan).await);
    let device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    ping(&mut scene.browse().await.unwrap()).await;
    // Known, and known with doubts: then the browser still waits for its tunnel.
    for doubted in [false, true] {
        if doubted {
            device.present(config(&identity()));
            scene.browse().await.unwrap_err();
        }
        let waking = device.fall_asleep();
        let before = now();
        let browsing = tokio::spawn({
            let scene = scene.clone();
            async move {
                let (_, socket) = scene.tunnel().await;
                scene.shake_hands(socket).await
            }
        });
        within(waking.until_asked()).await;
        browsing.abort();
        // Long before the time is up that a slow device has.
        let calm = async {
            // The device's own task still sleeps.
            while tasks() > before.1 + 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(8), calm)
            .await
            .expect("it waits");
        waking.wake();
    }
}

/// A stranger is met to the end, also when the page was closed: then the answer is there for the
/// page that asks why.
pub(crate) async fn a_stranger_is_met_to_the_end(lan: Lan) {
    // On one thread, what came first is seen first.
    let test = move || async move {
        let scene = Scene::new(lan).await;
        let device = Device::start(config(&identity()), echo).await;
        let waking = device.fall_asleep();
        let socket = scene.ask(DEVICE).await;
        within(waking.until_asked()).await;
        drop(socket);
        // An answer to somebody else: by then the gateway has seen that the first one is gone.
        let gateway = ("127.0.0.1", scene.gateway.address().port);
        let mut other = TcpStream::connect(gateway).await.unwrap();
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        within(other.read_to_end(&mut Vec::new())).await.unwrap();
        waking.wake();
        let met = async {
            while scene.gateway.refusal(&endpoint()).is_none() {
                tokio::task::yield_now().await;
            }
        };
        within(met).await;
        let refusal = scene.gateway.refusal(&endpoint()).unwrap();
        assert_eq!(refusal.finding, Finding::Stranger);
    };
    with_clock(test).await;
}

/// Other users of this computer, who do not know the secret, take up all places and say nothing.
pub(crate) async fn strangers_hold_their_places_for_seconds_only(lan: Lan) {
    let test = move || async move {
        let scene = Arc::new(Scene::new(lan).await);
        let _device = Device::start(config(&identity()), echo).await;
        scene.trust().await;
        let mut strangers = Vec::new();
        for _ in 0..300 {
            let gateway = ("127.0.0.1", scene.gateway.address().port);
            strangers.push(TcpStream::connect(gateway).await.unwrap());
        }
        let browsing = tokio::spawn({
            let scene = scene.clone();
            async move { scene.browse().await }
        });
        // Twice, because there are more of them than places.
        for _ in 0..2 {
            tokio::task::yield_now().await;
            pass(Duration::from_secs(4)).await;
        }
        ping(&mut within(browsing).await.unwrap().unwrap()).await;
    };
    with_clock(test).await;
}

/// A name that nobody answers to is asked for by a thread of its own, which ends with the question.
pub(crate) async fn a_question_to_everybody_ends_with_whoever_asked(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    let mut pin = scene.trust().await;
    pin.endpoint = "nobody.local:443".parse().unwrap();
    scene.put(&pin);
    let until = async |there: bool| {
        while asks_everybody() != there {
            tokio::task::yield_now().await;
        }
    };
    let socket = scene.ask("nobody.local:443").await;
    within(until(true)).await;
    drop(socket);
    within(until(false)).await;
}

/// Whether a thread of multicast DNS runs.
fn asks_everybody() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .any(|name| name.starts_with("mDNS"))
}
