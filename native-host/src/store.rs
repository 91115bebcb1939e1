//! The store: pins, their history, manufacturers' roots and settings, in one SQLite file that all
//! browsers of a user and the command line share.
//!
//! A store that cannot be read is an error, never an empty store: with no pins, every device would
//! be a stranger again, and the next key that comes along could be taken for the first.

mod backup;
mod error;
mod file;
mod history;
mod import;
mod makers;
mod pins;
mod restore;
mod schema;
mod seal;
mod sessions;
mod sites;
mod witness;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use housekey_core::history::Happening;
use housekey_core::protocol::Settings;
use housekey_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

pub use self::backup::{Backup, backups};
pub use self::error::StoreError;
pub use self::import::ImportRefusal;
pub use self::makers::AddedMaker;
pub use self::pins::{Amendment, Moving, block};
pub use self::restore::{Restoration, Source};
use self::seal::Sight;
use crate::paths::Paths;
use crate::platform::files;

/// An open store.
pub struct Store {
    paths: Paths,
    open: Mutex<Open>,
}

/// A connection, which file it is of, and which seal was beside that when it was looked at.
struct Open {
    connection: Connection,
    file: (u64, u64),
    seal: Option<Sight>,
}

/// Up to where an open store saw what others changed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    file: (u64, u64),
    /// Another file begins to count anew.
    changes: i64,
}

/// What is seen of a store without opening it. Every version of one has that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// How many devices are in it.
    pub devices: u32,
    /// When something last happened to one.
    pub latest: Option<Timestamp>,
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
        Ok(Self {
            open: Mutex::new(Open::new(paths)?),
            paths: paths.clone(),
        })
    }

    /// Looks at the store of a user, which stays as it is: one of an older Housekey is not led
    /// forward, and where there is none, none is made.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn glance(paths: &Paths) -> Result<Glance, StoreError> {
        let Some(connection) = file::glance(paths)? else {
            return Ok(Glance::default());
        };
        let latest = "SELECT at FROM history ORDER BY id DESC LIMIT 1";
        let latest: Option<i64> = connection.query_row(latest, [], first).optional()?;
        Ok(Glance {
            devices: connection.query_row("SELECT count(*) FROM pin", [], first)?,
            latest: latest.map(Timestamp),
        })
    }

    /// What is another one after anybody else changed anything in the store: another process, or
    /// another [`Store`] of this one. What this one changes leaves it as it is.
    ///
    /// It costs next to nothing (<https://sqlite.org/pragma.html#pragma_data_version>).
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn version(&self) -> Result<Version, StoreError> {
        let open = self.lock()?;
        let mut query = open.connection.prepare_cached("PRAGMA data_version")?;
        Ok(Version {
            file: open.file,
            changes: query.query_row([], first)?,
        })
    }

    /// The settings.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where they cannot be read.
    pub fn settings(&self) -> Result<Settings, StoreError> {
        read_settings(&self.lock()?.connection)
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
        self.attempt(change, true)
    }

    /// What a change would lead to; it is made and taken back.
    fn attempt<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, E>,
        keep: bool,
    ) -> Result<T, E> {
        let mut open = self.lock()?;
        let Open {
            connection, file, ..
        } = &mut *open;
        let before = connection.total_changes();
        let begin = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begin.map_err(StoreError::from)?;
        let result = change(&transaction)?;
        if !keep || transaction.total_changes() == before {
            transaction.rollback().map_err(StoreError::from)?;
            return Ok(result);
        }
        seal::count(&transaction)?;
        // Nobody replaces a store while another one writes to it.
        if identity(&self.paths)? != *file {
            return Err(StoreError::Gone.into());
        }
        transaction.commit().map_err(StoreError::from)?;
        // The change is on the disk. Without a seal it is only not protected from an older copy.
        if let Err(error) = seal::write(connection, &self.paths) {
            tracing::warn!(%error, "the pin store is not sealed");
        }
        backup::keep(connection, &self.paths);
        Ok(result)
    }

    /// The connection; to the file that is in its place now, should it be another one than before.
    /// None where the seal was raised meanwhile.
    ///
    /// A panic elsewhere cannot leave half a change behind: transactions roll back when dropped.
    fn lock(&self) -> Result<MutexGuard<'_, Open>, StoreError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if identity(&self.paths)? != open.file {
            *open = Open::new(&self.paths)?;
        }
        let seal = Sight::of(&self.paths);
        if seal != open.seal {
            if seal::is_raised(&self.paths) {
                // It is refused there, unless the person restored it in this moment.
                *open = Open::new(&self.paths)?;
            }
            open.seal = seal;
        }
        Ok(open)
    }
}

impl Open {
    fn new(paths: &Paths) -> Result<Self, StoreError> {
        let seal = Sight::of(paths);
        let connection = file::open(paths)?;
        let file = identity(paths)?;
        Ok(Self {
            connection,
            file,
            seal,
        })
    }
}

/// Which file is in the place of the store: SQLite would go on with the one that it opened, and
/// what is written to a file without a name is lost.
fn identity(paths: &Paths) -> Result<(u64, u64), StoreError> {
    match files::identity(&paths.database()) {
        Ok(identity) => Ok(identity),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(StoreError::Gone),
        Err(error) => Err(StoreError::Io(error)),
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
