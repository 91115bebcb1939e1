//! The store: pins, their history, manufacturers' roots and settings, in one SQLite file that all
//! browsers of a user and the command line share.
//!
//! A store that cannot be read is an error, never an empty store: with no pins, every device would
//! be a stranger again, and the next key that comes along could be taken for the first.

mod error;
mod file;
mod makers;

use std::sync::{Mutex, MutexGuard, PoisonError};

use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::pin::Pin;
use housekey_core::protocol::Settings;
use housekey_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub use self::error::StoreError;
pub use self::makers::AddedMaker;
use crate::paths::Paths;

/// An open store.
pub struct Store {
    connection: Mutex<Connection>,
}

/// Something that happened to a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The person trusted the key.
    Approve,
    /// The person blocked the endpoint.
    Block,
    /// The person trusted the key beyond its certificate.
    Extend,
    /// The person forgot the pin.
    Forget,
    /// The pin came from another endpoint.
    Move,
    /// The device came with a new certificate of the same key.
    Renew,
    /// The person trusted another key in place of the pinned one.
    Replace,
    /// The same device of the same verified company came with another key.
    Rotate,
    /// The person un-blocked the endpoint.
    Unblock,
}

/// How a pin was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// By something that stands in the history.
    Recorded(Happening),
    /// By nobody's decision: when it was last met, or what it is called.
    Silent,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What: see [`Happening`].
    pub what: String,
    /// With which key.
    pub spki_sha256: String,
}

impl Store {
    /// Opens the store of a user, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`], by cause. Nothing is changed in a file that is not a sound store.
    pub fn open(paths: &Paths) -> Result<Self, StoreError> {
        let connection = file::open(paths)?;
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    /// The pin at an endpoint.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn pin(&self, endpoint: &Endpoint) -> Result<Option<Pin>, StoreError> {
        pin_at(&self.lock(), endpoint)
    }

    /// The pins of other endpoints that hold this key, at most ten.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn pins_of_key(&self, key: SpkiSha256) -> Result<Vec<Pin>, StoreError> {
        let connection = self.lock();
        let mut query =
            connection.prepare_cached("SELECT body FROM pin WHERE spki = ?1 LIMIT 10")?;
        query
            .query_map([key.to_string()], read_pin)?
            .map(|pin| pin?)
            .collect()
    }

    /// Up to `limit` pins after this endpoint, in the order of their endpoints.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn pins(&self, after: Option<&Endpoint>, limit: u32) -> Result<Vec<Pin>, StoreError> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        let connection = self.lock();
        let mut query = connection.prepare_cached(
            "SELECT body FROM pin WHERE endpoint > ?1 ORDER BY endpoint LIMIT ?2",
        )?;
        query
            .query_map(params![after, limit], read_pin)?
            .map(|pin| pin?)
            .collect()
    }

    /// Writes a pin in place of whatever stood at its endpoint, and why.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn put(&self, pin: &Pin, what: Happening, at: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| {
            write_pin(connection, pin)?;
            record(connection, pin, what, at)
        })
    }

    /// Writes a pin that came from another endpoint, whose pin goes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn put_moved(&self, pin: &Pin, from: &Endpoint, at: Timestamp) -> Result<(), StoreError> {
        self.change(|connection| {
            delete_pin(connection, from)?;
            write_pin(connection, pin)?;
            record(connection, pin, Happening::Move, at)
        })
    }

    /// Changes the pin at an endpoint as it stands in the store at this very moment.
    ///
    /// Whoever read a pin before may hold one that a person has meanwhile blocked, replaced or
    /// forgotten; writing that one back would undo the decision.
    /// `amend` returns what to write into the history, or `None` to leave the pin as it is;
    /// [`Amendment::Silent`] changes it without a line in the history.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read or written; then nothing changed.
    pub fn amend(
        &self,
        endpoint: &Endpoint,
        at: Timestamp,
        amend: impl FnOnce(&mut Pin) -> Option<Amendment>,
    ) -> Result<Option<Pin>, StoreError> {
        self.change(|connection| {
            let Some(mut pin) = pin_at(connection, endpoint)? else {
                return Ok(None);
            };
            let Some(amendment) = amend(&mut pin) else {
                return Ok(Some(pin));
            };
            write_pin(connection, &pin)?;
            if let Amendment::Recorded(what) = amendment {
                record(connection, &pin, what, at)?;
            }
            Ok(Some(pin))
        })
    }

    /// Removes the pin at an endpoint, and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be written; then nothing changed.
    pub fn forget(&self, endpoint: &Endpoint, at: Timestamp) -> Result<bool, StoreError> {
        self.change(|connection| {
            let Some(pin) = pin_at(connection, endpoint)? else {
                return Ok(false);
            };
            delete_pin(connection, endpoint)?;
            record(connection, &pin, Happening::Forget, at)?;
            Ok(true)
        })
    }

    /// Whether another key than this was ever trusted at this host.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn knew_another_key(&self, host: &Host, key: SpkiSha256) -> Result<bool, StoreError> {
        let known = self
            .lock()
            .prepare_cached("SELECT 1 FROM history WHERE host = ?1 AND spki <> ?2 LIMIT 1")?
            .exists([host.to_string(), key.to_string()])?;
        Ok(known)
    }

    /// What happened at an endpoint, the latest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn history(&self, endpoint: &Endpoint) -> Result<Vec<Entry>, StoreError> {
        let connection = self.lock();
        let mut query = connection.prepare_cached(
            "SELECT at, what, spki FROM history WHERE endpoint = ?1 ORDER BY id DESC LIMIT 1000",
        )?;
        let entry = |row: &Row<'_>| {
            let (at, what, spki_sha256) = (Timestamp(row.get(0)?), row.get(1)?, row.get(2)?);
            Ok(Entry {
                at,
                what,
                spki_sha256,
            })
        };
        Ok(query
            .query_map([endpoint.to_string()], entry)?
            .collect::<Result<_, _>>()?)
    }

    /// The settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn settings(&self) -> Result<Settings, StoreError> {
        let body: Option<String> = self
            .lock()
            .query_row("SELECT body FROM settings", [], |row| row.get(0))
            .optional()?;
        body.map_or_else(|| Ok(Settings::default()), |body| from_json(&body))
    }

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be written; then nothing changed.
    pub fn set_settings(&self, settings: &Settings) -> Result<(), StoreError> {
        let body = to_json(settings)?;
        self.change(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO settings (id, body) VALUES (1, ?1)",
                [body],
            )?;
            Ok(())
        })
    }

    /// All of a change, or nothing of it.
    fn change<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.lock();
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// A panic elsewhere cannot leave half a change behind: transactions roll back when dropped.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Happening {
    const fn code(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Block => "block",
            Self::Extend => "extend",
            Self::Forget => "forget",
            Self::Move => "move",
            Self::Renew => "renew",
            Self::Replace => "replace",
            Self::Rotate => "rotate",
            Self::Unblock => "unblock",
        }
    }
}

fn pin_at(connection: &Connection, endpoint: &Endpoint) -> Result<Option<Pin>, StoreError> {
    connection
        .prepare_cached("SELECT body FROM pin WHERE endpoint = ?1")?
        .query_row([endpoint.to_string()], read_pin)
        .optional()?
        .transpose()
}

fn write_pin(connection: &Connection, pin: &Pin) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO pin (endpoint, spki, body) VALUES (?1, ?2, ?3)")?
        .execute([
            pin.endpoint.to_string(),
            pin.spki_sha256.to_string(),
            to_json(pin)?,
        ])?;
    Ok(())
}

fn delete_pin(connection: &Connection, endpoint: &Endpoint) -> Result<(), StoreError> {
    connection.execute(
        "DELETE FROM pin WHERE endpoint = ?1",
        [endpoint.to_string()],
    )?;
    Ok(())
}

fn record(
    connection: &Connection,
    pin: &Pin,
    what: Happening,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO history (at, endpoint, host, spki, what) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            at.0,
            pin.endpoint.to_string(),
            pin.endpoint.host().to_string(),
            pin.spki_sha256.to_string(),
            what.code(),
        ],
    )?;
    Ok(())
}

fn read_pin(row: &Row<'_>) -> rusqlite::Result<Result<Pin, StoreError>> {
    let body: String = row.get(0)?;
    Ok(from_json(&body))
}

fn first<T: rusqlite::types::FromSql>(row: &Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}

fn from_json<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|_| StoreError::Damaged)
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Damaged)
}
