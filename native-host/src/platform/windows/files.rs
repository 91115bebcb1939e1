//! Files and directories of one user's, by access control lists. Modes mean nothing here but
//! whether others may read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};
use winapi_util::file;

use super::acl;
use crate::paths::{PathsError, io_error};
use crate::platform::ThisWorld;

/// Makes a directory of the user's alone.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    make_private(path)
}

/// Makes every directory that is missing on the way, as Windows does in the user's own folders.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a file in a directory, whose access control list it inherits.
pub(crate) fn temporary(prefix: &str, _: u32, directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(prefix)
        .tempfile_in(directory)
}

/// Makes a directory with a name of its own.
pub(crate) fn temporary_directory(prefix: &str, directory: &Path) -> io::Result<TempDir> {
    let made = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(directory)?;
    make_private(made.path())?;
    Ok(made)
}

/// Makes a file the user's alone, unless its mode says that others may read it.
pub(crate) fn set_mode(_: &File, path: &Path, mode: u32) -> io::Result<()> {
    match mode & 0o077 {
        0 => make_private(path),
        _ => Ok(()),
    }
}

/// Puts a file that is whole into its place.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    match file.persist(path) {
        // A program that runs keeps its place, but not its name.
        Err(error) if error.error.kind() == io::ErrorKind::PermissionDenied => {
            set_aside(path)?;
            error.file.persist(path)?;
        }
        result => drop(result?),
    }
    Ok(())
}

/// Makes way for what takes a program's place: while it runs it cannot be deleted or replaced, only
/// moved. What is moved is left to whoever tidies up the directory of temporary files.
pub(crate) fn set_aside(program: &Path) -> io::Result<()> {
    match fs::remove_file(program) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let place = tempfile::Builder::new().prefix("housekey-").tempdir()?;
            fs::rename(program, place.keep().join("housekey.exe"))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a link to a program.
pub(crate) fn link(link: &Path, program: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(program, link)
}

/// Directories cannot be synced here.
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a file, and nothing that a link leads to.
pub(crate) fn open(path: &Path) -> Result<File, PathsError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| io_error(path, source))?;
    if !metadata.is_file() {
        return Err(PathsError::WrongKind(path.into()));
    }
    File::open(path).map_err(|source| io_error(path, source))
}

/// Opens what a link may lead to. Files never wait for anybody here.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Holds a directory for this process, until the file is dropped. Nothing where another one has it.
pub(crate) fn hold(directory: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("housekey.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Which file it is, whatever its name.
pub(crate) fn identity(path: &Path) -> io::Result<(u64, u64)> {
    Ok(identity_and_length(path)?.0)
}

/// The same, and how long it is, at the price of one look.
pub(crate) fn identity_and_length(path: &Path) -> io::Result<((u64, u64), u64)> {
    let information = file::information(File::open(path)?)?;
    let identity = (information.volume_serial_number(), information.file_index());
    Ok((identity, information.file_size()))
}

/// Whether it is this user's: what is not, its access control list tells.
pub(crate) fn is_own(_: &fs::Metadata) -> bool {
    true
}

/// Whether a program can be started by this user, and not even be read by anybody else.
pub(crate) fn is_owners_program(path: &Path) -> bool {
    path.is_file() && acl::check_private(&ThisWorld, path).is_ok()
}

/// What a person runs to take the rights of others away.
pub(crate) fn how_to_close(path: &Path) -> String {
    format!(
        "icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"",
        path.display()
    )
}

/// Checks that others have no right to it.
pub(crate) fn check_owner(path: &Path, _: &fs::Metadata) -> Result<(), PathsError> {
    acl::check_private(&ThisWorld, path)
}

fn make_private(path: &Path) -> io::Result<()> {
    let made = acl::make_private(&ThisWorld, path);
    made.map_err(|error| io::Error::other(error.to_string()))
}
