//! The same by access control lists. Modes mean nothing here but whether others may read.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

use super::PathsError;
use crate::platform;

/// Makes a directory of the user's alone.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    make_private(path)
}

/// Makes every directory that is missing on the way, as Windows does in the user's own folders.
pub(super) fn make_directories(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a file in a directory, whose access control list it inherits.
pub(super) fn temporary(prefix: &str, _: u32, directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(prefix)
        .tempfile_in(directory)
}

/// Makes a directory with a name of its own.
pub(super) fn temporary_directory(prefix: &str, directory: &Path) -> io::Result<TempDir> {
    let made = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(directory)?;
    make_private(made.path())?;
    Ok(made)
}

/// Makes a file the user's alone, unless its mode says that others may read it.
pub(super) fn set_mode(_: &File, path: &Path, mode: u32) -> io::Result<()> {
    match mode & 0o077 {
        0 => make_private(path),
        _ => Ok(()),
    }
}

/// Directories cannot be synced here.
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file, and nothing that a link leads to.
pub(super) fn open(path: &Path) -> Result<File, PathsError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| super::io_error(path, source))?;
    if !metadata.is_file() {
        return Err(PathsError::WrongKind(path.into()));
    }
    File::open(path).map_err(|source| super::io_error(path, source))
}

/// Checks that others have no right to it.
pub(super) fn check_owner(path: &Path, _: &fs::Metadata) -> Result<(), PathsError> {
    platform::this().check_private(path)
}

fn make_private(path: &Path) -> io::Result<()> {
    let made = platform::this().make_private(path);
    made.map_err(|error| io::Error::other(error.to_string()))
}
