//! Owners, permission bits, and files that are opened without following links.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags};
use tempfile::{NamedTempFile, TempDir};

use crate::paths::{PathsError, io_error};
use crate::platform::Others;

/// Makes a directory of the user's alone.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE_DIRECTORY).create(path)
}

/// Makes every directory that is missing on the way, each the user's alone.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(PRIVATE_DIRECTORY).create(path)
}

/// Makes a file that nobody else can open before it has its mode.
pub(crate) fn temporary(prefix: &str, mode: u32, directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    builder.permissions(Permissions::from_mode(mode));
    builder.tempfile_in(directory)
}

/// Makes a directory with a name of its own.
pub(crate) fn temporary_directory(prefix: &str, directory: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    builder.permissions(Permissions::from_mode(PRIVATE_DIRECTORY));
    builder.tempdir_in(directory)
}

/// Gives a file its mode: the process's umask may have taken bits away that are wanted.
pub(crate) fn set_mode(file: &File, _: &Path, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Puts a file that is whole into its place, and waits until the disk knows it there.
pub(crate) fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.persist(path)?;
    sync_directory(path.parent().unwrap_or(path))
}

/// Makes way for what takes a program's place: nothing has to be done, also while it runs.
pub(crate) fn set_aside(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a link to a program.
pub(crate) fn link(link: &Path, program: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, link)
}

/// Waits until the disk knows which files are in a directory.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Opens a file, and nothing that a link leads to.
pub(crate) fn open(path: &Path) -> Result<File, PathsError> {
    // NONBLOCK: opening a named pipe somebody put here must not wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    opened.map_err(|source| match rustix::io::Errno::from_io_error(&source) {
        Some(rustix::io::Errno::LOOP) => PathsError::WrongKind(path.into()),
        _ => io_error(path, source),
    })
}

/// Opens what a link may lead to, but waits for nobody: somebody may have put a pipe there, whose
/// other end never comes.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Holds a directory for this process, until it is dropped. Nothing where another one has it.
pub(crate) fn hold(directory: &Path) -> io::Result<Option<Held>> {
    let directory = File::open(directory)?;
    let held = rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive);
    Ok(held.is_ok().then_some(Held(directory)))
}

/// A directory that is held.
pub(crate) struct Held(File);

impl Drop for Held {
    /// A program that is being started has a copy of this file for a moment, so closing it would
    /// not be enough (flock(2)).
    fn drop(&mut self) {
        rustix::fs::flock(&self.0, FlockOperation::Unlock).ok();
    }
}

/// Which file it is, whatever its name.
pub(crate) fn identity(path: &Path) -> io::Result<(u64, u64)> {
    Ok(identity_and_length(path)?.0)
}

/// The same, and how long it is, at the price of one look.
pub(crate) fn identity_and_length(path: &Path) -> io::Result<((u64, u64), u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(((metadata.dev(), metadata.ino()), metadata.len()))
}

/// Whether it is this user's.
pub(crate) fn is_own(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Whether a program can be started by this user, and not even be read by anybody else.
pub(crate) fn is_owners_program(path: &Path) -> bool {
    let is_so = |metadata: &fs::Metadata| {
        let mode = metadata.mode() & PERMISSION_BITS;
        metadata.is_file() && is_own(metadata) && mode == PRIVATE_DIRECTORY
    };
    fs::symlink_metadata(path).is_ok_and(|metadata| is_so(&metadata))
}

/// What others may do with what is this user's.
pub(crate) fn others(path: &Path) -> Option<Others> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let mode = metadata.mode();
    (is_own(&metadata) && !metadata.is_symlink()).then_some(Others {
        enter: mode & 0o011 != 0,
        read: mode & 0o044 != 0,
        write: mode & 0o022 != 0,
    })
}

/// Takes the rights of others away. A link is refused: it leads to what is not meant.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    let mode = metadata.permissions().mode() & !OTHERS & PERMISSION_BITS;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// What a person runs to take the rights of others away.
pub(crate) fn how_to_close(path: &Path) -> String {
    format!("chmod go= '{}'", path.display())
}

/// Checks that it is this user's, and that others have no right to it.
pub(crate) fn check_owner(path: &Path, metadata: &fs::Metadata) -> Result<(), PathsError> {
    if !is_own(metadata) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_private_is_private() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("key");
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let seen = others(&file).unwrap();
        assert_eq!((seen.read, seen.write, seen.enter), (true, false, false));
        make_private(&file).unwrap();
        assert!(others(&file).unwrap().are_out());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & PERMISSION_BITS, 0o600);

        let link = home.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(make_private(&link).is_err());
        assert_eq!(others(&link), None);
    }

    #[test]
    fn one_process_at_a_time_holds_a_directory() {
        let home = tempfile::tempdir().unwrap();
        let held = hold(home.path()).unwrap();
        assert!(held.is_some());
        assert!(hold(home.path()).unwrap().is_none());
        drop(held);
        assert!(hold(home.path()).unwrap().is_some());
    }
}
