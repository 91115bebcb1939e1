//! What differs between the systems that Housekey knows: where files belong and who may read them,
//! where browsers look for helpers, and which stores of trusted authorities they read.
//!
//! Linux is what Housekey runs on. [`MacOs`] and [`Windows`] are written against what those systems
//! document, and tested against stand-ins for their commands, registry and stores
//! ([`World`], [`windows::Registry`], [`windows::RootStore`]); they have not been run there yet.

#[cfg(unix)]
mod linux;
#[cfg(unix)]
mod macos;
#[cfg(test)]
mod stand_ins;
pub mod windows;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::browsers::Family;
use crate::paths::PathsError;
use crate::trust_store::TrustStore;

#[cfg(unix)]
pub use linux::Linux;
#[cfg(unix)]
pub use macos::MacOs;
pub use windows::Windows;

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

    /// The browsers that are here, each with the place at which it looks for the helper.
    ///
    /// # Errors
    ///
    /// [`PathsError`], if the user has no home or it names no usable place.
    fn browsers(&self) -> Result<Vec<Place>, PathsError>;

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

    /// Every store of trusted authorities that a browser here reads.
    ///
    /// # Errors
    ///
    /// [`PathsError`], if the user has no home or it names no usable place.
    fn trust_stores(&self) -> Result<Vec<Box<dyn TrustStore>>, PathsError>;

    /// Makes what is there the user's alone.
    ///
    /// # Errors
    ///
    /// [`PathsError::Io`].
    fn make_private(&self, path: &Path) -> Result<(), PathsError>;

    /// Checks that what is there is the user's alone.
    ///
    /// # Errors
    ///
    /// What is wrong with it, by cause; also where that cannot be found out.
    fn check_private(&self, path: &Path) -> Result<(), PathsError>;
}

/// Where one browser looks for the helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The browser's name, as people know it.
    pub browser: String,
    /// Whose format the manifest has.
    pub family: Family,
    /// The manifest.
    pub manifest: PathBuf,
    /// Below the user's part of Windows' registry: the key whose value names the manifest.
    pub registry_key: Option<String>,
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
        std::env::var_os(name)
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
