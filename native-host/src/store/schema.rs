//! The tables of a store, and what leads from each version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, first, seal};

/// Makes the tables of an empty store.
pub(super) fn build(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(SCHEMA)?;
    for migration in MIGRATIONS {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Brings a sound store of an older Housekey up to this one's, whole or not at all.
///
/// `back_up` is called with its version while nobody can write to it, and nothing is changed
/// unless that works.
pub(super) fn migrate(
    connection: &mut Connection,
    back_up: impl FnOnce(i32) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first while this one waited for the lock.
    let version: i32 = transaction.pragma_query_value(None, "user_version", first)?;
    match version {
        VERSION => return Ok(()),
        newer if newer > VERSION => return Err(StoreError::TooNew),
        _ => back_up(version)?,
    }
    let done = usize::try_from(version - 1).map_err(|_| StoreError::Damaged)?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if version >= SEALED {
        seal::count(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// «HKey» in ASCII, by which a file is known to be a store.
pub(super) const APPLICATION_ID: i32 = 0x484B_6579;
/// The first schema, and one more for every migration.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "there are a few migrations"
)]
pub(super) const VERSION: i32 = 1 + MIGRATIONS.len() as i32;
/// The first version that counts its changes.
pub(super) const SEALED: i32 = 5;
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
    // 3: a line of the history says what the device was called then, and belongs to the endpoint
    // where that device is now: `place` moves with it, `endpoint` stays.
    "
    ALTER TABLE history ADD COLUMN name TEXT NOT NULL DEFAULT '';
    ALTER TABLE history ADD COLUMN place TEXT NOT NULL DEFAULT '';
    UPDATE history SET place = endpoint;
    DROP INDEX history_by_endpoint;
    CREATE INDEX history_by_place ON history (place);
    ",
    // 4: when a host went over from one device to another, and up to which time each browser
    // profile has deleted what the devices before left in it.
    "
    CREATE TABLE handover (id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL) STRICT;
    CREATE INDEX handover_by_host ON handover (host, id);
    CREATE TABLE cleared (
        profile TEXT NOT NULL,
        host TEXT NOT NULL,
        handover INTEGER NOT NULL,
        PRIMARY KEY (profile, host)
    ) STRICT, WITHOUT ROWID;
    ",
    // 5: which store this is, and how many changes were made to it; see `seal`.
    "
    CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        store TEXT NOT NULL,
        generation INTEGER NOT NULL
    ) STRICT;
    INSERT INTO state VALUES (1, lower(hex(randomblob(16))), 0);
    ",
    // 6: sites that the person lets reach a device, and a history that says which site it was.
    "
    CREATE TABLE allowance (
        site TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        spki TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (endpoint, site)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE history ADD COLUMN site TEXT NOT NULL DEFAULT '';
    ",
];
