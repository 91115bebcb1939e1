//! WebSockets: a foreign page's ends here, whatever the browser's extension could see of it.

use housekey::store::Amendment;
use housekey_core::endpoint::Endpoint;
use housekey_core::site::Site;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use housekey_tests::lan::Lan;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::scene::{Browser, Device, Scene, config, echo, endpoint, identity, ping, within};

/// Nothing of it reaches the device; what is the device's own, or allowed, passes byte for byte.
pub(crate) async fn a_foreign_page_s_socket_reaches_nobody(lan: Lan) {
    let (scene, _device) = scene(lan).await;
    for origin in [
        "https://public.example",
        "null",
        "http://192.168.1.20",
        "https://192.168.1.60",
    ] {
        refuse(&scene, &head(origin)).await;
    }
    // One that comes in pieces, and one that never ends.
    let mut browser = within(scene.browse_for_socket()).await.unwrap();
    let foreign = head("https://public.example");
    for byte in foreign.as_bytes() {
        if browser.write_all(&[*byte]).await.is_err() || browser.flush().await.is_err() {
            break;
        }
    }
    ends(&mut browser).await;
    let endless = format!("GET /{}", "x".repeat(300_000));
    refuse(&scene, &endless).await;

    pass(&scene, &head("https://192.168.1.20")).await;
    let site: Site = "cameras.example".parse().unwrap();
    let endpoint: Endpoint = endpoint();
    refuse(&scene, &head("https://cameras.example")).await;
    assert!(scene.store.allow(&site, &endpoint, Timestamp(0)).unwrap());
    pass(&scene, &head("https://cameras.example")).await;
    assert!(
        scene
            .store
            .disallow(&site, &endpoint, Timestamp(0))
            .unwrap()
    );
    refuse(&scene, &head("https://cameras.example")).await;
}

/// What another process takes back ends, whoever gave it; what is only described anew goes on.
pub(crate) async fn what_is_taken_back_elsewhere_ends(lan: Lan) {
    let (scene, _device) = scene(lan).await;
    let elsewhere = scene.elsewhere();
    let site: Site = "cameras.example".parse().unwrap();
    let other: Site = "doors.example".parse().unwrap();
    for site in [&site, &other] {
        assert!(elsewhere.allow(site, &endpoint(), Timestamp(0)).unwrap());
        let mut socket = open(&scene, &head(&format!("https://{site}"))).await;
        // A second look, which finds nothing to end.
        let described = elsewhere.amend(&endpoint(), Timestamp(0), |pin| {
            pin.label = SafeText::new(site.as_str());
            Some(Amendment::Silent)
        });
        assert!(described.unwrap().is_some());
        drop(scene.browse().await.unwrap());
        ping(&mut socket).await;
        assert!(elsewhere.disallow(site, &endpoint(), Timestamp(0)).unwrap());
        ends(&mut socket).await;
    }

    // Given by this process, of whose own changes the store tells no news.
    assert!(scene.store.allow(&site, &endpoint(), Timestamp(0)).unwrap());
    let mut socket = open(&scene, &head("https://cameras.example")).await;
    assert!(
        elsewhere
            .disallow(&site, &endpoint(), Timestamp(0))
            .unwrap()
    );
    ends(&mut socket).await;
    // What came since is none of it.
    let mut socket = within(scene.browse_for_socket()).await.unwrap();
    assert!(elsewhere.allow(&site, &endpoint(), Timestamp(0)).unwrap());
    drop(scene.browse().await.unwrap());
    ping(&mut socket).await;
}

/// What is no WebSocket is passed on as it comes, however little of it, and nothing waits for it.
pub(crate) async fn what_is_no_socket_is_not_held_up(lan: Lan) {
    let (scene, _device) = scene(lan).await;
    let mut browser = within(scene.browse_for_socket()).await.unwrap();
    ping(&mut browser).await;
    pass(
        &scene,
        "GET / HTTP/1.1\r\nOrigin: https://public.example\r\n\r\n",
    )
    .await;
    pass(&scene, "GEX").await;
    pass(&scene, "\r\n").await;
}

async fn scene(lan: Lan) -> (Scene, Device) {
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    (scene, device)
}

fn head(origin: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: 192.168.1.20\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Origin: {origin}\r\n\r\n"
    )
}

/// The device sends everything back, so that whatever came back reached it.
async fn pass(scene: &Scene, said: &str) {
    drop(open(scene, said).await);
}

async fn open(scene: &Scene, said: &str) -> Browser {
    let mut browser = within(scene.browse_for_socket()).await.unwrap();
    browser.write_all(said.as_bytes()).await.unwrap();
    browser.flush().await.unwrap();
    let mut heard = vec![0; said.len()];
    within(browser.read_exact(&mut heard)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), said);
    browser
}

async fn refuse(scene: &Scene, said: &str) {
    let mut browser = within(scene.browse_for_socket()).await.unwrap();
    // It may end before all of it was written.
    if browser.write_all(said.as_bytes()).await.is_ok() {
        let _ = browser.flush().await;
    }
    ends(&mut browser).await;
}

async fn ends(browser: &mut Browser) {
    let mut heard = Vec::new();
    let _ = within(browser.read_to_end(&mut heard)).await;
    assert_eq!(String::from_utf8_lossy(&heard), "", "it reached the device");
}
