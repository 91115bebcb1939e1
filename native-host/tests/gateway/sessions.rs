//! Sessions are resumed for the key of the pin, and for no other one.

use housekey_core::decision::Finding;
use housekey_core::time::Timestamp;
use housekey_tests::lan::Lan;
use rustls::HandshakeKind::{Full, Resumed};

use crate::scene::{Browser, Device, Scene, config, echo, endpoint, identity, ping};

/// One connection that is used, so that tickets have come by its end.
async fn visit(scene: &Scene) -> Browser {
    let mut browser = scene.browse().await.unwrap();
    ping(&mut browser).await;
    browser
}

pub(crate) async fn a_device_is_recognised_but_never_another_key(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    assert_eq!(
        device.handshakes().await,
        [Some(Full)],
        "a look is never resumed"
    );
    let first = visit(&scene).await;
    assert_eq!(first.get_ref().1.handshake_kind(), Some(Full));
    let second = visit(&scene).await;
    assert_eq!(second.get_ref().1.handshake_kind(), Some(Resumed));
    assert_eq!(device.handshakes().await, [Some(Full), Some(Resumed)]);

    // Another device at this address.
    device.present(config(&identity()));
    assert!(scene.browse().await.is_err());
    let refusal = scene.gateway.refusal(&endpoint()).unwrap();
    assert_eq!(refusal.finding, Finding::Changed);
    assert_eq!(device.handshakes().await, [Some(Full)]);
}

pub(crate) async fn a_decision_ends_what_was_remembered(lan: Lan) {
    let scene = Scene::new(lan).await;
    let before = config(&identity());
    // Both devices could open each other's tickets.
    let mut after = config(&identity());
    after.ticketer = before.ticketer.clone();
    let device = Device::start(before, echo).await;
    let mut pin = scene.trust().await;
    visit(&scene).await;
    visit(&scene).await;
    assert_eq!(
        device.handshakes().await,
        [Some(Full), Some(Full), Some(Resumed)]
    );

    // Whatever the person decides goes through here: approving, extending, forgetting, renaming.
    scene.gateway.cut(&endpoint());
    visit(&scene).await;
    assert_eq!(device.handshakes().await, [Some(Full)]);
    visit(&scene).await;
    assert_eq!(device.handshakes().await, [Some(Resumed)]);

    pin.blocked = true;
    scene.put(&pin);
    scene.gateway.cut(&endpoint());
    assert_eq!(scene.tunnel().await.0, "403");
    assert_eq!(device.handshakes().await, []);
    pin.blocked = false;
    scene.put(&pin);
    visit(&scene).await;
    assert_eq!(device.handshakes().await, [Some(Full)]);

    // The person trusts another key in place of this one.
    device.present(after);
    scene.trust().await;
    scene.gateway.cut(&endpoint());
    visit(&scene).await;
    assert_eq!(device.handshakes().await, [Some(Full), Some(Full)]);
}

pub(crate) async fn a_decision_elsewhere_ends_it_too(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), echo).await;
    let mut pin = scene.trust().await;
    visit(&scene).await;
    visit(&scene).await;
    assert_eq!(
        device.handshakes().await,
        [Some(Full), Some(Full), Some(Resumed)]
    );
    // Forgotten and trusted again in another browser, a second later: nobody told this gateway.
    pin.first_seen = Timestamp(pin.first_seen.0 + 1);
    scene.put(&pin);
    visit(&scene).await;
    assert_eq!(device.handshakes().await, [Some(Full)]);
}

pub(crate) async fn a_device_without_sessions_signs_every_time(lan: Lan) {
    let scene = Scene::new(lan).await;
    let mut without = config(&identity());
    without.send_tls13_tickets = 0;
    let device = Device::start(without, echo).await;
    scene.trust().await;
    for _ in 0..3 {
        visit(&scene).await;
    }
    assert_eq!(device.handshakes().await, [Some(Full); 4]);
}

pub(crate) async fn a_broken_session_is_no_failure(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    visit(&scene).await;
    device.handshakes::<2>().await;
    device.hang_up_on_tickets();
    visit(&scene).await;
    assert_eq!(device.handshakes().await, [None, Some(Full)]);
    assert!(scene.gateway.refusal(&endpoint()).is_none());
}
