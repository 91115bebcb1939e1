//! Whether every link between a browser and a device holds, and what to do where one does not.

mod authority;
mod connection;
mod extension;
mod gateway;
mod mend;
mod names;
mod registration;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use housekey_core::checkup::{Check, Checkup, Found, Trouble, Why};
use housekey_core::time::Timestamp;

use crate::browsers;
use crate::chain::timestamp;
use crate::install::{Record, RecordError, is_same_program};
use crate::paths::{self, Paths, PathsError, shown};
use crate::store::{Store, StoreError};

pub use mend::tighten;

/// Who looks: what there is to see differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looker {
    /// A helper that a browser runs, and the port of its gateway, if that is open.
    Helper(Option<u16>),
    /// A person at a terminal.
    Person,
}

/// Checks every link. Nothing is changed, and nothing outside this computer is asked.
///
/// It takes a second or two, and blocks.
#[must_use]
pub fn examine(paths: &Paths, looker: Looker, now: SystemTime) -> Checkup {
    let mut checks = vec![program(paths, looker), files(paths)];
    let record = match Record::load(paths) {
        Ok(record) => record,
        Err(error) => {
            let place = paths.install_record();
            let check = Check::new(Found::FilesUnusable).at(&shown(&place));
            checks.push(check.because(match &error {
                RecordError::Damaged(_) => Trouble::Altered.into(),
                RecordError::Paths(error) => why(error),
            }));
            Record::default()
        }
    };
    let survey = browsers::survey(&record.explicit()).unwrap_or_default();
    checks.extend(registration::check(paths, &survey));
    checks.extend(extension::check(&survey));
    checks.extend(authority::check(paths, &record, &survey, now));
    checks.push(gateway::check(paths, looker));
    checks.push(Check::new(Found::ProxyUnknown));
    let (store, latest) = store(paths);
    checks.push(store);
    checks.push(clock(paths, latest, now));
    checks.push(names::check());
    checks.push(connection::check(paths, now));
    Checkup::new(timestamp(now), checks)
}

fn program(paths: &Paths, looker: Looker) -> Check {
    let program = paths.installed_binary();
    let check = |found| Check::new(found).at(&shown(&program));
    let Ok(metadata) = fs::symlink_metadata(&program) else {
        return check(Found::ProgramMissing);
    };
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || !is_own || mode & 0o777 != 0o700 {
        return check(Found::ProgramUnsafe);
    }
    // The system knows this very file, also where another one has taken its place since.
    let this = match looker {
        Looker::Helper(_) => PathBuf::from("/proc/self/exe"),
        Looker::Person => std::env::current_exe().unwrap_or_default(),
    };
    match (is_same_program(&this, &program), looker) {
        (true, _) => check(Found::ProgramGood),
        (false, Looker::Person) => check(Found::ProgramOther),
        (false, Looker::Helper(_)) => check(Found::ProgramReplaced),
    }
}

/// Everything in the data directory, and nothing below what is not a directory of its own making.
fn files(paths: &Paths) -> Check {
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
fn private_files(paths: &Paths) -> Vec<PathBuf> {
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
fn why(error: &PathsError) -> Why {
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

/// Whether the list of devices is sound, and when something last happened in it.
fn store(paths: &Paths) -> (Check, Option<Timestamp>) {
    // Opening makes a store where there is none, and a doctor changes nothing.
    let is_absent =
        |place: PathBuf| paths::check_private_file(&place).is_err_and(|error| error.is_absent());
    if is_absent(paths.database()) && is_absent(paths.seal()) {
        return (Check::new(Found::StoreNone), None);
    }
    let read = Store::open(paths).and_then(|store| {
        let latest = store.history(None, None, 1)?.first().map(|entry| entry.at);
        Ok((store.count()?, latest))
    });
    match read {
        Ok((0, latest)) => (Check::new(Found::StoreNone), latest),
        Ok((count, latest)) => {
            let check = Check::new(Found::StoreGood).at(&count.to_string());
            (check, latest)
        }
        Err(error) => {
            let found = match &error {
                StoreError::Damaged | StoreError::Directory(_) => Found::StoreDamaged,
                StoreError::Gone | StoreError::Older { .. } | StoreError::Other => {
                    Found::StoreReplaced
                }
                StoreError::TooNew => Found::StoreTooNew,
                StoreError::Io(_) | StoreError::Paths(_) | StoreError::Sqlite(_) => {
                    Found::StoreUnusable
                }
            };
            let check = Check::new(found);
            let check = match &error {
                StoreError::Io(error) => check.because(Why::system(error)),
                StoreError::Paths(error) => check.because(why(error)),
                StoreError::Sqlite(error) => check.because(Why::system(error)),
                // These say it themselves.
                StoreError::Damaged
                | StoreError::Directory(_)
                | StoreError::Gone
                | StoreError::Older { .. }
                | StoreError::Other
                | StoreError::TooNew => check,
            };
            (check, None)
        }
    }
}

/// Time does not run backwards: what was written down, was written down before now.
fn clock(paths: &Paths, latest: Option<Timestamp>, now: SystemTime) -> Check {
    let written = fs::metadata(paths.root_certificate()).and_then(|metadata| metadata.modified());
    let written = written.ok().map(timestamp);
    match latest.max(written) {
        Some(then) if then > timestamp(now).plus_days(1) => Check::new(Found::ClockBack),
        _ => Check::new(Found::ClockGood),
    }
}
