//! A store that is not as it was left is shown and not believed, and a copy of it comes back.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use housekey::paths::Paths;
use housekey::store::{Happening, Restoration, Source, Store, StoreError, backups, block};
use housekey_core::endpoint::Endpoint;
use housekey_core::pin::Pin;

use crate::{NOW, code, home, pin, what};

fn open(paths: &Paths) -> Store {
    Store::open(paths).unwrap()
}

fn approve(store: &Store, pin: &Pin) {
    store.put(pin, Happening::Approve, NOW).unwrap();
}

fn restore(paths: &Paths, file: impl AsRef<Path>) {
    let source = Source::File(file.as_ref().into());
    let plan = Restoration::plan(paths, &source).unwrap();
    plan.execute(NOW).unwrap();
}

fn endpoints(store: &Store) -> Vec<String> {
    let pins = store.pins(None, 100).unwrap();
    pins.iter().map(|pin| pin.endpoint.to_string()).collect()
}

/// Makes it so that the newest copy was made hours ago.
fn age_backups(paths: &Paths) {
    for backup in backups(paths).unwrap() {
        let file = File::options().write(true).open(&backup.file).unwrap();
        let before = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        file.set_modified(before).unwrap();
    }
}

#[test]
fn a_copy_of_yesterday_is_shown_and_not_believed() {
    let (directory, paths) = home();
    let (bridge, camera) = (pin("192.168.1.20", 1), pin("192.168.1.21", 2));
    approve(&open(&paths), &bridge);
    let yesterday = directory.path().join("yesterday.db");
    fs::copy(paths.database(), &yesterday).unwrap();
    let store = open(&paths);
    store.amend(&bridge.endpoint, NOW, block(true)).unwrap();
    approve(&store, &camera);
    drop(store);
    let today = fs::read(paths.database()).unwrap();

    fs::copy(&yesterday, paths.database()).unwrap();
    for _ in 0..2 {
        let refused = Store::open(&paths).err();
        assert!(matches!(refused, Some(StoreError::Older { missing: 2 })));
    }
    assert_eq!(
        fs::read(paths.database()).unwrap(),
        fs::read(&yesterday).unwrap(),
        "it was changed"
    );
    // What belongs here is believed again.
    fs::write(paths.database(), &today).unwrap();
    assert!(open(&paths).pin(&bridge.endpoint).unwrap().unwrap().blocked);

    // A person who means it says so, and it stays visible.
    fs::copy(&yesterday, paths.database()).unwrap();
    restore(&paths, paths.database());
    let store = open(&paths);
    assert_eq!(store.pins(None, 10).unwrap(), std::slice::from_ref(&bridge));
    assert_eq!(what(&store), [Happening::Restore, Happening::Approve]);
    // Whoever was there meanwhile left a session.
    let profile = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f".parse().unwrap();
    let host = bridge.endpoint.host();
    assert!(store.has_stale_session(&profile, host).unwrap());
    drop(store);
    // The one of before is an older one now.
    fs::write(paths.database(), &today).unwrap();
    assert_eq!(code(Store::open(&paths)), "replaced");
}

#[test]
fn another_store_or_none_is_shown_and_not_believed() {
    let ((_one, paths), (_two, others)) = (home(), home());
    approve(&open(&paths), &pin("192.168.1.20", 1));
    for last in 0..9 {
        approve(&open(&others), &pin(&format!("192.168.1.{last}"), 2));
    }
    let own = fs::read(paths.database()).unwrap();
    fs::copy(others.database(), paths.database()).unwrap();
    assert!(matches!(Store::open(&paths).err(), Some(StoreError::Other)));
    // Without its seal nobody knows which one was here.
    fs::write(paths.database(), &own).unwrap();
    let seal = fs::read(paths.seal()).unwrap();
    fs::remove_file(paths.seal()).unwrap();
    assert!(matches!(Store::open(&paths).err(), Some(StoreError::Other)));
    fs::write(paths.seal(), &seal[1..]).unwrap();
    fs::set_permissions(paths.seal(), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(code(Store::open(&paths)), "damaged");
    fs::write(paths.seal(), &seal).unwrap();
    assert_eq!(code(Store::open(&paths)), "open");

    fs::remove_file(paths.database()).unwrap();
    assert!(matches!(Store::open(&paths).err(), Some(StoreError::Gone)));
    assert!(!paths.database().exists(), "an empty one was made");
    let plan = Restoration::plan(&paths, &Source::Empty).unwrap();
    assert!(!plan.is_compared());
    plan.execute(NOW).unwrap();
    assert!(endpoints(&open(&paths)).is_empty());
}

/// Not one byte can change in a store without being noticed.
#[test]
fn damage_anywhere_is_found() {
    let (_directory, paths) = home();
    let store = open(&paths);
    for last in 0..9 {
        approve(&store, &pin(&format!("192.168.1.{last}"), last));
    }
    drop(store);
    let sound = fs::read(paths.database()).unwrap();
    // Every byte of the header, and many of the rest.
    let places = (0..100).chain((100..sound.len()).step_by(257));
    for place in places {
        let mut damaged = sound.clone();
        damaged[place] ^= 0x01;
        fs::write(paths.database(), &damaged).unwrap();
        // SQLite writes these as it likes, and nothing that Housekey reads is in them.
        let is_volatile = matches!(place, 18..20 | 24..28 | 92..100);
        let opened = code(Store::open(&paths));
        let refused = ["damaged", "replaced", "too new"].contains(&opened);
        assert!(refused || is_volatile, "byte {place}: {opened}");
        if refused {
            assert!(
                fs::read(paths.database()).unwrap() == damaged,
                "byte {place}"
            );
        }
    }
    // The last copy brings all back that was there when it was made, and says so.
    fs::write(paths.database(), &sound[..sound.len() / 2]).unwrap();
    let newest = backups(&paths).unwrap().remove(0);
    let plan = Restoration::plan(&paths, &Source::File(newest.file)).unwrap();
    assert!(!plan.is_compared() && plan.changed().len() == 1);
    plan.execute(NOW).unwrap();
    assert_eq!(endpoints(&open(&paths)), ["192.168.1.0:443"]);
    let kept = paths.data().join(format!("housekey.db.replaced-{}", NOW.0));
    assert_eq!(fs::read(kept).unwrap(), sound[..sound.len() / 2]);
}

#[test]
fn copies_are_made_by_themselves_and_only_their_owner_reads_them() {
    let (_directory, paths) = home();
    let store = open(&paths);
    let made = || -> Vec<i64> {
        let all = backups(&paths).unwrap();
        all.iter().map(|backup| backup.generation).collect()
    };
    assert!(made().is_empty(), "of nothing");
    approve(&store, &pin("192.168.1.20", 1));
    approve(&store, &pin("192.168.1.21", 1));
    assert_eq!(made(), [1], "one an hour");
    age_backups(&paths);
    drop(open(&paths));
    assert_eq!(made(), [2, 1], "what no copy has is kept by whoever starts");
    age_backups(&paths);
    drop(open(&paths));
    assert_eq!(made(), [2, 1], "nothing changed");
    approve(&store, &pin("192.168.1.22", 1));
    approve(&store, &pin("192.168.1.23", 1));
    assert_eq!(made(), [3, 2, 1]);
    age_backups(&paths);
    approve(&store, &pin("192.168.1.24", 1));
    assert_eq!(made(), [5, 3, 2], "no more than needed");
    for backup in backups(&paths).unwrap() {
        let mode = fs::metadata(&backup.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
}

/// The other browser's helper goes on with what is there now, and what it writes is not lost.
#[test]
fn a_running_helper_sees_what_was_put_back() {
    let (_directory, paths) = home();
    let running = open(&paths);
    let bridge = pin("192.168.1.20", 1);
    approve(&running, &bridge);
    let newest = backups(&paths).unwrap().remove(0).file;
    approve(&running, &pin("192.168.1.21", 2));
    let version = running.version().unwrap();

    let source = Source::File(newest);
    let plan = Restoration::plan(&paths, &source).unwrap();
    assert!(plan.is_compared() && plan.changed().is_empty());
    let gone: Vec<_> = plan.forgotten().iter().map(|pin| &pin.endpoint).collect();
    let there: Endpoint = "192.168.1.21".parse().unwrap();
    assert_eq!(gone, [&there]);
    plan.execute(NOW).unwrap();
    assert_ne!(running.version().unwrap(), version, "nothing would be cut");
    assert_eq!(endpoints(&running), ["192.168.1.20:443"]);
    let profile = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f".parse().unwrap();
    assert!(running.has_stale_session(&profile, there.host()).unwrap());
    approve(&running, &pin("192.168.1.22", 3));
    drop(running);
    assert_eq!(
        endpoints(&open(&paths)),
        ["192.168.1.20:443", "192.168.1.22:443"]
    );
    // What was there before is one of the copies.
    let made = backups(&paths).unwrap();
    restore(&paths, &made[0].file);
    assert!(endpoints(&open(&paths)).contains(&there.to_string()));

    // A file that somebody else exchanges is seen, too.
    let running = open(&paths);
    fs::rename(paths.database(), paths.data().join("away")).unwrap();
    assert!(matches!(running.pin(&there), Err(StoreError::Gone)));
    assert!(matches!(
        running.put(&bridge, Happening::Approve, NOW),
        Err(StoreError::Gone)
    ));
}

/// However often the one was written to, and whatever number the other has on the disk.
#[test]
fn another_file_is_another_version() {
    let (_directory, paths) = home();
    approve(&open(&paths), &pin("192.168.1.20", 1));
    // Two files whose numbers differ in the last bits only, as those of one directory do.
    let number = |file: &Path| fs::metadata(file).unwrap().ino();
    let files: Vec<_> = (0..64)
        .map(|at| paths.data().join(format!("file-{at}")))
        .inspect(|file| drop(File::create(file).unwrap()))
        .collect();
    let count = |one: &Path, other: &Path| BEGINNING ^ number(one) ^ number(other);
    let pairs = files.iter().zip(files.iter().skip(1));
    let (one, other) = pairs
        .min_by_key(|(one, other)| count(one, other).wrapping_sub(BEGINNING + 1))
        .unwrap();
    let count = count(one, other);
    assert!((3..64).contains(&count), "{count}");
    put_ahead(&paths, one);
    let (running, elsewhere) = (open(&paths), open(&paths));
    running.version().unwrap();
    for _ in BEGINNING..count {
        approve(&elsewhere, &pin("192.168.1.20", 1));
        running.version().unwrap();
    }
    let before = running.version().unwrap();
    drop(elsewhere);
    put_ahead(&paths, other);
    assert_ne!(running.version().unwrap(), before, "nothing would be cut");
}

/// Puts a copy of the store in its place, in this file. It has come further than the seal, as after
/// a power cut.
fn put_ahead(paths: &Paths, file: &Path) {
    let store = rusqlite::Connection::open(paths.database()).unwrap();
    let place = file.to_str().unwrap();
    store.execute("VACUUM INTO ?1", [place]).unwrap();
    store.close().unwrap();
    let copy = rusqlite::Connection::open(file).unwrap();
    let ahead = "UPDATE state SET generation = generation + 1";
    copy.execute(ahead, []).unwrap();
    copy.close().unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    // The log belongs to the file that was there.
    for part in ["-wal", "-shm"] {
        let _ = fs::remove_file(paths.data().join(format!("housekey.db{part}")));
    }
    fs::rename(file, paths.database()).unwrap();
}

/// Where SQLite begins to count what others change.
const BEGINNING: u64 = 2;

/// One browser remembers more than is there. Whoever has the store open hears of it, nothing that
/// they still write makes it a sound one, and the person's word ends it.
#[test]
fn what_a_witness_refuses_is_refused_by_all_until_it_is_restored() {
    let (_directory, paths) = home();
    let bridge = pin("192.168.1.20", 1);
    let (running, witnessed) = (open(&paths), open(&paths));
    approve(&running, &bridge);
    let is_older = |error: Option<StoreError>| matches!(error, Some(StoreError::Older { .. }));
    let mut seen = witnessed.mark().unwrap();
    for more in 1..=3 {
        seen.changes += more;
        let missing = witnessed.hold_to(&seen).err();
        assert!(is_older(missing));
        for store in [&running, &witnessed] {
            assert!(is_older(store.pin(&bridge.endpoint).err()));
            assert!(is_older(store.version().err()));
            assert!(is_older(store.put(&bridge, Happening::Approve, NOW).err()));
            assert!(is_older(store.mark().err()));
        }
        // One that was about to write then has come as far as the seal says, and further.
        let late = rusqlite::Connection::open(paths.database()).unwrap();
        late.execute("UPDATE state SET generation = generation + 2", [])
            .unwrap();
        late.close().unwrap();
        assert!(is_older(Store::open(&paths).err()));
        assert!(is_older(running.pin(&bridge.endpoint).err()));

        restore(&paths, paths.database());
        assert_eq!(
            running.pin(&bridge.endpoint).unwrap().as_ref(),
            Some(&bridge)
        );
        approve(&running, &bridge);
        assert!(open(&paths).hold_to(&seen).is_ok());
        seen = witnessed.mark().unwrap();
    }
}

#[test]
fn what_is_no_sound_store_is_not_put_back() {
    let (directory, paths) = home();
    approve(&open(&paths), &pin("192.168.1.20", 1));
    let file = directory.path().join("file");
    let none = Source::File(directory.path().join("none"));
    assert!(Restoration::plan(&paths, &none).is_err());
    let itself = Source::File(directory.path().into());
    assert!(Restoration::plan(&paths, &itself).is_err());
    let sound = fs::read(paths.database()).unwrap();
    for bytes in [&b""[..], b"hello", &sound[..5_000]] {
        fs::write(&file, bytes).unwrap();
        let refused = Restoration::plan(&paths, &Source::File(file.clone()));
        assert!(matches!(refused, Err(StoreError::Damaged)));
    }
    assert_eq!(endpoints(&open(&paths)), ["192.168.1.20:443"]);
}
