//! A write that is killed, or that the disk refuses, at each of its system calls.

use std::collections::BTreeMap;
use std::fs;
use std::thread;

use housekey::paths::Paths;
use housekey::store::{Happening, Restoration, Source, Store, StoreError, backups, block};

use crate::trace::{calls, copy, moments, place, strace};
use crate::{NOW, home, pin, what};

/// The calls that change a disk.
const CHANGES: &str = "chmod,fchmod,fdatasync,fsync,ftruncate,link,linkat,mkdir,openat,pwrite64,\
    rename,renameat,renameat2,unlink,unlinkat,write";

const BLOCK: [&str; 3] = ["pins", "block", "192.168.1.20"];

/// How a store was found afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Before,
    After,
}

/// A store in which one of a few devices can be blocked.
pub(crate) fn unblocked(paths: &Paths) {
    let store = Store::open(paths).unwrap();
    for last in 20..24 {
        let pin = pin(&format!("192.168.1.{last}"), last);
        store.put(&pin, Happening::Approve, NOW).unwrap();
    }
}

/// The store is whole, before the blocking or after it, and takes the next decision.
pub(crate) fn look(paths: &Paths, fault: &str) -> Found {
    let store = Store::open(paths).unwrap_or_else(|error| panic!("{fault}: {error}"));
    let pins = store.pins(None, 10).unwrap();
    assert_eq!(pins.len(), 4, "{fault}");
    let blocked = pins.iter().filter(|pin| pin.blocked).count();
    let happened = what(&store);
    let found = match (blocked, happened.first()) {
        (0, Some(Happening::Approve)) => Found::Before,
        (1, Some(Happening::Block)) => Found::After,
        _ => panic!("{fault}: {blocked} blocked, {happened:?}"),
    };
    assert_eq!(happened.len(), 4 + blocked, "{fault}");
    let (here, unblock) = (&pins[0].endpoint, block(blocked == 0));
    store.amend(here, NOW, unblock).unwrap();
    drop(store);
    Store::open(paths).unwrap_or_else(|error| panic!("after {fault}: {error}"));
    found
}

/// What strace is told to do, one of its options each.
type Fault = Vec<String>;

/// Tries all of these faults, on all processors, and says how each store was found.
fn each<T: Send>(faults: &[Fault], attempt: impl Fn(&Fault) -> T + Sync) -> Vec<T> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let attempt = &attempt;
    thread::scope(|scope| {
        let share = |worker| {
            let mine = faults.iter().skip(worker).step_by(workers);
            scope.spawn(move || mine.map(attempt).collect::<Vec<_>>())
        };
        let shares: Vec<_> = (0..workers).map(share).collect();
        let done = shares.into_iter().map(|share| share.join().unwrap());
        done.flatten().collect()
    })
}

/// Runs a command with one fault in a home like this one.
fn run_with<T>(
    original: &Paths,
    arguments: &[&str],
    fault: &Fault,
    look: impl FnOnce(&Paths, &str, &str) -> T,
) -> T {
    let directory = place();
    let paths = copy(original, directory.path());
    let options = fault.iter().flat_map(|inject| ["-e", inject]);
    let options: Vec<_> = options.chain(["-o", "/dev/null"]).collect();
    let said = strace(&paths, &options, arguments);
    look(
        &paths,
        &fault.join(" "),
        &String::from_utf8_lossy(&said.stdout),
    )
}

/// The faults that are to be tried in a home like this one: what `of` makes of each moment.
fn faults<F: IntoIterator<Item = Fault>>(
    original: &Paths,
    kinds: &str,
    arguments: &[&str],
    of: impl Fn(&str, &BTreeMap<String, usize>) -> F,
) -> Vec<Fault> {
    let directory = place();
    let paths = copy(original, directory.path());
    let calls = calls(&paths, kinds, arguments);
    let moments = moments(&paths, &calls);
    assert!(moments.len() > 20, "{moments:?}");
    let faults = moments.iter().flat_map(|(kind, counts)| of(kind, counts));
    faults.collect()
}

fn kill(kind: &str, counts: &BTreeMap<String, usize>) -> [Fault; 1] {
    [vec![format!(
        "inject={kind}:signal=KILL:when={}",
        counts[kind]
    )]]
}

/// The disk is full from this moment on, or it fails from here on, or this once.
fn disk(kind: &str, counts: &BTreeMap<String, usize>) -> [Fault; 3] {
    let once = format!("inject={kind}:error=EIO:when={}", counts[kind]);
    let [full, failing] = ["ENOSPC", "EIO"].map(|error| {
        let from = |other: &str| {
            let done = counts.get(other).unwrap_or(&0);
            let next = done + usize::from(other != kind);
            format!("inject={other}:error={error}:when={next}+")
        };
        CHANGES.split(',').map(from).collect()
    });
    [full, failing, vec![once]]
}

fn block_with(original: &Paths, fault: &Fault) -> Found {
    run_with(original, &BLOCK, fault, |paths, fault, said| {
        let found = look(paths, fault);
        let told = said.contains("is blocked");
        assert!(!told || found == Found::After, "{fault}: told, and undone");
        found
    })
}

#[test]
fn a_write_that_is_killed_anywhere_is_whole_or_was_none() {
    let (_directory, original) = home();
    unblocked(&original);
    let found = each(&faults(&original, "all", &BLOCK, kill), |fault| {
        block_with(&original, fault)
    });
    // It was killed before the moment that counts, and after it.
    assert!(found.contains(&Found::Before) && found.contains(&Found::After));
}

#[test]
fn a_disk_that_is_full_or_fails_anywhere_loses_nothing() {
    let (_directory, original) = home();
    unblocked(&original);
    let found = each(&faults(&original, CHANGES, &BLOCK, disk), |fault| {
        block_with(&original, fault)
    });
    assert!(found.contains(&Found::Before) && found.contains(&Found::After));
}

/// The first start of all, and the return of a copy to the place of a damaged store.
#[test]
fn a_store_that_is_made_or_put_back_is_whole_or_can_be_anew() {
    let (_directory, original) = home();
    original.prepare().unwrap();
    let list = ["pins", "list"];
    each(&faults(&original, CHANGES, &list, kill), |fault| {
        run_with(&original, &list, fault, |paths, fault, _| {
            unblocked(paths);
            look(paths, fault);
        });
    });

    unblocked(&original);
    fs::write(original.database(), b"damaged").unwrap();
    let restore = ["pins", "restore", "--yes"];
    let restored = |paths: &Paths, fault: &str, _: &str| {
        let refusal = match Store::open(paths) {
            Ok(store) => {
                assert_eq!(store.pins(None, 10).unwrap().len(), 1, "{fault}");
                return None;
            }
            Err(StoreError::Damaged) => "damaged",
            Err(StoreError::Gone) => "gone",
            Err(error) => panic!("{fault}: {error}"),
        };
        let newest = backups(paths).unwrap().remove(0).file;
        let again = Restoration::plan(paths, &Source::File(newest)).unwrap();
        again.execute(NOW).unwrap();
        assert_eq!(Store::open(paths).unwrap().pins(None, 10).unwrap().len(), 1);
        Some(refusal)
    };
    let found = each(&faults(&original, CHANGES, &restore, kill), |fault| {
        run_with(&original, &restore, fault, restored)
    });
    for expected in [None, Some("damaged"), Some("gone")] {
        assert!(found.contains(&expected), "never {expected:?}");
    }
}
