//! Firefox's list of profiles, `profiles.ini`.

use std::fs;
use std::path::{Path, PathBuf};

/// The profile directories that the list in this directory names and that exist.
pub(super) fn below(root: &Path) -> Vec<PathBuf> {
    let Ok(bytes) = fs::read(root.join("profiles.ini")) else {
        return Vec::new();
    };
    let mut profiles: Vec<PathBuf> = parse(&String::from_utf8_lossy(&bytes))
        .into_iter()
        .map(|path| root.join(path))
        .filter(|path| path.is_dir())
        .collect();
    profiles.sort();
    profiles.dedup();
    profiles
}

/// The paths of all `[ProfileN]` sections, relative ones as they are: joining an absolute path
/// to the root gives that path, so `IsRelative` need not be asked.
fn parse(text: &str) -> Vec<&str> {
    let mut paths = Vec::new();
    let mut in_profile = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_profile = section.starts_with("Profile");
        } else if let Some(("Path", path)) = line.split_once('=')
            && in_profile
            && !path.is_empty()
        {
            paths.push(path);
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_profiles_that_exist_are_listed() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("abc.default")).unwrap();
        let ini = format!(
            "[Install4F96D1932A9F858E]\nDefault=abc.default\nLocked=1\n\n\
             [Profile1]\nName=work\nIsRelative=0\nPath={}\n\n\
             [Profile0]\r\nName=default\r\nIsRelative=1\r\nPath=abc.default\r\nDefault=1\r\n\n\
             [Profile2]\nName=gone\nIsRelative=1\nPath=gone.default\n\n\
             [General]\nPath=General\nVersion=2\n",
            elsewhere.path().display(),
        );
        fs::write(root.path().join("profiles.ini"), ini).unwrap();
        let mut expected = vec![
            elsewhere.path().to_path_buf(),
            root.path().join("abc.default"),
        ];
        expected.sort();
        assert_eq!(below(root.path()), expected);
    }

    #[test]
    fn no_list_no_profiles() {
        assert!(below(tempfile::tempdir().unwrap().path()).is_empty());
    }
}
