//! Mending who may read the helper's files.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::files::private_files;
use crate::authority::Authority;
use crate::paths::Paths;
use crate::platform::{Platform, files};

/// Makes the helper's files this user's alone again, and returns those that were not.
///
/// A key that others could read is not one any more, however its file is now: it is destroyed with
/// its authority, and the installer makes another.
///
/// # Errors
///
/// If others could have changed the list of devices. What it says is then for the person to judge.
pub fn tighten(platform: &dyn Platform, paths: &Paths) -> anyhow::Result<Vec<PathBuf>> {
    let data = paths.data();
    if !data.is_dir() {
        return Ok(Vec::new());
    }
    let Some(outside) = platform.others(data) else {
        return Ok(Vec::new());
    };
    let others = |file: &Path| platform.others(file).unwrap_or_default();
    if outside.write || (outside.enter && others(&paths.database()).write) {
        bail!(
            "other users could have changed your list of devices; look through `housekey pins \
             list`, and run `{}` if all of it is yours",
            files::how_to_close(data)
        );
    }
    let (directory, key) = (others(&paths.authority()), others(&paths.issuer_key()));
    let exposed =
        outside.enter && (directory.write || (directory.enter && (key.read || key.write)));
    // The outer directory first: nobody exchanges anything behind it any more.
    let mut tightened = Vec::new();
    for file in std::iter::once(data.to_path_buf()).chain(private_files(paths)) {
        let others = platform.others(&file);
        if others.is_some_and(|others| !others.are_out()) {
            platform.make_private(&file)?;
            tightened.push(file);
        }
    }
    if exposed {
        Authority::destroy(paths)?;
    }
    Ok(tightened)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::SystemTime;

    use super::*;
    use crate::platform::Linux;
    use crate::store::Store;

    fn home() -> (tempfile::TempDir, Paths) {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("data"));
        Authority::create(&paths, &[], SystemTime::now()).unwrap();
        Store::open(&paths).unwrap();
        (home, paths)
    }

    fn mode(file: &Path) -> u32 {
        fs::symlink_metadata(file).unwrap().permissions().mode() & 0o7777
    }

    fn open(file: &Path, mode: u32) {
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_nobody_could_reach_is_only_tightened() {
        let (_home, paths) = home();
        assert_eq!(tighten(&Linux, &paths).unwrap(), Vec::<PathBuf>::new());
        open(&paths.issuer_key(), 0o644);
        open(&paths.database(), 0o664);
        let mut tightened = tighten(&Linux, &paths).unwrap();
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
        tighten(&Linux, &paths).unwrap();
        assert!(!paths.authority().exists());
    }

    #[test]
    fn a_list_that_others_could_change_is_for_the_person() {
        for (data, database) in [(0o777, 0o600), (0o711, 0o666)] {
            let (_home, paths) = home();
            open(paths.data(), data);
            open(&paths.database(), database);
            assert!(
                tighten(&Linux, &paths)
                    .unwrap_err()
                    .to_string()
                    .contains("pins")
            );
            assert_eq!(mode(paths.data()), data, "left as it is");
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
        tighten(&Linux, &paths).unwrap();
        assert_eq!(mode(&other), 0o644);
    }
}
