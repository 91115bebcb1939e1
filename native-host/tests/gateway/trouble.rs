//! Many connections, silent ones, and devices that vanish: nothing of them stays.

use housekey_tests::lan::Lan;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::scene::{Device, Scene, config, echo, identity, ping, within};

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

/// Waits until nothing more is open than before.
async fn until_as_before(before: (usize, usize)) {
    let calm = async {
        while open_files() > before.0 || tasks() > before.1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    within(calm).await;
}

pub(crate) async fn a_thousand_connections_leave_nothing(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    ping(&mut scene.browse().await.unwrap()).await;
    let before = (open_files(), tasks());
    let mut browsers = Vec::new();
    for _ in 0..1_000 {
        let mut browser = within(scene.browse()).await.unwrap();
        ping(&mut browser).await;
        browsers.push(browser);
    }
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
    let before = (open_files(), tasks());
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
    let before = (open_files(), tasks());
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
