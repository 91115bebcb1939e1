//! The store: pins, their history, manufacturers' roots and settings, in one SQLite file that all
//! browsers of a user and the command line share.
//!
//! A store that cannot be read is an error, never an empty store: with no pins, every device would
//! be a stranger again, and the next key that comes along could be taken for the first.

mod error;
mod file;
mod history;
mod import;
mod makers;
mod pins;
mod schema;
mod sessions;
mod sites;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use housekey_core::history::Happening;
use housekey_core::protocol::Settings;
use rusqlite::{Connection, OptionalExtension as _, Row};

pub use self::error::StoreError;
pub use self::import::ImportRefusal;
pub use self::makers::AddedMaker;
pub use self::pins::{Amendment, Moving, block};
use crate::paths::Paths;

/// An open store.
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the store of a user, and makes it if there is none.
    ///
    /// One of an older Housekey is brought up to this one's form; a copy of it as it was stays
    /// beside it.
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

    /// A number that is another one after anybody else changed anything in the store: another
    /// process, or another [`Store`] of this one. What this one changes leaves it as it is.
    ///
    /// It costs next to nothing (<https://sqlite.org/pragma.html#pragma_data_version>).
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn version(&self) -> Result<i64, StoreError> {
        Ok(self
            .lock()
            .prepare_cached("PRAGMA data_version")?
            .query_row([], first)?)
    }

    /// The settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn settings(&self) -> Result<Settings, StoreError> {
        read_settings(&self.lock())
    }

    /// Sets all of the settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be written; then nothing changed.
    pub fn set_settings(&self, settings: &Settings) -> Result<(), StoreError> {
        self.amend_settings(|current| *current = *settings)
    }

    /// Changes the settings as they stand in the store at this very moment.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read or written; then nothing changed.
    pub fn amend_settings(&self, amend: impl FnOnce(&mut Settings)) -> Result<(), StoreError> {
        self.change(|connection| {
            let mut settings = read_settings(connection)?;
            amend(&mut settings);
            connection.execute(
                "INSERT OR REPLACE INTO settings (id, body) VALUES (1, ?1)",
                [to_json(&settings)?],
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

fn read_settings(connection: &Connection) -> Result<Settings, StoreError> {
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM settings")?
        .query_row([], first)
        .optional()?;
    body.map_or_else(|| Ok(Settings::default()), |body| from_json(&body))
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
