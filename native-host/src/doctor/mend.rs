//! Mending who may read the helper's files.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::private_files;
use crate::authority::Authority;
use crate::paths::{Paths, shown};

/// Makes the helper's files this user's alone again, and returns those that were not.
///
/// A key that others could read is not one any more, however its file is now: it is destroyed with
/// its authority, and the installer makes another.
///
/// # Errors
///
/// If others could have changed the list of devices. What it says is then for the person to judge.
pub fn tighten(paths: &Paths) -> anyhow::Result<Vec<PathBuf>> {
    let data = paths.data();
    let Some(data_mode) = own_mode(data) else {
        return Ok(Vec::new());
    };
    if !data.is_dir() {
        return Ok(Vec::new());
    }
    let mode = |file: &Path| own_mode(file).unwrap_or_default();
    let enterable = data_mode & ENTER != 0;
    let database = mode(&paths.database());
    if data_mode & WRITE != 0 || (enterable && database & WRITE != 0) {
        bail!(
            "other users could have changed your list of devices; look through `housekey pins \\
             list`, and run `chmod -R go= '{}'` if all of it is yours",
            data.display()
        );
    }
    let (directory, key) = (mode(&paths.authority()), mode(&paths.issuer_key()));
    let exposed = enterable
        && (directory & WRITE != 0 || (directory & ENTER != 0 && key & (READ | WRITE) != 0));
    // The outer directory first: nobody exchanges anything behind it any more.
    let mut tightened = Vec::new();
    for file in std::iter::once(data.to_path_buf()).chain(private_files(paths)) {
        if let Some(mode) = own_mode(&file).filter(|mode| mode & OTHERS != 0) {
            let permissions = fs::Permissions::from_mode(mode & !OTHERS);
            fs::set_permissions(&file, permissions)
                .with_context(|| format!("cannot change {}", shown(&file)))?;
            tightened.push(file);
        }
    }
    if exposed {
        Authority::destroy(paths)?;
    }
    Ok(tightened)
}

/// The mode of a file or directory of this user's; nothing for links and what is another's.
fn own_mode(file: &Path) -> Option<u32> {
    let metadata = fs::symlink_metadata(file).ok()?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    (is_own && !metadata.is_symlink()).then(|| metadata.mode() & 0o7777)
}

const OTHERS: u32 = 0o077;
const ENTER: u32 = 0o011;
const READ: u32 = 0o044;
const WRITE: u32 = 0o022;

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::store::Store;

    fn home() -> (tempfile::TempDir, Paths) {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("data"));
        Authority::create(&paths, &[], SystemTime::now()).unwrap();
        Store::open(&paths).unwrap();
        (home, paths)
    }

    fn open(file: &Path, mode: u32) {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_nobody_could_reach_is_only_tightened() {
        let (_home, paths) = home();
        assert_eq!(tighten(&paths).unwrap(), Vec::<PathBuf>::new());
        open(&paths.issuer_key(), 0o644);
        open(&paths.database(), 0o664);
        let mut tightened = tighten(&paths).unwrap();
        tightened.sort();
        assert_eq!(tightened, [paths.issuer_key(), paths.database()]);
        Authority::load(&paths, SystemTime::now()).unwrap();
    }

    #[test]
    fn a_key_that_others_could_read_is_destroyed() {
        let (_home, paths) = home();
        for file in [paths.data(), &paths.authority()] {
            open(file, 0o755);
        }
        open(&paths.issuer_key(), 0o644);
        tighten(&paths).unwrap();
        assert!(!paths.authority().exists());
    }

    #[test]
    fn a_list_that_others_could_change_is_for_the_person() {
        for (data, database) in [(0o777, 0o600), (0o711, 0o666)] {
            let (_home, paths) = home();
            open(paths.data(), data);
            open(&paths.database(), database);
            assert!(tighten(&paths).unwrap_err().to_string().contains("pins"));
            assert_eq!(own_mode(paths.data()), Some(data), "left as it is");
        }
    }

    #[test]
    fn links_are_not_followed() {
        let (home, paths) = home();
        let other = home.path().join("another file");
        fs::write(&other, "").unwrap();
        open(&other, 0o644);
        fs::remove_file(paths.database()).unwrap();
        std::os::unix::fs::symlink(&other, paths.database()).unwrap();
        tighten(&paths).unwrap();
        assert_eq!(own_mode(&other), Some(0o644));
    }
}
