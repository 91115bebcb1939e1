//! Where the helper keeps things, and who may touch them.
//!
//! Everything lives in one directory of the user's: `$XDG_DATA_HOME/housekey`, which is
//! `~/.local/share/housekey` where that variable is unset.
//! It is readable by its owner alone, and the helper refuses to work with one that is not:
//! a key that another user could read, or a store that another user could write, proves nothing.
//!
//! Files appear whole or not at all: they are written beside their place, synced, and renamed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use directories::BaseDirs;
use housekey_core::text::WholeText;
use tempfile::NamedTempFile;

use crate::platform::{self, Platform, files as system};

/// The places of the helper's files. Nothing is created by making one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    data: PathBuf,
    /// The name of the authority's directory.
    authority: &'static str,
    /// The name of the helper's file.
    program: &'static str,
}

impl Paths {
    /// The places for the user that runs this process.
    ///
    /// # Errors
    ///
    /// [`PathsError::NoHome`] if the system knows no home directory for the user.
    pub fn of_this_user() -> Result<Self, PathsError> {
        Self::on(&*platform::this())
    }

    /// The places for the user of a system.
    ///
    /// # Errors
    ///
    /// [`PathsError::NoHome`] if the system knows no home directory for the user.
    pub fn on(platform: &dyn Platform) -> Result<Self, PathsError> {
        Ok(Self {
            program: platform.program_name(),
            ..Self::at(platform.data_directory()?)
        })
    }

    /// The places below a given data directory.
    #[must_use]
    pub fn at(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            authority: AUTHORITY,
            program: PROGRAM,
        }
    }

    /// The data directory, which holds all the others.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The pin store, an SQLite database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("housekey.db")
    }

    /// What tells the store as it was left from an older copy of it, or a damaged one.
    #[must_use]
    pub fn seal(&self) -> PathBuf {
        self.data.join("housekey.db.seal")
    }

    /// The directory of the local authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.data.join(self.authority)
    }

    /// The same places, but for the authority that will follow this one.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            authority: SUCCESSOR,
            ..self.clone()
        }
    }

    /// The root certificate of the authority before this one, while it still is in stores.
    #[must_use]
    pub fn root_before(&self) -> PathBuf {
        self.data.join("authority-before.pem")
    }

    /// The local authority's root certificate, which browsers are asked to trust.
    #[must_use]
    pub fn root_certificate(&self) -> PathBuf {
        self.authority().join("root.pem")
    }

    /// The certificate that the root signed and that signs leaves.
    #[must_use]
    pub fn issuer_certificate(&self) -> PathBuf {
        self.authority().join("issuer.pem")
    }

    /// The key of the issuing certificate.
    #[must_use]
    pub fn issuer_key(&self) -> PathBuf {
        self.authority().join("issuer.key")
    }

    /// The copy of this program that browsers start.
    #[must_use]
    pub fn installed_binary(&self) -> PathBuf {
        self.data.join("bin").join(self.program)
    }

    /// The record of every file and certificate store that the installer touched.
    #[must_use]
    pub fn install_record(&self) -> PathBuf {
        self.data.join("install.json")
    }

    /// Creates the data directory if there is none, and checks it in any case.
    ///
    /// # Errors
    ///
    /// As [`Self::check`], and [`PathsError::Io`] if it cannot be created.
    pub fn prepare(&self) -> Result<(), PathsError> {
        create_private_directory(&self.data)
    }

    /// Checks that the data directory is a directory of this user's that nobody else can enter.
    ///
    /// # Errors
    ///
    /// What is wrong with it, by cause.
    pub fn check(&self) -> Result<(), PathsError> {
        check_private_directory(&self.data)
    }
}

/// Why a file or directory is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathsError {
    /// It belongs to another user.
    #[error("{} belongs to another user; move it away, then run `housekey install`", .0.display())]
    ForeignOwner(PathBuf),
    /// The system did not let it be read or written.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Other users may read or write it.
    #[error(
        "{} is open to other users; run `{}`, \
         and `housekey install` again if you do not know why it was",
        .path.display(), system::how_to_close(.path)
    )]
    LooseMode {
        /// What is open to others.
        path: PathBuf,
        /// Its permission bits, where the system has such.
        mode: u32,
    },
    /// The user has no home directory.
    #[error("there is no home directory; set HOME")]
    NoHome,
    /// It is longer than anything the helper writes.
    #[error("{} is too large to be the helper's; run `housekey install` again", .0.display())]
    TooLarge(PathBuf),
    /// It is a symbolic link, or otherwise not what should be there.
    #[error("{} is a link or a special file; move it away, then run `housekey install`", .0.display())]
    WrongKind(PathBuf),
}

impl PathsError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ForeignOwner(_) => "path_foreign_owner",
            Self::Io { .. } => "path_io",
            Self::LooseMode { .. } => "path_loose_mode",
            Self::NoHome => "path_no_home",
            Self::TooLarge(_) => "path_too_large",
            Self::WrongKind(_) => "path_wrong_kind",
        }
    }

    /// Whether the file or directory is simply not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Creates a directory with mode 0700 if there is none, and checks it in any case.
///
/// Missing parents are made as the system's defaults say.
///
/// # Errors
///
/// As [`check_private_directory`], and [`PathsError::Io`] if it cannot be created.
pub fn create_private_directory(path: &Path) -> Result<(), PathsError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| io_error(parent, source))?;
    }
    match system::make_directory(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(io_error(path, source)),
        _ => check_private_directory(path),
    }
}

/// Makes the directories that are missing on the way, each this user's alone where the system can
/// say so at once.
///
/// # Errors
///
/// What the system says.
pub fn create_directories(path: &Path) -> io::Result<()> {
    system::make_directories(path)
}

/// Makes a directory of this user's alone, which is deleted unless it is kept.
///
/// # Errors
///
/// What the system says.
pub fn temporary_directory(prefix: &str, directory: &Path) -> io::Result<tempfile::TempDir> {
    system::temporary_directory(prefix, directory)
}

/// Waits until the disk knows which files are in a directory.
///
/// # Errors
///
/// What the system says.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    system::sync_directory(directory)
}

/// Checks that this is a directory, of this user's, that nobody else can enter, and no link to one.
///
/// # Errors
///
/// What is wrong with it, by cause.
pub fn check_private_directory(path: &Path) -> Result<(), PathsError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| io_error(path, source))?;
    if !metadata.is_dir() {
        return Err(PathsError::WrongKind(path.into()));
    }
    system::check_owner(path, &metadata)
}

/// Checks that this is a regular file, of this user's, that nobody else can read or write.
///
/// The file is not opened: a process that closes a file loses all its locks on it, also those by
/// which SQLite has it open at the same time (<https://sqlite.org/howtocorrupt.html>, section 2.2).
///
/// # Errors
///
/// What is wrong with it, by cause.
pub fn check_private_file(path: &Path) -> Result<(), PathsError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| io_error(path, source))?;
    check_file(path, &metadata)
}

/// Reads a file that [`check_private_file`] approves of; the check is made on the opened file,
/// so that nothing can be put in its place in between.
///
/// # Errors
///
/// What is wrong with it, by cause.
pub fn read_private(path: &Path) -> Result<Vec<u8>, PathsError> {
    let mut bytes = Vec::new();
    let file = open_private(path)?;
    file.take(MAX_PRIVATE_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| io_error(path, source))?;
    if bytes.len() as u64 > MAX_PRIVATE_FILE {
        return Err(PathsError::TooLarge(path.into()));
    }
    Ok(bytes)
}

/// Writes a file with mode 0600, whole or not at all.
///
/// # Errors
///
/// [`PathsError::Io`]; the file that was there before is then still there.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PathsError> {
    write_whole(path, bytes, PRIVATE_FILE)
}

/// Writes a file with the given mode, whole or not at all, and waits until the disk has it.
///
/// # Errors
///
/// [`PathsError::Io`]; the file that was there before is then still there.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PathsError> {
    let file = stage(path, bytes, mode)?;
    system::persist(file, path).map_err(|source| io_error(path, source))
}

/// Writes a file with mode 0600 beside its place, and waits until the disk has it. It only has to
/// be moved there.
///
/// # Errors
///
/// [`PathsError::Io`].
pub fn stage_private(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, PathsError> {
    stage(path, bytes, PRIVATE_FILE)
}

fn stage(path: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile, PathsError> {
    let directory = path
        .parent()
        .ok_or_else(|| PathsError::WrongKind(path.into()))?;
    let write = || -> io::Result<NamedTempFile> {
        let mut file = system::temporary(TEMPORARY_PREFIX, mode, directory)?;
        file.write_all(bytes)?;
        system::set_mode(file.as_file(), file.path(), mode)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|source| io_error(path, source))
}

/// A path as people read it: the home directory as `~`, and nothing that could do harm in a
/// terminal, for directories have whatever names anybody gave them.
#[must_use]
pub fn shown(path: &Path) -> String {
    let base = BaseDirs::new();
    let below = base
        .as_ref()
        .and_then(|base| path.strip_prefix(base.home_dir()).ok());
    let text = match below {
        Some(below) if below.as_os_str().is_empty() => "~".into(),
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    };
    WholeText::new(&text).to_string()
}

fn open_private(path: &Path) -> Result<File, PathsError> {
    let file = system::open(path)?;
    let metadata = file.metadata().map_err(|source| io_error(path, source))?;
    check_file(path, &metadata)?;
    Ok(file)
}

fn check_file(path: &Path, metadata: &fs::Metadata) -> Result<(), PathsError> {
    if !metadata.is_file() {
        return Err(PathsError::WrongKind(path.into()));
    }
    system::check_owner(path, metadata)
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> PathsError {
    PathsError::Io {
        path: path.into(),
        source,
    }
}

const PROGRAM: &str = if cfg!(windows) {
    "housekey.exe"
} else {
    "housekey"
};
const AUTHORITY: &str = "authority";
const SUCCESSOR: &str = "authority-next";
const PRIVATE_FILE: u32 = 0o600;
/// Keys, certificates and the install record are a few kilobytes.
const MAX_PRIVATE_FILE: u64 = 1_048_576;
/// With this begin the names of files that are not whole yet.
pub(crate) const TEMPORARY_PREFIX: &str = ".housekey-";

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn the_data_directory_is_made_private_and_kept_so() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("share/housekey"));
        paths.prepare().unwrap();
        paths.prepare().unwrap();
        assert_eq!(mode(paths.data()), 0o700);

        fs::set_permissions(paths.data(), fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(paths.prepare().unwrap_err().code(), "path_loose_mode");
        assert_eq!(
            mode(paths.data()),
            0o750,
            "refused, not repaired behind the person's back"
        );
    }

    #[test]
    fn links_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        create_private_directory(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(
            Paths::at(&link).prepare().unwrap_err().code(),
            "path_wrong_kind"
        );

        let (key, alias) = (real.join("key"), real.join("alias"));
        write_private(&key, b"secret").unwrap();
        std::os::unix::fs::symlink(&key, &alias).unwrap();
        assert_eq!(read_private(&alias).unwrap_err().code(), "path_wrong_kind");
        assert_eq!(read_private(&real).unwrap_err().code(), "path_wrong_kind");
    }

    #[test]
    fn files_of_other_users_are_refused() {
        // `/` is root's; whoever runs the tests as root sees another cause, and a refusal too.
        let error = check_private_directory(Path::new("/")).unwrap_err();
        assert!(matches!(
            error.code(),
            "path_foreign_owner" | "path_loose_mode"
        ));
    }

    #[test]
    fn private_files_are_written_whole_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("key");
        write_private(&file, b"first").unwrap();
        write_private(&file, b"second").unwrap();
        assert_eq!(
            (mode(&file), read_private(&file).unwrap()),
            (0o600, b"second".to_vec())
        );
        assert_eq!(
            fs::read_dir(home.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read_private(&file).unwrap_err().code(), "path_loose_mode");
        assert!(
            read_private(&home.path().join("none"))
                .unwrap_err()
                .is_absent()
        );
    }
}
