//! The file of a store: made whole, and taken for one only when it is sound.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::schema::{APPLICATION_ID, SEALED, VERSION, build, migrate};
use super::{StoreError, backup, first, seal};
use crate::paths::Paths;

/// Opens the file of a store, and makes it if there is none.
///
/// Until it is known to be a sound store, nothing is written to it.
pub(super) fn open(paths: &Paths) -> Result<Connection, StoreError> {
    paths.prepare()?;
    let file = paths.database();
    if !file.try_exists().map_err(StoreError::Io)? {
        if seal::exists(paths)? {
            return Err(StoreError::Gone);
        }
        create(paths.data(), &file)?;
    }
    let (mut connection, version) = believe(paths)?;
    // Only now: this writes to the file.
    connection.set_db_config(KEEP_LOG, false)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    if version < VERSION {
        migrate(&mut connection, |version| back_up(&file, version))?;
    }
    seal::write(&mut connection, paths)?;
    backup::keep(&connection, paths);
    Ok(connection)
}

/// The store of a user for whoever only looks, if there ever was one. It is refused like one that is
/// opened, and otherwise it is left as it is, also one of an older Housekey.
pub(super) fn glance(paths: &Paths) -> Result<Option<Connection>, StoreError> {
    let file = paths.database();
    if !file.try_exists().map_err(StoreError::Io)? {
        return match seal::exists(paths)? {
            true => Err(StoreError::Gone),
            false => Ok(None),
        };
    }
    paths.check()?;
    let log = paths.data().join("housekey.db-wal");
    let had_log = log.try_exists().map_err(StoreError::Io)?;
    let (connection, _) = believe(paths)?;
    // A log that was there stays, and one that looking made goes again.
    connection.set_db_config(KEEP_LOG, had_log)?;
    Ok(Some(connection))
}

/// Connects to a store that is sound and as it was left, and says of which version it is.
///
/// What is not taken for one is left with its log as it is.
fn believe(paths: &Paths) -> Result<(Connection, i32), StoreError> {
    let file = paths.database();
    crate::paths::check_private_file(&file)?;
    let mut connection = connect(&file)?;
    connection.set_db_config(KEEP_LOG, true)?;
    let version = check(&connection)?;
    if version >= SEALED {
        seal::check(&mut connection, paths)?;
    } else if seal::exists(paths)? {
        return Err(StoreError::Other);
    }
    Ok((connection, version))
}

/// Whether this is a sound store, and of which version.
pub(super) fn check(connection: &Connection) -> Result<i32, StoreError> {
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
    Ok(version)
}

/// Makes a whole, empty store beside its place and moves it there at once,
/// so that no half-made file can ever be found; whoever comes second keeps the first one's.
fn create(directory: &Path, file: &Path) -> Result<(), StoreError> {
    let new = empty(directory)?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Io(error.error)),
    }
}

/// A whole, empty store that has no place yet.
pub(super) fn empty(directory: &Path) -> Result<NamedTempFile, StoreError> {
    let new = NamedTempFile::new_in(directory).map_err(StoreError::Io)?;
    let connection = Connection::open(new.path())?;
    build(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    new.as_file().sync_all().map_err(StoreError::Io)?;
    Ok(new)
}

/// Keeps a copy of a store of an older version, `housekey.db.version-1` for one of version 1.
fn back_up(file: &Path, version: i32) -> Result<(), StoreError> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".version-{version}"));
    let directory = file.parent().ok_or(StoreError::Damaged)?;
    let copy = copy(&connect(file)?, directory)?;
    place(copy, Path::new(&name))
}

/// A copy of a store as it is, which its owner alone can read and which has no place yet.
///
/// SQLite makes it: what stands in the files may lack what is still in the log beside them.
pub(super) fn copy(connection: &Connection, directory: &Path) -> Result<NamedTempFile, StoreError> {
    let copy = NamedTempFile::new_in(directory).map_err(StoreError::Io)?;
    let place = copy.path().to_str().ok_or(StoreError::Damaged)?;
    connection.execute("VACUUM INTO ?1", [place])?;
    copy.as_file().sync_all().map_err(StoreError::Io)?;
    Ok(copy)
}

/// Puts a finished file in its place, for good.
pub(super) fn place(file: NamedTempFile, place: &Path) -> Result<(), StoreError> {
    let directory = place.parent().ok_or(StoreError::Damaged)?;
    file.persist(place)
        .map_err(|error| StoreError::Io(error.error))?;
    sync(directory)
}

/// Waits until the disk has what was made, renamed or deleted in a directory.
pub(super) fn sync(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(StoreError::Io)
}

pub(super) fn connect(file: &Path) -> Result<Connection, StoreError> {
    open_with(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens a store that is not to be written to, wherever it is.
pub(super) fn look(file: &Path) -> Result<Connection, StoreError> {
    open_with(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open_with(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A decision that was confirmed to the person survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Whether closing leaves the log beside the file.
const KEEP_LOG: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
/// As long as a person waits; another process holds the lock for milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
