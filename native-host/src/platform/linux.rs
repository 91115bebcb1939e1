//! Linux: directories as the XDG specification has them, NSS databases, permission bits.

use std::fs::{self, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use directories::BaseDirs;

use super::{Place, Platform};
use crate::browsers::{self, Explicit};
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

    fn browsers(&self) -> Result<Vec<Place>, PathsError> {
        let survey = browsers::survey(&Explicit::default())?;
        let place = |host: browsers::HostPlace| Place {
            browser: host.browser,
            family: host.family,
            manifest: host.manifest,
            registry_key: None,
        };
        Ok(survey.hosts.into_iter().map(place).collect())
    }

    /// The manifest's place is all that a browser looks at.
    fn point_at(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn is_pointed_at(&self, _: &Place) -> io::Result<bool> {
        Ok(true)
    }

    fn point_away(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn trust_stores(&self) -> Result<Vec<Box<dyn TrustStore>>, PathsError> {
        let survey = browsers::survey(&Explicit::default())?;
        let store = |database| Box::new(NssDatabase::new(database)) as Box<dyn TrustStore>;
        Ok(survey.databases.iter().map(store).collect())
    }

    fn make_private(&self, path: &Path) -> Result<(), PathsError> {
        private_mode(path).map_err(|source| PathsError::Io {
            path: path.into(),
            source,
        })
    }

    fn check_private(&self, path: &Path) -> Result<(), PathsError> {
        if path.is_dir() {
            return paths::check_private_directory(path);
        }
        paths::check_private_file(path)
    }
}

/// Takes the rights of others away. A link is refused: it leads to what is not meant.
pub(super) fn private_mode(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = fs::symlink_metadata(path)?;
    if metadata.file_type().is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    let mode = metadata.permissions().mode() & OWNERS_BITS;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

const OWNERS_BITS: u32 = 0o700;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_made_private_is_private() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("key");
        fs::write(&file, "secret").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let refused = Linux.check_private(&file).unwrap_err();
        assert_eq!(refused.code(), "path_loose_mode");
        Linux.make_private(&file).unwrap();
        Linux.check_private(&file).unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let link = home.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(Linux.make_private(&link).is_err());
    }
}
