//! The seal: how the store was left, in a file beside it.
//!
//! SQLite finds some damage, and a copy of yesterday's file is as sound as today's. So each change
//! is counted in the store, and afterwards the seal says which store it was, how many changes were
//! made to it, and the hash of its content. A store that falls behind its seal, or that has the
//! same count and another content, is not the one that was left.
//!
//! The seal is written after the change that it is about is on the disk. Whoever is interrupted in
//! between leaves a store that is ahead of its seal, which is believed: nothing else makes one.

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::paths::{self, Paths};
use crate::platform::files;

/// Which store it is, and how many changes were made to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) store: String,
    pub(super) generation: i64,
}

/// A store as it was left.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seal {
    mark: Mark,
    /// SHA-256 of its content, in hexadecimal. Empty in one that was raised.
    content: String,
}

/// Which seal is in its place, as far as that is seen without reading it.
///
/// The number of a file that is gone is given to another one. But one that was raised lacks the
/// hash, so that it is never as long as one that was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    file: (u64, u64),
    length: u64,
}

impl Sight {
    /// Nothing where there is none that can be looked at.
    pub(super) fn of(paths: &Paths) -> Option<Self> {
        let (file, length) = files::identity_and_length(&paths.seal()).ok()?;
        Some(Self { file, length })
    }
}

impl Mark {
    /// The one in a store.
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut query = connection.prepare_cached("SELECT store, generation FROM state")?;
        Ok(query.query_row([], |row| {
            Ok(Self {
                store: row.get(0)?,
                generation: row.get(1)?,
            })
        })?)
    }

    /// Sets the one in a store.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached("UPDATE state SET store = ?1, generation = ?2")?
            .execute(rusqlite::params![self.store, self.generation])?;
        Ok(())
    }

    /// The one that the seal names, if there is a seal that can be read.
    pub(super) fn sealed(paths: &Paths) -> Option<Self> {
        Seal::read(paths).ok().flatten().map(|seal| seal.mark)
    }
}

/// Counts a change, in the transaction that makes it.
pub(super) fn count(connection: &Connection) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE state SET generation = generation + 1")?
        .execute([])?;
    Ok(())
}

/// Whether there was ever a store here.
pub(super) fn exists(paths: &Paths) -> Result<bool, StoreError> {
    paths.seal().try_exists().map_err(StoreError::Io)
}

/// Refuses a store that is not as it was left. Nothing is written.
pub(super) fn check(connection: &mut Connection, paths: &Paths) -> Result<(), StoreError> {
    alone(connection, |connection| {
        let here = Mark::read(connection)?;
        let Some(Seal { mark, content }) = Seal::read(paths)? else {
            // A new store, or one that was just led forward, has no seal until it is opened.
            return match here.generation {
                0 => Ok(()),
                _ => Err(StoreError::Other),
            };
        };
        if mark.store != here.store {
            return Err(StoreError::Other);
        }
        let is_raised = content.is_empty();
        match mark.generation.saturating_sub(here.generation) {
            // Whatever was changed since by somebody who had not heard of it.
            missing if is_raised => Err(StoreError::Older {
                missing: missing.max(1),
            }),
            0 if content != content_of(connection)? => Err(StoreError::Damaged),
            ..=0 => Ok(()),
            missing => Err(StoreError::Older { missing }),
        }
    })
}

/// Seals a store as one that has come further than it has: whoever opens it refuses it, and whoever
/// has it open, until the person restores a list.
pub(super) fn raise(
    connection: &mut Connection,
    paths: &Paths,
    mark: Mark,
) -> Result<(), StoreError> {
    let content = String::new();
    let json = super::to_json(&Seal { mark, content })?;
    let file = paths::stage_private(&paths.seal(), json.as_bytes())?;
    alone(connection, |_| {
        let placed = file.persist(paths.seal());
        placed
            .map(drop)
            .map_err(|error| StoreError::Io(error.error))
    })
}

/// Seals a store as it is now.
///
/// Nobody has to wait for it: it is written while others may change the store, and put into its
/// place if nobody did. Otherwise they seal it. A seal that says more stays, and so does one that
/// was raised.
pub(super) fn write(connection: &mut Connection, paths: &Paths) -> Result<(), StoreError> {
    write_unless(connection, paths, is_raised)
}

/// Seals a store that the person restored, also where nobody was to believe the one before.
pub(super) fn write_anew(connection: &mut Connection, paths: &Paths) -> Result<(), StoreError> {
    write_unless(connection, paths, |_| false)
}

/// Whether somebody raised the seal.
pub(super) fn is_raised(paths: &Paths) -> bool {
    let seal = Seal::read(paths).ok().flatten();
    seal.is_some_and(|seal| seal.content.is_empty())
}

fn write_unless(
    connection: &mut Connection,
    paths: &Paths,
    stays: impl Fn(&Paths) -> bool,
) -> Result<(), StoreError> {
    let seal = within(connection, "BEGIN", |connection| {
        let mark = Mark::read(connection)?;
        let says_as_much = |it: &Mark| it.store == mark.store && it.generation >= mark.generation;
        if stays(paths) || Mark::sealed(paths).as_ref().is_some_and(says_as_much) {
            return Ok(None);
        }
        let content = content_of(connection)?;
        Ok(Some(Seal { mark, content }))
    })?;
    let Some(seal) = seal else {
        return Ok(());
    };
    let file = paths::stage_private(&paths.seal(), super::to_json(&seal)?.as_bytes())?;
    alone(connection, |connection| {
        if Mark::read(connection)? == seal.mark && !stays(paths) {
            let placed = file.persist(paths.seal());
            placed.map_err(|error| StoreError::Io(error.error))?;
        }
        Ok(())
    })
}

impl Seal {
    fn read(paths: &Paths) -> Result<Option<Self>, StoreError> {
        match paths::read_private(&paths.seal()) {
            Ok(json) => match serde_json::from_slice(&json) {
                Ok(seal) => Ok(Some(seal)),
                Err(_) => Err(StoreError::Damaged),
            },
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Looks while nobody changes the store, nor its seal.
fn alone<T>(
    connection: &mut Connection,
    look: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    within(connection, "BEGIN IMMEDIATE", look)
}

/// Looks at one state of the store. Nothing is changed in it.
fn within<T>(
    connection: &mut Connection,
    begin: &str,
    look: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch(begin)?;
    let seen = look(connection);
    connection.execute_batch("ROLLBACK")?;
    seen
}

/// The content as it is seen through SQLite, wherever it stands: a file that SQLite has open must
/// not be opened besides, and a part of the content may be in the log.
fn content_of(connection: &mut Connection) -> Result<String, StoreError> {
    let content = connection.serialize(c"main")?;
    let mut hash = Context::new(&SHA256);
    let mut at = 0;
    for (from, to) in VOLATILE {
        hash.update(content.get(at..from).ok_or(StoreError::Damaged)?);
        at = to;
    }
    hash.update(content.get(at..).ok_or(StoreError::Damaged)?);
    Ok(HEXLOWER.encode(hash.finish().as_ref()))
}

/// Bytes of the header that SQLite changes by itself: whether there is a log, how often the file
/// was written to, and by which version (<https://sqlite.org/fileformat.html>, section 1.3).
const VOLATILE: [(usize, usize); 3] = [(18, 20), (24, 28), (92, 100)];
