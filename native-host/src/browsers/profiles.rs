//! Firefox's profiles: those of its list, `profiles.ini`, and those beside them that its profile
//! menu made, which that list does not name.
//!
//! A list is whatever anybody wrote. Only a directory of this user's that looks like a profile is
//! one, so that no list makes the installer write into any other place.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::platform::files;

/// The profiles that the list in this directory names, and those in the directory itself.
pub(crate) fn below(root: &Path) -> Vec<PathBuf> {
    let list = read(&root.join("profiles.ini")).unwrap_or_default();
    let listed = parse(&list).into_iter().map(|path| root.join(path));
    let beside = fs::read_dir(root).into_iter().flatten().flatten();
    let beside = beside.take(MAX_ENTRIES).map(|entry| entry.path());
    let mut profiles: Vec<PathBuf> = listed
        .chain(beside)
        .filter_map(|path| fs::canonicalize(&path).ok())
        .filter(|path| is_profile(path))
        .collect();
    profiles.sort();
    profiles.dedup();
    profiles.truncate(MAX_PROFILES);
    profiles
}

/// Whether this is a directory of this user's with something in it that Firefox puts into each
/// profile when it makes it.
fn is_profile(path: &Path) -> bool {
    let is_own = |metadata: fs::Metadata| metadata.is_dir() && files::is_own(&metadata);
    fs::metadata(path).is_ok_and(is_own) && (SIGNS.iter()).any(|sign| path.join(sign).is_file())
}

/// A list that is a file and no longer than lists are.
fn read(list: &Path) -> Option<String> {
    let file = files::open_at_once(list).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_LIST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
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
    paths.truncate(MAX_ENTRIES);
    paths
}

const SIGNS: [&str; 4] = ["cert9.db", "compatibility.ini", "prefs.js", "times.json"];
const MAX_LIST_BYTES: u64 = 1_048_576;
const MAX_ENTRIES: usize = 1_000;
const MAX_PROFILES: usize = 64;

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn profile(path: &Path) -> PathBuf {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("times.json"), "{}").unwrap();
        fs::canonicalize(path).unwrap()
    }

    #[test]
    fn profiles_are_those_of_the_list_and_those_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let mut expected = vec![
            profile(&elsewhere.path().join("work")),
            profile(&root.path().join("abc.default")),
            // Firefox's own menu makes profiles that the list does not name.
            profile(&root.path().join("xyz.Original profile")),
        ];
        fs::create_dir(root.path().join("Crash Reports")).unwrap();
        let ini = format!(
            "[Install4F96D1932A9F858E]\nDefault=abc.default\nLocked=1\n\n\
             [Profile1]\nName=work\nIsRelative=0\nPath={}\n\n\
             [Profile0]\r\nName=default\r\nIsRelative=1\r\nPath=abc.default\r\nDefault=1\r\n\n\
             [Profile2]\nName=gone\nIsRelative=1\nPath=gone.default\n\n\
             [General]\nPath=General\nVersion=2\n",
            elsewhere.path().join("work").display(),
        );
        fs::write(root.path().join("profiles.ini"), ini).unwrap();
        expected.sort();
        assert_eq!(below(root.path()), expected);
    }

    #[test]
    fn no_list_leads_anywhere_else() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join(".mozilla/firefox");
        fs::create_dir_all(&root).unwrap();
        fs::create_dir(home.path().join("Documents")).unwrap();
        let hostile = [
            "../../Documents",
            "/",
            "/etc",
            "/root",
            "/proc/self",
            ".",
            "..",
            "\0",
            "a\0b",
            "\u{1b}[2J",
            &"x".repeat(100_000),
        ];
        let sections = hostile.map(|path| format!("[Profile0]\nPath={path}\n"));
        let list = root.join("profiles.ini");
        fs::write(&list, sections.concat()).unwrap();
        assert_eq!(below(&root), Vec::<PathBuf>::new());
        fs::write(&list, [0xff, 0xfe, b'[', 0x80].repeat(100_000)).unwrap();
        assert_eq!(below(&root), Vec::<PathBuf>::new());
        // A pipe without another end must not hold anybody up.
        fs::remove_file(&list).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&list).status();
        assert!(made.unwrap().success());
        assert_eq!(below(&root), Vec::<PathBuf>::new());
    }

    #[test]
    fn there_are_so_many_profiles_and_no_more() {
        let root = tempfile::tempdir().unwrap();
        for number in 0..MAX_PROFILES + 3 {
            profile(&root.path().join(number.to_string()));
        }
        assert_eq!(below(root.path()).len(), MAX_PROFILES);
    }

    #[test]
    fn no_list_no_profiles() {
        assert!(below(tempfile::tempdir().unwrap().path()).is_empty());
    }
}
