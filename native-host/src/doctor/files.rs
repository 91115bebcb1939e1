//! Whether the helper's files are this user's alone.

use std::fs;
use std::path::{Path, PathBuf};

use housekey_core::checkup::{Check, Found, Trouble, Why};

use crate::paths::{self, Paths, PathsError, shown};

/// Everything in the data directory, and nothing below what is not a directory of its own making.
pub(super) fn check(paths: &Paths) -> Check {
    let place = shown(paths.data());
    match paths.check() {
        Err(error) if error.is_absent() => return Check::new(Found::FilesMissing).at(&place),
        Err(error) => return unusable(&error),
        Ok(()) => {}
    }
    for file in private_files(paths) {
        match check_private(&file) {
            Err(error) if !error.is_absent() => return unusable(&error),
            _ => {}
        }
    }
    Check::new(Found::FilesGood).at(&place)
}

fn check_private(file: &Path) -> Result<(), PathsError> {
    // The list of devices may be open in this very process.
    match file.is_dir() && !file.is_symlink() {
        true => paths::check_private_directory(file),
        false => paths::check_private_file(file),
    }
}

/// The data directory's files that must be private, and their directories.
pub(super) fn private_files(paths: &Paths) -> Vec<PathBuf> {
    let mut files = vec![
        paths.authority(),
        paths.issuer_key(),
        paths.issuer_certificate(),
        paths.root_certificate(),
        paths.install_record(),
    ];
    // The list of devices, what SQLite keeps beside it, and the copies of older ones.
    let database = paths.database();
    let base = database.file_name().unwrap_or_default();
    let entries = fs::read_dir(paths.data()).into_iter().flatten().flatten();
    let is_of_database = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(base.as_encoded_bytes())
    };
    files.extend(entries.map(|entry| entry.path()).filter(is_of_database));
    files
}

fn unusable(error: &PathsError) -> Check {
    let (found, path) = match error {
        PathsError::LooseMode { path, .. } => (Found::FilesOpen, Some(path)),
        PathsError::ForeignOwner(path)
        | PathsError::TooLarge(path)
        | PathsError::WrongKind(path)
        | PathsError::Io { path, .. } => (Found::FilesUnusable, Some(path)),
        PathsError::NoHome => (Found::FilesUnusable, None),
    };
    let place = path.map_or_else(|| "~".into(), |path| shown(path));
    Check::new(found).at(&place).because(why(error))
}

/// What is the matter with a file.
pub(super) fn why(error: &PathsError) -> Why {
    match error {
        PathsError::ForeignOwner(_) => Trouble::ForeignOwner.into(),
        PathsError::Io { source, .. } => Why::system(source),
        PathsError::LooseMode { mode, .. } => {
            Why::from(Trouble::Open).saying(&format!("{mode:04o}"))
        }
        PathsError::NoHome => Trouble::NoHome.into(),
        PathsError::TooLarge(_) => Trouble::Large.into(),
        PathsError::WrongKind(_) => Trouble::Link.into(),
    }
}
