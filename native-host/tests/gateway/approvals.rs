//! Approvals: who may still hold what the device of before left.

use std::time::SystemTime;

use housekey::authority::Authority;
use housekey::handler::Handler;
use housekey::paths::Paths;
use housekey::store::Store;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::protocol::{Approval, Refusal, Request, Response, Settings};
use housekey_tests::lan::Lan;

use crate::scene::{Device, config, echo, endpoint, identity};

/// A profile that went on past the warning without deleting the old session, because the setting
/// was another one when its browser began, is held up like all others until it has.
pub(crate) async fn a_profile_that_did_not_say_so_has_not_deleted_anything(lan: Lan) {
    let _proof_of_the_private_network = lan;
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::at(home.path().join("housekey"));
    paths.prepare().unwrap();
    Authority::create(&paths, &[], SystemTime::now()).unwrap();
    let handler = Handler::start(&paths, None).await.unwrap();
    // Another browser, or the command line.
    let elsewhere = Store::open(&paths).unwrap();
    set(&elsewhere, false);
    let hello = Request::Hello {
        extension: "0.1.0".into(),
        profile: PROFILE.parse().unwrap(),
        seen: None,
    };
    let Response::Hello { settings, .. } = handler.handle(hello).await.unwrap() else {
        panic!("no hello");
    };
    assert!(!settings.clear_on_override);
    let stale = || {
        let host = endpoint().host().clone();
        elsewhere
            .has_stale_session(&PROFILE.parse().unwrap(), &host)
            .unwrap()
    };

    let device = Device::start(config(&identity()), echo).await;
    approve(&handler, Approval::First, false).await;
    assert!(!stale(), "nobody was here before");
    set(&elsewhere, true);
    device.present(config(&identity()));
    approve(&handler, Approval::Replace, false).await;
    assert!(
        stale(),
        "the new device would be sent the old one's session"
    );
    let endpoint = endpoint();
    handler.handle(Request::Cleared { endpoint }).await.unwrap();
    assert!(!stale());

    // Whoever deleted it before asking need not do it again.
    device.present(config(&identity()));
    approve(&handler, Approval::Replace, true).await;
    assert!(!stale());
}

fn set(store: &Store, clear_on_override: bool) {
    let settings = Settings {
        clear_on_override,
        ..Settings::default()
    };
    store.set_settings(&settings).unwrap();
}

/// Trusts whoever answers at the device's address now.
async fn approve(handler: &Handler, approval: Approval, cleared: bool) {
    let request = Request::Approve {
        endpoint: endpoint(),
        spki_sha256: key(handler, approval).await,
        approval,
        cleared,
    };
    handler.handle(request).await.unwrap();
}

/// What answers, as the helper's refusal of another key says.
async fn key(handler: &Handler, approval: Approval) -> SpkiSha256 {
    let guess = Request::Approve {
        endpoint: endpoint(),
        spki_sha256: "ab".repeat(32).parse().unwrap(),
        approval,
        cleared: false,
    };
    handler.handle(guess).await.unwrap_err();
    let endpoint = endpoint();
    let explained = handler.handle(Request::Explain { endpoint }).await;
    let Ok(Response::Explained {
        refusal:
            Some(Refusal {
                observation: Some(observation),
                ..
            }),
    }) = explained
    else {
        panic!("{explained:?}");
    };
    observation.leaf_key().unwrap()
}

const PROFILE: &str = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f";
