//! A copy of the store is put back: first it is said what that changes, then it is done whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use housekey_core::endpoint::Endpoint;
use housekey_core::history::Happening;
use housekey_core::pin::Pin;
use housekey_core::time::Timestamp;
use rusqlite::TransactionBehavior;
use tempfile::NamedTempFile;

use super::history::record;
use super::pins::all_pins;
use super::schema::{VERSION, migrate};
use super::seal::{self, Mark};
use super::sessions::hand_over;
use super::{Store, StoreError, backup, file};
use crate::paths::Paths;

/// What is put in the place of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A store with nothing in it: every device asks again.
    Empty,
    /// This file. It may be the one in the store's own place, which is then the one that counts.
    File(PathBuf),
}

/// A copy that was read and found sound, and what comes of putting it back. Nothing changed yet.
#[derive(Debug)]
pub struct Restoration {
    paths: Paths,
    copy: NamedTempFile,
    pins: Vec<Pin>,
    now: Option<Vec<Pin>>,
}

impl Restoration {
    /// Reads a copy. It is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`], by cause, where it is no sound store.
    pub fn plan(paths: &Paths, source: &Source) -> Result<Self, StoreError> {
        paths.prepare()?;
        let copy = match source {
            Source::Empty => file::empty(paths.data())?,
            Source::File(source) => read(paths.data(), source)?,
        };
        let mut connection = file::connect(copy.path())?;
        if file::check(&connection)? < VERSION {
            // It is a copy already.
            migrate(&mut connection, |_| Ok(()))?;
        }
        let pins = all_pins(&connection)?;
        drop(connection);
        // The store as it is now, as far as it can be believed.
        let now = match file::glance(paths) {
            Ok(Some(connection)) => Some(all_pins(&connection)?),
            Ok(None) => Some(Vec::new()),
            Err(StoreError::TooNew) => return Err(StoreError::TooNew),
            Err(_) => None,
        };
        Ok(Self {
            paths: paths.clone(),
            copy,
            pins,
            now,
        })
    }

    /// Whether the store as it is now can be believed; otherwise nobody knows what it holds.
    #[must_use]
    pub const fn is_compared(&self) -> bool {
        self.now.is_some()
    }

    /// The devices that would be trusted, or blocked, as they are in the copy, and are not now.
    #[must_use]
    pub fn changed(&self) -> Vec<&Pin> {
        let now = by_endpoint(self.now.as_deref().unwrap_or_default());
        let differs = |pin: &&Pin| {
            now.get(&pin.endpoint).is_none_or(|now| {
                now.spki_sha256 != pin.spki_sha256
                    || now.blocked != pin.blocked
                    || now.extended_until != pin.extended_until
            })
        };
        self.pins.iter().filter(differs).collect()
    }

    /// The devices that would be strangers again, as far as is known.
    #[must_use]
    pub fn forgotten(&self) -> Vec<&Pin> {
        let then = by_endpoint(&self.pins);
        let now = self.now.as_deref().unwrap_or_default();
        let lost = now.iter().filter(|pin| !then.contains_key(&pin.endpoint));
        lost.collect()
    }

    /// Whether any device would be trusted, blocked or a stranger that is not so now.
    #[must_use]
    pub fn is_a_change(&self) -> bool {
        !self.changed().is_empty() || !self.forgotten().is_empty()
    }

    /// Puts the copy in the place of the store. What was there stays beside it.
    ///
    /// Nobody knows which devices were at an address since the copy was made: what browsers still
    /// hold of their sessions is deleted before a device that changes here gets to see it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then the store is as it was, or one that still has to be restored.
    pub fn execute(self, at: Timestamp) -> Result<(), StoreError> {
        let (paths, place) = (&self.paths, self.paths.database());
        let mut connection = file::connect(self.copy.path())?;
        let own = Mark::read(&connection)?;
        let sealed = Mark::sealed(paths);
        let current = Store::open(paths).ok();
        let reached = sealed.as_ref().map_or(0, |mark| mark.generation);
        let next = Mark {
            generation: own.generation.max(reached).saturating_add(1),
            store: sealed.map_or(own.store, |mark| mark.store),
        };
        let transaction = connection.transaction()?;
        let changed = self.changed();
        let touched = changed.iter().copied().chain(self.forgotten());
        let hosts: BTreeSet<_> = touched.map(|pin| pin.endpoint.host()).collect();
        for host in hosts {
            hand_over(&transaction, host, None)?;
        }
        for pin in changed {
            record(&transaction, pin, Happening::Restore, at)?;
        }
        next.write(&transaction)?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        self.copy.as_file().sync_all().map_err(StoreError::Io)?;

        if let Some(current) = current {
            // What other processes wrote until now is in the copy that stays, and from here on
            // they wait, see another file, and open that.
            let mut open = current.lock()?;
            backup::make(&open.connection, paths)?;
            let connection = &mut open.connection;
            let hold = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            replace(self.copy, &place, at)?;
            drop(hold);
        } else {
            replace(self.copy, &place, at)?;
        }
        seal::write_anew(&mut file::connect(&place)?, paths)
    }
}

fn by_endpoint(pins: &[Pin]) -> BTreeMap<&Endpoint, &Pin> {
    pins.iter().map(|pin| (&pin.endpoint, pin)).collect()
}

/// A copy of a copy, which may be led forward. What is not yet in the file but in its log is too.
fn read(directory: &Path, source: &Path) -> Result<NamedTempFile, StoreError> {
    if !fs::metadata(source).map_err(StoreError::Io)?.is_file() {
        return Err(StoreError::Damaged);
    }
    let connection = file::look(source)?;
    file::check(&connection)?;
    file::copy(&connection, directory)
}

/// Moves a store to its place. What was there, and its log, which belongs to nothing else, are
/// kept under another name.
fn replace(new: NamedTempFile, file: &Path, at: Timestamp) -> Result<(), StoreError> {
    let directory = file.parent().ok_or(StoreError::Damaged)?;
    for part in ["", "-wal", "-shm"] {
        let named = |end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let aside = named(&format!(".replaced-{}{part}", at.0));
        match fs::rename(named(part), aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Io(error));
            }
            _ => {}
        }
    }
    file::sync(directory)?;
    file::place(new, file)
}
