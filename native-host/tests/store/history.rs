//! What happened: in pages, with names, and with devices that move.

use housekey::store::{Amendment, Happening, Moving, Store, block};
use housekey_core::history::HistoryEntry;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;

use crate::{NOW, home, pin};

fn lines(entries: &[HistoryEntry]) -> Vec<(String, Happening)> {
    let line = |entry: &HistoryEntry| (entry.endpoint.display_name(), entry.what);
    entries.iter().map(line).collect()
}

#[test]
fn pages_hold_every_line_once_the_latest_first() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let (bridge, router) = (pin("192.168.1.20", 1), pin("192.168.1.1", 2));
    for number in 0..30 {
        let one = if number % 3 == 0 { &router } else { &bridge };
        let at = NOW.plus_days(number);
        store.put(one, Happening::Approve, at).unwrap();
    }
    for (endpoint, count) in [(None, 30), (Some(&router.endpoint), 10)] {
        let mut seen: Vec<HistoryEntry> = Vec::new();
        loop {
            let before = seen.last().map(|entry| entry.id);
            let page = store.history(endpoint, before, 7).unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen.len(), count);
        assert!(seen.is_sorted_by(|a, b| a.id > b.id && a.at > b.at));
    }
    let nobody = "192.168.1.99".parse().unwrap();
    assert!(store.history(Some(&nobody), None, 7).unwrap().is_empty());
}

#[test]
fn a_line_keeps_the_name_of_its_time() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let bridge = pin("192.168.1.20", 1);
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    let rename = |pin: &mut Pin| {
        pin.label = SafeText::new("Lights");
        Some(Amendment::Silent)
    };
    store.amend(&bridge.endpoint, NOW, rename).unwrap();
    store.forget(&bridge.endpoint, NOW).unwrap();
    let names: Vec<_> = store
        .history(None, None, 9)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.what, entry.name.to_string()))
        .collect();
    assert_eq!(
        names,
        [
            (Happening::Forget, "Lights".into()),
            (Happening::Approve, "Ubiquiti Inc.".into())
        ]
    );
}

#[test]
fn a_moved_device_takes_its_history_along() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let bridge = pin("192.168.1.20", 1);
    let (old, new) = (bridge.endpoint.clone(), "192.168.1.37".parse().unwrap());
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    let Moving::Done(moved) = store.relocate(&old, &new, NOW).unwrap() else {
        panic!("it did not move");
    };
    assert_eq!(moved.endpoint, new);
    assert_eq!(store.pin(&old).unwrap(), None);
    assert_eq!(store.pin(&new).unwrap(), Some(moved));
    // Another one comes to where it was.
    let camera = pin("192.168.1.20", 2);
    store.put(&camera, Happening::Approve, NOW).unwrap();
    assert_eq!(
        lines(&store.history(Some(&new), None, 9).unwrap()),
        [
            ("192.168.1.37".into(), Happening::Move),
            ("192.168.1.20".into(), Happening::Approve)
        ]
    );
    assert_eq!(
        lines(&store.history(Some(&old), None, 9).unwrap()),
        [("192.168.1.20".into(), Happening::Approve)],
        "only what happened to the camera"
    );
    // And the host still knows that another key was there.
    assert!(
        store
            .knew_another_key(old.host(), camera.spki_sha256)
            .unwrap()
    );
}

#[test]
fn a_device_moves_only_to_where_none_is() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let (bridge, router) = (pin("192.168.1.20", 1), pin("192.168.1.1", 2));
    let (from, to) = (&bridge.endpoint, &router.endpoint);
    assert_eq!(store.relocate(from, to, NOW).unwrap(), Moving::Absent);
    for pin in [&bridge, &router] {
        store.put(pin, Happening::Approve, NOW).unwrap();
    }
    assert_eq!(store.relocate(from, to, NOW).unwrap(), Moving::Taken);
    assert_eq!(store.relocate(from, from, NOW).unwrap(), Moving::Taken);
    assert_eq!(store.pins(None, 9).unwrap(), [router, bridge]);
}

#[test]
fn blocking_what_is_blocked_is_no_news() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let bridge = pin("192.168.1.20", 1);
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    for blocked in [true, true, false, false] {
        let pin = store.amend(&bridge.endpoint, NOW, block(blocked)).unwrap();
        assert_eq!(pin.unwrap().blocked, blocked);
    }
    let what: Vec<_> = store.history(None, None, 9).unwrap();
    let what: Vec<_> = what.iter().map(|entry| entry.what).collect();
    assert_eq!(
        what,
        [Happening::Unblock, Happening::Block, Happening::Approve]
    );
}

#[test]
fn a_store_tells_when_another_one_wrote() {
    let (_directory, paths) = home();
    let (one, other) = (Store::open(&paths).unwrap(), Store::open(&paths).unwrap());
    let before = one.version().unwrap();
    let bridge = pin("192.168.1.20", 1);
    one.put(&bridge, Happening::Approve, NOW).unwrap();
    assert_eq!(one.version().unwrap(), before, "its own writing is no news");
    other.forget(&bridge.endpoint, NOW).unwrap();
    assert_ne!(one.version().unwrap(), before);
}
