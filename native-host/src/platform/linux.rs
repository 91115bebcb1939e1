//! Linux: directories as the XDG specification has them, NSS databases, permission bits.

mod home;
mod known;
mod processes;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use directories::BaseDirs;

use self::home::Home;
use self::known::KNOWN;
use super::{Others, Platform, all_on_path, files};
use crate::browsers::{Explicit, Place, Survey};
use crate::paths::{self, PathsError};
use crate::trust_store::TrustStore;
use crate::trust_store::nss::NssDatabase;

/// Linux, where everything is a file.
#[derive(Clone, Copy, Debug)]
pub struct Linux;

impl Platform for Linux {
    fn data_directory(&self) -> Result<PathBuf, PathsError> {
        let base = BaseDirs::new().ok_or(PathsError::NoHome)?;
        Ok(base.data_dir().join("housekey"))
    }

    fn program_name(&self) -> &'static str {
        "housekey"
    }

    /// One on `PATH` that nobody but the system or this user can change. The user's own copy may be
    /// found there by a link.
    fn packaged_program(&self) -> Option<PathBuf> {
        let own = self.data_directory().ok()?;
        let own = fs::canonicalize(&own).unwrap_or(own);
        let mut found = all_on_path(self.program_name()).filter_map(|it| fs::canonicalize(it).ok());
        let found = found.find(|it| !it.starts_with(&own))?;
        let metadata = fs::metadata(&found).ok()?;
        let is_safe = (metadata.uid() == 0 || files::is_own(&metadata))
            && metadata.permissions().mode() & 0o022 == 0;
        is_safe.then_some(found)
    }

    fn command_place(&self) -> Option<PathBuf> {
        let base = BaseDirs::new()?;
        Some(base.executable_dir()?.join(self.program_name()))
    }

    fn survey(&self, explicit: &Explicit) -> Result<Survey, PathsError> {
        home::survey(explicit)
    }

    /// A browser may be gone and its manifest still be there.
    fn places(&self) -> Vec<Place> {
        let Ok(home) = Home::of_this_user() else {
            return Vec::new();
        };
        let served = KNOWN.iter().filter(|known| known.is_served());
        let places = served.flat_map(|known| [home.place(known), home::usual_place(known)]);
        places.flatten().collect()
    }

    fn store_at(&self, location: &Path) -> Rc<dyn TrustStore> {
        Rc::new(NssDatabase::at(location))
    }

    /// The manifest's place is all that a browser looks at.
    fn point_at(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn is_pointed_at(&self, place: &Place) -> io::Result<bool> {
        Ok(place.manifest.exists())
    }

    fn point_away(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn others(&self, path: &Path) -> Option<Others> {
        files::others(path)
    }

    fn make_private(&self, path: &Path) -> Result<(), PathsError> {
        files::make_private(path).map_err(|source| paths::io_error(path, source))
    }

    fn ports_of(&self, program: &Path) -> BTreeSet<u16> {
        processes::ports_of(program)
    }

    fn processes_of(&self, program: &Path) -> BTreeSet<u32> {
        processes::of(program)
    }
}
