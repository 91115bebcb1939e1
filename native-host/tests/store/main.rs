//! The pin store: what is decided stays decided, and damage is never an empty store.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

mod faults;
mod history;
mod import;
mod migration;
mod power;
mod restore;
mod sites;
mod trace;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;
use std::thread;

use housekey::paths::Paths;
use housekey::store::{AddedMaker, Amendment, Happening, Store, StoreError};
use housekey_core::chain::Der;
use housekey_core::endpoint::Endpoint;
use housekey_core::history::HistoryEntry;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::DeviceIdRule;
use housekey_core::note::Note;
use housekey_core::pin::Pin;
use housekey_core::protocol::Settings;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn home() -> (TempDir, Paths) {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    (directory, paths)
}

fn pin(endpoint: &str, key: u8) -> Pin {
    Pin {
        endpoint: endpoint.parse().unwrap(),
        spki_sha256: format!("{key:02x}").repeat(32).parse().unwrap(),
        leaf_sha256: "ab".repeat(32).parse().unwrap(),
        identity: Identity {
            tier: Tier::Unverified,
            name: SafeText::new("Ubiquiti Inc."),
            other_names: Vec::new(),
            verified_by: None,
            maker: None,
            issued_by: SafeText::default(),
            device_id: None,
            oddities: Vec::new(),
        },
        label: SafeText::default(),
        note: Note::default(),
        serial: "01".into(),
        not_before: NOW,
        not_after: NOW.plus_days(365),
        first_seen: NOW,
        last_seen: NOW,
        blocked: false,
        extended_until: None,
    }
}

fn what(store: &Store) -> Vec<Happening> {
    let entries: Vec<HistoryEntry> = store.history(None, None, 100).unwrap();
    entries.iter().map(|entry| entry.what).collect()
}

fn code(result: Result<Store, StoreError>) -> &'static str {
    match result {
        Ok(_) => "open",
        Err(StoreError::Damaged) => "damaged",
        Err(StoreError::Paths(_)) => "paths",
        Err(StoreError::Gone | StoreError::Older { .. } | StoreError::Other) => "replaced",
        Err(StoreError::TooNew) => "too new",
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_was_written_is_read_by_the_next_process() {
    let (_directory, paths) = home();
    let bridge = pin("192.168.1.20", 1);
    Store::open(&paths)
        .unwrap()
        .put(&bridge, Happening::Approve, NOW)
        .unwrap();
    let store = Store::open(&paths).unwrap();
    assert_eq!(store.pin(&bridge.endpoint).unwrap(), Some(bridge.clone()));
    assert_eq!(
        store.pin(&"192.168.1.20:8443".parse().unwrap()).unwrap(),
        None
    );
    assert_eq!(
        store.pins_of_key(bridge.spki_sha256).unwrap(),
        std::slice::from_ref(&bridge)
    );
    assert!(store.forget(&bridge.endpoint, NOW).unwrap());
    assert!(!store.forget(&bridge.endpoint, NOW).unwrap());
    assert_eq!(what(&store), [Happening::Forget, Happening::Approve]);
}

#[test]
fn pins_come_in_pages_and_none_twice() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    for last in 0..25 {
        store
            .put(
                &pin(&format!("192.168.1.{last}"), last),
                Happening::Approve,
                NOW,
            )
            .unwrap();
    }
    let mut seen: Vec<Endpoint> = Vec::new();
    loop {
        let page = store.pins(seen.last(), 10).unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|pin| pin.endpoint));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

#[test]
fn a_key_that_came_before_is_remembered_even_when_forgotten() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let (old, new) = (pin("192.168.1.20", 1), pin("192.168.1.20:8443", 2));
    store.put(&old, Happening::Approve, NOW).unwrap();
    store.forget(&old.endpoint, NOW).unwrap();
    let host = old.endpoint.host();
    assert!(!store.knew_another_key(host, old.spki_sha256).unwrap());
    // Cookies do not know ports, so the host alone counts.
    assert!(store.knew_another_key(host, new.spki_sha256).unwrap());
}

#[test]
fn a_moved_pin_is_at_one_place() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let (old, new) = (pin("192.168.1.20", 1), pin("192.168.1.37", 1));
    store.put(&old, Happening::Approve, NOW).unwrap();
    store.put_moved(&new, &old.endpoint, NOW).unwrap();
    assert_eq!(store.pins(None, 10).unwrap(), [new]);
}

/// What a connection writes down late must not undo what a person decided meanwhile.
#[test]
fn an_amendment_is_made_to_the_pin_as_it_is_now() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let bridge = pin("192.168.1.20", 1);
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    let block = |pin: &mut Pin| {
        pin.blocked = true;
        Some(Amendment::Recorded(Happening::Block))
    };
    store.amend(&bridge.endpoint, NOW, block).unwrap();
    let meet = |pin: &mut Pin| {
        pin.last_seen = NOW.plus_days(1);
        Some(Amendment::Silent)
    };
    let met = store.amend(&bridge.endpoint, NOW, meet).unwrap().unwrap();
    assert!(met.blocked && met.last_seen == NOW.plus_days(1));
    store.amend(&bridge.endpoint, NOW, |_| None).unwrap();
    assert_eq!(store.pin(&bridge.endpoint).unwrap(), Some(met));
    store.forget(&bridge.endpoint, NOW).unwrap();
    assert_eq!(store.amend(&bridge.endpoint, NOW, meet).unwrap(), None);
    assert_eq!(
        store.pin(&bridge.endpoint).unwrap(),
        None,
        "what is forgotten stays forgotten"
    );
    assert_eq!(
        what(&store),
        [Happening::Forget, Happening::Block, Happening::Approve]
    );
}

#[test]
fn makers_and_settings_are_kept() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    assert_eq!(store.settings().unwrap(), Settings::default());
    let settings = Settings {
        shared_address_space: true,
        refuse_unverified: true,
        ..Settings::default()
    };
    store.set_settings(&settings).unwrap();
    let maker = AddedMaker {
        name: SafeText::new("Philips Hue"),
        device_id: DeviceIdRule::SubjectCommonName,
        root: Der(vec![0x30, 0]),
        added: Some(NOW),
        enabled: true,
    };
    store.add_maker(&maker).unwrap();
    store.add_maker(&maker).expect_err("the same root twice");
    let again = Store::open(&paths).unwrap();
    assert_eq!(again.settings().unwrap(), settings);
    assert_eq!(again.added_makers().unwrap(), std::slice::from_ref(&maker));
    assert!(again.remove_maker(&maker.root).unwrap());
    assert!(again.added_makers().unwrap().is_empty());
}

/// Whatever somebody puts in the place of the store, it is not taken for one, and left as it is.
#[test]
fn a_damaged_store_is_no_empty_store() {
    let other_database = {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = rusqlite::Connection::open(file.path()).unwrap();
        other
            .execute_batch("CREATE TABLE pin (endpoint, spki, body)")
            .unwrap();
        other.close().unwrap();
        fs::read(file.path()).unwrap()
    };
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    for last in 0..200 {
        store
            .put(
                &pin(&format!("10.0.0.{last}"), last),
                Happening::Approve,
                NOW,
            )
            .unwrap();
    }
    drop(store);
    let sound = fs::read(paths.database()).unwrap();
    let mut torn = sound.clone();
    torn[sound.len() / 2..sound.len() / 2 + 4_096].fill(0x55);
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"hello".repeat(1_000)),
        ("another database", other_database),
        ("a cut one", sound[..sound.len() / 2].to_vec()),
        ("a torn one", torn),
    ] {
        fs::write(paths.database(), &bytes).unwrap();
        assert_eq!(code(Store::open(&paths)), "damaged", "{what}");
        assert!(
            fs::read(paths.database()).unwrap() == bytes,
            "{what} was changed"
        );
    }
    fs::write(paths.database(), &sound).unwrap();
    let pins = Store::open(&paths).unwrap().pins(None, 1_000).unwrap();
    assert_eq!(pins.len(), 200, "the copy that was put back is whole");
}

#[test]
fn a_damaged_pin_is_an_error_and_not_a_stranger() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let bridge = pin("192.168.1.20", 1);
    store.put(&bridge, Happening::Approve, NOW).unwrap();
    let file = rusqlite::Connection::open(paths.database()).unwrap();
    file.execute("UPDATE pin SET body = '{}'", []).unwrap();
    assert!(matches!(
        store.pin(&bridge.endpoint),
        Err(StoreError::Damaged)
    ));
}

#[test]
fn a_newer_store_is_left_alone() {
    let (_directory, paths) = home();
    drop(Store::open(&paths).unwrap());
    let file = rusqlite::Connection::open(paths.database()).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    file.close().unwrap();
    assert_eq!(code(Store::open(&paths)), "too new");
}

#[test]
fn a_store_that_others_can_read_or_replace_is_refused() {
    let (directory, paths) = home();
    drop(Store::open(&paths).unwrap());
    fs::set_permissions(paths.database(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(code(Store::open(&paths)), "paths");
    let elsewhere = directory.path().join("elsewhere.db");
    fs::rename(paths.database(), &elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, paths.database()).unwrap();
    assert_eq!(code(Store::open(&paths)), "paths");
}

#[test]
fn two_processes_write_at_once_and_lose_nothing() {
    let (_directory, paths) = home();
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let paths = paths.clone();
            thread::spawn(move || {
                let store = Arc::new(Store::open(&paths).unwrap());
                for number in 0..1_000_u16 {
                    let [high, low] = number.to_be_bytes();
                    let pin = pin(&format!("10.{writer}.{high}.{low}"), low);
                    store.put(&pin, Happening::Approve, NOW).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(
        Store::open(&paths)
            .unwrap()
            .pins(None, 3_000)
            .unwrap()
            .len(),
        2_000
    );
}
