//! Owners, permission bits, and files that are opened without following links.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use rustix::fs::OFlags;
use tempfile::{NamedTempFile, TempDir};

use super::PathsError;

/// Makes a directory of the user's alone.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE_DIRECTORY).create(path)
}

/// Makes every directory that is missing on the way, each the user's alone.
pub(super) fn make_directories(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE_DIRECTORY).create(path)
}

/// Makes a file that nobody else can open before it has its mode.
pub(super) fn temporary(prefix: &str, mode: u32, directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    builder.permissions(Permissions::from_mode(mode));
    builder.tempfile_in(directory)
}

/// Makes a directory with a name of its own.
pub(super) fn temporary_directory(prefix: &str, directory: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    builder.permissions(Permissions::from_mode(PRIVATE_DIRECTORY));
    builder.tempdir_in(directory)
}

/// Gives a file its mode: the process's umask may have taken bits away that are wanted.
pub(super) fn set_mode(file: &File, _: &Path, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Waits until the disk knows which files are in a directory.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Opens a file, and nothing that a link leads to.
pub(super) fn open(path: &Path) -> Result<File, PathsError> {
    // NONBLOCK: opening a named pipe somebody put here must not wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    opened.map_err(|source| match rustix::io::Errno::from_io_error(&source) {
        Some(rustix::io::Errno::LOOP) => PathsError::WrongKind(path.into()),
        _ => super::io_error(path, source),
    })
}

/// Checks that it is this user's, and that others have no right to it.
pub(super) fn check_owner(path: &Path, metadata: &fs::Metadata) -> Result<(), PathsError> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(PathsError::ForeignOwner(path.into()));
    }
    match metadata.mode() & PERMISSION_BITS {
        mode if mode & OTHERS != 0 => Err(PathsError::LooseMode {
            path: path.into(),
            mode,
        }),
        _ => Ok(()),
    }
}

const PRIVATE_DIRECTORY: u32 = 0o700;
const PERMISSION_BITS: u32 = 0o7777;
const OTHERS: u32 = 0o077;
