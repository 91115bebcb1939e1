//! Imports: all of a file or nothing of it, and never against what the person decided here.

use std::fs;
use std::process::{Command, Stdio};

use housekey::store::{Happening, ImportRefusal, Store, block};
use housekey_core::export::{Export, ImportError, ImportPlan, ImportStep};
use housekey_core::note::Note;
use housekey_core::pin::Pin;
use housekey_core::scope::ScopeOptions;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;

use crate::{NOW, home, pin};

fn import(store: &Store, pins: &[Pin], dry_run: bool) -> ImportPlan {
    let export = Export::new(pins.to_vec(), NOW);
    store
        .import(&export, &ScopeOptions::default(), NOW, dry_run)
        .unwrap()
}

fn steps(plan: &ImportPlan) -> Vec<(String, ImportStep)> {
    let lines = plan.lines.iter();
    lines
        .map(|line| (line.endpoint.display_name(), line.step))
        .collect()
}

/// Everything that is in a store, for comparison.
fn all(store: &Store) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        store.pins(None, 30_000).unwrap(),
        store.history(None, None, 30_000).unwrap(),
    )
}

#[test]
fn each_device_of_a_file_meets_what_is_here() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let named = |mut pin: Pin, label: &str| {
        pin.label = SafeText::new(label);
        pin
    };
    let known = pin("192.168.1.20", 1);
    let kept = named(pin("192.168.1.21", 2), "Mine");
    let blocked = pin("192.168.1.22", 3);
    let other = pin("192.168.1.23", 4);
    for pin in [&known, &kept, &blocked, &other] {
        store.put(pin, Happening::Approve, NOW).unwrap();
    }
    store.amend(&blocked.endpoint, NOW, block(true)).unwrap();

    let mut future = pin("192.168.1.30", 9);
    future.first_seen = Timestamp(i64::MAX);
    future.last_seen = Timestamp(i64::MAX);
    future.extended_until = Some(Timestamp(i64::MAX));
    future.note = Note::new("In the attic");
    let file = [
        named(known.clone(), "Lights"),
        named(kept.clone(), "Theirs"),
        named(blocked.clone(), "Back again"),
        pin("192.168.1.23", 5),
        pin("8.8.8.8", 6),
        pin("100.64.0.1", 7),
        future.clone(),
        // The same address twice, with the same key and with another.
        named(pin("192.168.1.30", 9), "Attic"),
        pin("192.168.1.30", 10),
        named(known.clone(), "Too late"),
    ];
    let before = all(&store);
    let planned = import(&store, &file, true);
    assert_eq!(all(&store), before, "a dry run changed something");
    let done = import(&store, &file, false);
    assert_eq!(done, planned);
    assert_eq!(
        steps(&done),
        [
            // What would be trusted comes first, what stays out last.
            ("192.168.1.30".into(), ImportStep::Add),
            ("192.168.1.20".into(), ImportStep::Complete),
            ("192.168.1.30".into(), ImportStep::Complete),
            ("192.168.1.22".into(), ImportStep::Blocked),
            ("192.168.1.23".into(), ImportStep::Conflict),
            ("8.8.8.8".into(), ImportStep::NotPrivate),
            ("100.64.0.1".into(), ImportStep::NotPrivate),
            ("192.168.1.30".into(), ImportStep::Conflict),
        ]
    );
    assert_eq!(
        (done.added, done.completed, done.left_out, done.unchanged),
        (1, 2, 5, 2)
    );
    let new = store.pin(&future.endpoint).unwrap().unwrap();
    assert_eq!((new.first_seen, new.last_seen), (NOW, NOW));
    assert_eq!(new.extended_until, None);
    assert_eq!(
        (new.label.as_str(), new.note.as_str()),
        ("Attic", "In the attic")
    );
    let label = |pin: &Pin| store.pin(&pin.endpoint).unwrap().unwrap().label;
    assert_eq!(label(&known).as_str(), "Lights");
    assert_eq!(label(&kept).as_str(), "Mine");
    assert_eq!(store.pin(&other.endpoint).unwrap(), Some(other));
    let latest = &store.history(None, None, 1).unwrap()[0];
    assert_eq!(
        (&latest.endpoint, latest.what),
        (&future.endpoint, Happening::Import)
    );
    let again = import(&store, &file[..1], false);
    assert_eq!((again.unchanged, again.lines.len()), (1, 0));
}

/// What a device of a file receives from the browser is not what another left there.
#[test]
fn a_device_that_comes_by_file_gets_no_session_of_another() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let profile = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f".parse().unwrap();
    let (old, new) = (pin("192.168.1.20", 1), pin("192.168.1.20", 2));
    let stale = |pin: &Pin| {
        let host = pin.endpoint.host();
        store.has_stale_session(&profile, host).unwrap()
    };
    import(&store, &[old.clone(), pin("192.168.1.37", 3)], false);
    assert!(!stale(&old), "nobody was there before");
    store.forget(&old.endpoint, NOW).unwrap();
    import(&store, std::slice::from_ref(&new), true);
    assert!(!stale(&new), "a dry run changed something");
    import(&store, std::slice::from_ref(&new), false);
    assert!(stale(&new));
    let to = "192.168.1.37:8443".parse().unwrap();
    store.relocate(&new.endpoint, &to, NOW).unwrap();
    let host = to.host();
    assert!(store.has_stale_session(&profile, host).unwrap());
}

#[test]
fn a_file_that_is_none_changes_nothing() {
    let (_directory, paths) = home();
    let store = Store::open(&paths).unwrap();
    let scope = ScopeOptions::default();
    let refused = |export: &Export| match store.import(export, &scope, NOW, false) {
        Err(ImportRefusal::File(error)) => error,
        other => panic!("{other:?}"),
    };
    let newer = Export {
        version: 2,
        ..Export::new(vec![pin("192.168.1.20", 1)], NOW)
    };
    assert_eq!(refused(&newer), ImportError::TooNew);
    let many = vec![pin("192.168.1.20", 1); Export::MAX_PINS + 1];
    assert_eq!(refused(&Export::new(many, NOW)), ImportError::TooLarge);
    let mut huge = pin("192.168.1.21", 1);
    huge.serial = "0".repeat(200_000);
    let export = Export::new(vec![pin("192.168.1.20", 1), huge], NOW);
    assert_eq!(refused(&export), ImportError::TooLarge);
    assert!(store.pins(None, 9).unwrap().is_empty());
}

/// Kills the importing process while it writes, again and again, at other moments.
#[test]
fn a_killed_import_leaves_all_or_nothing() {
    let (directory, paths) = home();
    drop(Store::open(&paths).unwrap());
    let count = 5_000;
    let pins = (0..count).map(|number| pin(&format!("10.1.{}.{}", number / 250, number % 250), 7));
    let file = directory.path().join("devices.json");
    let export = Export::new(pins.collect(), NOW);
    fs::write(&file, serde_json::to_vec(&export).unwrap()).unwrap();
    let log = paths.data().join("housekey.db-wal");
    let mut killed = 0;
    for round in 1..=5 {
        let mut process = Command::new(env!("CARGO_BIN_EXE_housekey"))
            .args(["import", "--yes", "--json"])
            .arg(&file)
            .env("XDG_DATA_HOME", directory.path())
            .env("HOME", directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let written = || fs::metadata(&log).map_or(0, |log| log.len());
        while written() < round * 1_000_000 && process.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        process.kill().unwrap();
        killed += i32::from(!process.wait().unwrap().success());
        let store = Store::open(&paths).unwrap();
        let here = store.pins(None, 30_000).unwrap().len();
        assert!([0, count].contains(&here), "{here} devices are half a file");
        let lines = store.history(None, None, 30_000).unwrap().len();
        assert_eq!(lines, here);
    }
    assert!(killed > 0, "every import was quicker than its end");
}
