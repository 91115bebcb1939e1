//! When an address goes over to another device, each browser profile deletes the old session.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use housekey::paths::Paths;
use housekey::store::Store;
use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::profile::ProfileId;

fn host(text: &str) -> Host {
    text.parse::<Endpoint>().unwrap().host().clone()
}

fn profile(number: u8) -> ProfileId {
    format!("3f1c2a5e-9d7b-4c1a-8e2f-0000000000{number:02x}")
        .parse()
        .unwrap()
}

#[test]
fn every_profile_deletes_its_own_session_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    let store = Store::open(&paths).unwrap();
    let (device, other) = (host("192.168.1.20"), host("192.168.1.21"));
    let stale = |number| store.has_stale_session(&profile(number), &device).unwrap();

    assert!(!stale(1), "nothing was ever handed over");
    store.hand_over(&device, Some(&profile(1))).unwrap();
    assert!(!stale(1), "it deleted its session before it decided");
    assert!(stale(2) && stale(3), "they did not");
    store.session_deleted(&profile(2), &device).unwrap();
    assert!(!stale(2) && stale(3));

    store.hand_over(&device, Some(&profile(2))).unwrap();
    assert!(
        stale(1) && !stale(2) && stale(3),
        "it is another device once more"
    );
    store.hand_over(&device, None).unwrap();
    assert!(
        stale(1) && stale(2) && stale(3),
        "the command line deletes nothing"
    );

    // It is about one host, and it lasts.
    assert!(!store.has_stale_session(&profile(3), &other).unwrap());
    store.session_deleted(&profile(3), &other).unwrap();
    drop(store);
    let store = Store::open(&paths).unwrap();
    assert!(store.has_stale_session(&profile(3), &device).unwrap());
    store.session_deleted(&profile(3), &device).unwrap();
    assert!(!store.has_stale_session(&profile(3), &device).unwrap());
}
