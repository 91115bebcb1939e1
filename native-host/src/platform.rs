//! What differs between the systems that Housekey knows. Everything above this module is the same
//! code on all of them.
//!
//! [`Platform`] is what a system decides: where files belong, which browsers there are and where
//! they look, which stores of trusted authorities they read. Linux is what Housekey runs on.
//! [`MacOs`] and [`Windows`] are written against what those systems document, and tested against
//! stand-ins for their commands, registry and stores ([`World`], [`windows::Registry`],
//! [`windows::Roots`]); they have not been run there yet.
//!
//! Below it, `files`, `process` and `sockets` make the same few requests of the system that this
//! program is compiled for, and of no other.

#[cfg(unix)]
mod linux;
#[cfg(unix)]
mod macos;
#[cfg(test)]
mod stand_ins;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
#[cfg(test)]
mod walks;
pub mod windows;

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use crate::browsers::{Explicit, Place, Survey};
use crate::paths::PathsError;
use crate::trust_store::TrustStore;

#[cfg(unix)]
pub use linux::Linux;
#[cfg(unix)]
pub use macos::MacOs;
pub use windows::Windows;

#[cfg(unix)]
pub(crate) use unix::{files, process, sockets};
#[cfg(windows)]
pub(crate) use windows::{files, process, sockets};

/// A system, for one user of it.
pub trait Platform: fmt::Debug {
    /// The directory for everything that Housekey keeps for the user.
    ///
    /// # Errors
    ///
    /// [`PathsError::NoHome`].
    fn data_directory(&self) -> Result<PathBuf, PathsError>;

    /// What the helper's file is called.
    fn program_name(&self) -> &'static str;

    /// The helper that a package brought for all users, if there is one. It is no browser's to
    /// start: each user has a copy, which this one may be newer than.
    fn packaged_program(&self) -> Option<PathBuf>;

    /// Where a link to the helper makes it a command of the user's, if the system has such a place.
    fn command_place(&self) -> Option<PathBuf>;

    /// The browsers that are here, where each looks for the helper, and which stores of trusted
    /// authorities they read.
    ///
    /// # Errors
    ///
    /// [`PathsError`], if the user has no home or it names no usable place.
    fn survey(&self, explicit: &Explicit) -> Result<Survey, PathsError>;

    /// Every place at which any browser looks, also of browsers that are not here any more.
    fn places(&self) -> Vec<Place>;

    /// The store of trusted authorities that is at a [`TrustStore::location`].
    fn store_at(&self, location: &Path) -> Rc<dyn TrustStore>;

    /// Makes a browser look at the manifest of its [`Place`], which has been written.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn point_at(&self, place: &Place) -> io::Result<()>;

    /// Whether a browser looks at the manifest of its [`Place`].
    ///
    /// # Errors
    ///
    /// What the system says.
    fn is_pointed_at(&self, place: &Place) -> io::Result<bool>;

    /// Takes back what [`Self::point_at`] did. What points elsewhere is left alone.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn point_away(&self, place: &Place) -> io::Result<()>;

    /// What others may do with a file or directory of this user's. Nothing for a link, for what is
    /// another's, and for what is not there. What cannot be found out counts as allowed.
    fn others(&self, path: &Path) -> Option<Others>;

    /// Makes what is there the user's alone.
    ///
    /// # Errors
    ///
    /// [`PathsError::Io`].
    fn make_private(&self, path: &Path) -> Result<(), PathsError>;

    /// The ports at which processes of a program listen, as far as this user may know.
    fn ports_of(&self, program: &Path) -> BTreeSet<u16>;

    /// The processes of a program, without this one.
    fn processes_of(&self, program: &Path) -> BTreeSet<u32>;
}

/// What other users of this computer may do with a file or directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// Get at what is in a directory, if they know its name.
    pub enter: bool,
    /// Read it.
    pub read: bool,
    /// Change it.
    pub write: bool,
}

impl Others {
    /// Whether they may do nothing with it.
    #[must_use]
    pub fn are_out(self) -> bool {
        self == Self::default()
    }
}

/// What a system is asked through: its environment, its files, its commands.
pub trait World: fmt::Debug {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// Whether there is such a directory.
    fn is_directory(&self, path: &Path) -> bool;

    /// Runs a command of the system's, which may ask the person something by itself.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or does not succeed: then with the last thing that it said.
    fn run(&self, program: &str, arguments: &[&OsStr]) -> io::Result<Vec<u8>>;
}

/// The system that this process runs on.
#[derive(Clone, Copy, Debug)]
pub struct ThisWorld;

impl World for ThisWorld {
    fn variable(&self, name: &str) -> Option<OsString> {
        env::var_os(name)
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn run(&self, program: &str, arguments: &[&OsStr]) -> io::Result<Vec<u8>> {
        let mut command = Command::new(program);
        let output = command.args(arguments).stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.trim().lines().last().unwrap_or("it did not say why");
        Err(io::Error::other(last.to_owned()))
    }
}

/// The system that this process runs on.
#[must_use]
pub fn this() -> Box<dyn Platform> {
    #[cfg(target_os = "macos")]
    let platform = MacOs::new(ThisWorld);
    #[cfg(windows)]
    let platform = Windows::of_this_user(ThisWorld);
    #[cfg(not(any(target_os = "macos", windows)))]
    let platform = Linux;
    Box::new(platform)
}

/// The program of this name on `PATH`.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    all_on_path(program).next()
}

/// Every program of this name on `PATH`, in its order.
pub(crate) fn all_on_path(program: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories: Vec<_> = env::split_paths(&path).collect();
    let files = directories
        .into_iter()
        .map(move |directory| directory.join(program));
    files.filter(|file| file.is_file())
}
