//! A store of an older Housekey is led to this one's form, and a copy stays as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use housekey::paths::{Paths, write_private};
use housekey::store::{Restoration, Source, Store, StoreError};
use housekey_core::history::Happening;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{NOW, code, home};

/// A home in which the first version of Housekey was at work.
fn old_home() -> (TempDir, Paths) {
    let (directory, paths) = home();
    paths.prepare().unwrap();
    write_private(&paths.database(), b"").unwrap();
    let old = Connection::open(paths.database()).unwrap();
    old.execute_batch(include_str!("../stores/version-1.sql"))
        .unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.close().unwrap();
    (directory, paths)
}

fn backup(paths: &Paths) -> PathBuf {
    paths.data().join("housekey.db.version-1")
}

fn version(file: &Path) -> i32 {
    let file = Connection::open(file).unwrap();
    file.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn an_older_store_is_led_forward_and_a_copy_stays() {
    let (_directory, paths) = old_home();
    let store = Store::open(&paths).unwrap();
    let bridge = "192.168.1.20".parse().unwrap();
    let router = "192.168.1.1".parse().unwrap();
    let pin = store.pin(&bridge).unwrap().unwrap();
    assert_eq!(pin.label.as_str(), "Bridge");
    assert!(pin.note.is_empty(), "nobody wrote one then");
    assert!(store.pin(&router).unwrap().unwrap().blocked);
    let lines = store.history(Some(&router), None, 10).unwrap();
    let what: Vec<_> = lines.iter().map(|line| line.what).collect();
    assert_eq!(what, [Happening::Block, Happening::Approve]);
    assert!(
        lines.iter().all(|line| line.name.is_empty()),
        "names were not written down then"
    );
    assert_eq!(store.history(None, None, 10).unwrap().len(), 3);
    let settings = store.settings().unwrap();
    assert!(settings.shared_address_space && settings.clear_on_override);
    assert_eq!(
        store.added_makers().unwrap()[0].name.as_str(),
        "Philips Hue"
    );

    let mode = fs::metadata(backup(&paths)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(version(&backup(&paths)), 1);
    // It can be put back: it is a whole store of that version. But not without a word.
    for beside in ["housekey.db-wal", "housekey.db-shm"] {
        let _ = fs::remove_file(paths.data().join(beside));
    }
    drop(store);
    fs::copy(backup(&paths), paths.database()).unwrap();
    assert_eq!(code(Store::open(&paths)), "replaced");
    let source = Source::File(backup(&paths));
    let plan = Restoration::plan(&paths, &source).unwrap();
    plan.execute(NOW).unwrap();
    let again = Store::open(&paths).unwrap();
    assert_eq!(again.pin(&bridge).unwrap(), Some(pin));
}

#[test]
fn nothing_is_changed_without_a_copy() {
    let (_directory, paths) = old_home();
    // Something is in its place that cannot be written over.
    fs::create_dir(backup(&paths)).unwrap();
    assert!(matches!(Store::open(&paths), Err(StoreError::Io(_))));
    assert_eq!(version(&paths.database()), 1);
    fs::remove_dir(backup(&paths)).unwrap();
    assert_eq!(code(Store::open(&paths)), "open");
}

#[test]
fn of_many_processes_one_leads_it_forward() {
    let (_directory, paths) = old_home();
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let paths = paths.clone();
            thread::spawn(move || Store::open(&paths).unwrap().pins(None, 9).unwrap().len())
        })
        .collect();
    for opener in openers {
        assert_eq!(opener.join().unwrap(), 2);
    }
    assert_eq!(version(&backup(&paths)), 1, "the copy is of before");
    let left = fs::read_dir(paths.data()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        !name.to_string_lossy().starts_with("housekey.db")
    });
    assert_eq!(left.count(), 0, "something half-made is left");
}

#[test]
fn a_new_store_is_as_one_that_was_led_forward() {
    let tables = |paths: &Paths| -> Vec<String> {
        drop(Store::open(paths).unwrap());
        let file = Connection::open(paths.database()).unwrap();
        let mut query = file
            .prepare("SELECT type || name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
            .unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap)
            .map(|sql: String| sql.split_whitespace().collect())
            .collect()
    };
    let ((_one, new), (_other, old)) = (home(), old_home());
    assert_eq!(tables(&new), tables(&old));
}

/// Whoever only looks may be a newer Housekey than the one that a browser starts next.
#[test]
fn looking_leads_no_store_forward() {
    let (_directory, paths) = old_home();
    let before = contents(&paths);
    let glance = Store::glance(&paths).unwrap();
    assert_eq!((glance.devices, glance.latest.is_some()), (2, true));
    let plan = Restoration::plan(&paths, &Source::Empty).unwrap();
    assert!(plan.is_compared());
    assert_eq!(plan.forgotten().len(), 2);
    drop(plan);
    assert!(contents(&paths) == before, "it was changed");

    // What another process is at work on stays its own, with its log.
    let running = Store::open(&paths).unwrap();
    let before = contents(&paths);
    assert!(before.iter().any(|(name, _)| name == "housekey.db-wal"));
    assert_eq!(Store::glance(&paths).unwrap(), glance);
    assert!(contents(&paths) == before, "it was changed");
    drop(running);

    let (_directory, none) = home();
    assert_eq!(Store::glance(&none).unwrap().devices, 0);
    assert!(!none.data().exists(), "one was made");
}

/// Every file of the data directory, but for what processes share in memory.
fn contents(paths: &Paths) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(paths.data()).unwrap();
    let mut contents: Vec<_> = files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), file.path()))
        .filter(|(name, _)| !name.ends_with("-shm"))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    contents.sort();
    contents
}
