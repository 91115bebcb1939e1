//! The file of a store: made whole, and taken for one only when it is sound.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{StoreError, first};
use crate::paths::Paths;

/// Opens the file of a store, and makes it if there is none.
///
/// Until it is known to be a sound store, nothing is written to it.
pub(super) fn open(paths: &Paths) -> Result<Connection, StoreError> {
    paths.prepare()?;
    let file = paths.database();
    if !file.try_exists().map_err(StoreError::Io)? {
        create(paths.data(), &file)?;
    }
    crate::paths::check_private_file(&file)?;
    let mut connection = connect(&file)?;
    let application: i32 = connection.pragma_query_value(None, "application_id", first)?;
    let version: i32 = connection.pragma_query_value(None, "user_version", first)?;
    match (application, version) {
        (APPLICATION_ID, 1..=VERSION) => {}
        (APPLICATION_ID, newer) if newer > VERSION => return Err(StoreError::TooNew),
        _ => return Err(StoreError::Damaged),
    }
    let sound: String = connection.pragma_query_value(None, "quick_check", first)?;
    if sound != "ok" {
        return Err(StoreError::Damaged);
    }
    // Only now: this writes to the file.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    if version < VERSION {
        migrate(&mut connection)?;
    }
    Ok(connection)
}

/// Brings a sound store of an older Housekey up to this one's, whole or not at all.
fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first while this one waited for the lock.
    let version: i32 = transaction.pragma_query_value(None, "user_version", first)?;
    if version > VERSION {
        return Err(StoreError::TooNew);
    }
    let done = usize::try_from(version - 1).map_err(|_| StoreError::Damaged)?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Makes a whole, empty store beside its place and moves it there at once,
/// so that no half-made file can ever be found; whoever comes second keeps the first one's.
fn create(directory: &Path, file: &Path) -> Result<(), StoreError> {
    let new = tempfile::NamedTempFile::new_in(directory).map_err(StoreError::Io)?;
    let connection = Connection::open(new.path())?;
    connection.execute_batch(SCHEMA)?;
    for migration in MIGRATIONS {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.close().map_err(|(_, error)| error)?;
    new.as_file().sync_all().map_err(StoreError::Io)?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Io(error.error)),
    }
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A decision that was confirmed to the person survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// «HKey» in ASCII, by which a file is known to be a store.
const APPLICATION_ID: i32 = 0x484B_6579;
/// The first schema, and one more for every migration.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "there are a few migrations"
)]
const VERSION: i32 = 1 + MIGRATIONS.len() as i32;
/// As long as a person waits; another process holds the lock for milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The schema of version 1, which every store starts from, also a new one: so each migration has run
/// on every computer. None of these is ever changed.
const SCHEMA: &str = "
    CREATE TABLE pin (
        endpoint TEXT PRIMARY KEY,
        spki TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pin_by_key ON pin (spki);
    CREATE TABLE history (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        endpoint TEXT NOT NULL,
        host TEXT NOT NULL,
        spki TEXT NOT NULL,
        what TEXT NOT NULL
    ) STRICT;
    CREATE INDEX history_by_endpoint ON history (endpoint);
    CREATE INDEX history_by_host ON history (host, spki);
    CREATE TABLE maker (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        device_id TEXT NOT NULL,
        root BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE settings (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        body TEXT NOT NULL
    ) STRICT;
";

/// What leads from each version to the next.
const MIGRATIONS: &[&str] = &[
    // 2: a directory of makers, each of which can be switched off.
    "
    ALTER TABLE maker ADD COLUMN added INTEGER;
    ALTER TABLE maker ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;
    CREATE TABLE maker_off (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    ",
];
