//! What can be said of a meeting with a device without a pin, while it lasts.

use housekey_core::decision::{Failure, Finding};
use housekey_core::meeting::{Meeting, MeetingStep};
use housekey_tests::device::{Behaviour, Device, Model, RawDevice};
use housekey_tests::lan::Lan;

use crate::scene::{DEVICE, Scene, endpoint, identity, within};

/// The meeting that is going on, as soon as the device is busy with it.
async fn handshaking(scene: &Scene) -> Meeting {
    loop {
        let meeting = scene.gateway.meeting(&endpoint(), None).await;
        match meeting {
            Some(meeting) if meeting.step == MeetingStep::Handshaking => return meeting,
            _ => tokio::task::yield_now().await,
        }
    }
}

pub(crate) async fn a_meeting_outlives_the_browser_s_wish(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(DEVICE.parse().unwrap(), Model::new("Bridge", identity()));
    let device = device.await.unwrap();
    device.be_busy(true);
    assert_eq!(scene.gateway.meeting(&endpoint(), None).await, None);
    leave(&scene).await;
    let meeting = within(handshaking(&scene)).await;
    let (gateway, known) = (scene.gateway.clone(), Some(meeting.step));
    let end = tokio::spawn(async move { gateway.meeting(&endpoint(), known).await });
    // Another of the same browser's connections is no other meeting.
    leave(&scene).await;
    assert_eq!(handshaking(&scene).await, meeting);
    assert!(!end.is_finished(), "nothing has changed");
    device.be_busy(false);
    assert_eq!(within(end).await.unwrap(), None);
    // What came of it is there before anybody hears of the end.
    let refusal = scene.gateway.refusal(&endpoint()).unwrap();
    assert_eq!(refusal.finding, Finding::Stranger);
    assert_eq!(device.record().application_bytes, 0);
}

pub(crate) async fn a_meeting_that_fails_has_ended(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = RawDevice::start(DEVICE.parse().unwrap(), Behaviour::Silent);
    let device = device.await.unwrap();
    leave(&scene).await;
    let known = Some(within(handshaking(&scene)).await.step);
    let gateway = scene.gateway.clone();
    let end = tokio::spawn(async move { gateway.meeting(&endpoint(), known).await });
    drop(device);
    assert_eq!(within(end).await.unwrap(), None);
    let failure = Failure::Closed;
    let refusal = scene.gateway.refusal(&endpoint()).unwrap();
    assert_eq!(refusal.finding, Finding::Failed { failure });
}

/// A trusted device is met by the browser's own connection, which nobody interrupts.
pub(crate) async fn a_trusted_device_is_no_meeting(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(DEVICE.parse().unwrap(), Model::new("Bridge", identity()));
    let device = device.await.unwrap();
    scene.trust().await;
    device.be_busy(true);
    let before = device.record().connections;
    let browse = scene.browse();
    let look = async {
        while device.record().connections == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(scene.gateway.meeting(&endpoint(), None).await, None);
        device.be_busy(false);
    };
    let (browser, ()) = within(async { tokio::join!(browse, look) }).await;
    browser.unwrap();
}

/// Asks for a tunnel and is gone before the answer.
async fn leave(scene: &Scene) {
    drop(scene.ask(DEVICE).await);
}
