//! What the packer makes: each browser's extension as a directory, and as one file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::archive::{self, Files};
use crate::browser::Browser;
use crate::manifest;
use crate::wasm;
use crate::workspace::Workspace;

/// Writes `dist/firefox`, `dist/chrome` and an archive of each, and prints their sizes.
///
/// # Errors
///
/// When a file can't be read or written, or the manifest names one that does not exist.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    for browser in Browser::ALL {
        let files = extension(workspace, browser)?;
        mirror(&files, &browser.unpacked(workspace))?;

        let archive = archive::pack(&files)?;
        let path = browser.archive(workspace);
        replace(&path, &archive)?;
        println!("{}  {}", path.display(), bytes(archive.len() as u64));
        if browser == Browser::ALL[0] {
            for module in wasm::MODULES {
                let file = format!("wasm/{}", module.file());
                let raw = files.get(&file).map_or(0, Vec::len) as u64;
                let packed = archive::packed_size(&archive, &file)?;
                println!("  {file} {}, deflated {}", bytes(raw), bytes(packed));
            }
        }
    }
    Ok(())
}

/// The files of the extension for one browser.
///
/// # Errors
///
/// When a file can't be read, or the manifest names one that does not exist.
pub(crate) fn extension(workspace: &Workspace, browser: Browser) -> Result<Files> {
    let mut files = read(&workspace.extension())?;
    files.retain(|path, _| ships(path));
    let manifest = manifest::for_browser(workspace, browser)?;
    for file in manifest::named_files(&manifest)? {
        if !files.contains_key(&file) {
            bail!("the manifest for {browser} names {file}, which extension/ does not hold");
        }
    }
    files.insert(manifest::NAME.to_owned(), manifest);
    Ok(files)
}

/// All files below a directory.
///
/// # Errors
///
/// When something can't be read, or is neither a file nor a directory.
pub(crate) fn read(directory: &Path) -> Result<Files> {
    let mut files = Files::new();
    collect(directory, "", &mut files)?;
    Ok(files)
}

/// Makes a directory hold exactly these files.
///
/// What is the same already stays untouched: a browser may just be reading it.
///
/// # Errors
///
/// When something can't be written or removed.
pub(crate) fn mirror(files: &Files, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let wanted: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    remove_others(directory, "", &wanted)?;
    for (path, content) in files {
        let path = directory.join(path);
        if fs::read(&path).is_ok_and(|present| present == *content) {
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        replace(&path, content)?;
    }
    Ok(())
}

/// Whether a file of `extension/` is part of the extension, and not of its development.
fn ships(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let development = [
        "package.json",
        "package-lock.json",
        "tsconfig.json",
        "README.md",
    ];
    !(path.starts_with("node_modules/")
        || name.starts_with('.')
        || name.ends_with(".d.ts")
        || development.contains(&name))
}

fn collect(directory: &Path, prefix: &str, files: &mut Files) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("can't read {}", directory.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .with_context(|| format!("{name:?} is not a name in UTF-8"))?;
        if name == "node_modules" {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            files.insert(path, fs::read(entry.path())?);
        } else {
            bail!(
                "{} is neither a file nor a directory",
                entry.path().display()
            );
        }
    }
    Ok(())
}

fn remove_others(directory: &Path, prefix: &str, wanted: &BTreeSet<&str>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if !entry.file_type()?.is_dir() {
            if !wanted.contains(path.as_str()) {
                fs::remove_file(entry.path())?;
            }
            continue;
        }
        let inside = format!("{path}/");
        if wanted.iter().any(|file| file.starts_with(&inside)) {
            remove_others(&entry.path(), &inside, wanted)?;
        } else {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file so that it is never seen half written.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let shown = path.display();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, content).with_context(|| format!("can't write {shown}"))?;
    fs::rename(&beside, path).with_context(|| format!("can't write {shown}"))
}

/// How large something is, for people.
pub(crate) fn bytes(count: u64) -> String {
    format!("{:.1} kB", count as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_holds_exactly_the_files_given() {
        let directory = tempfile::tempdir().unwrap();
        let first = files(&["a.js", "old/b.js", "pages/c.html"]);
        mirror(&first, directory.path()).unwrap();
        assert_eq!(read(directory.path()).unwrap(), first);

        let second = files(&["a.js", "new/d.js", "pages/e.html"]);
        mirror(&second, directory.path()).unwrap();
        assert_eq!(read(directory.path()).unwrap(), second);
        assert!(!directory.path().join("old").exists());
    }

    #[test]
    fn what_is_the_same_stays_untouched() {
        let directory = tempfile::tempdir().unwrap();
        mirror(&files(&["a.js"]), directory.path()).unwrap();
        let written = || {
            fs::metadata(directory.path().join("a.js"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = written();
        mirror(&files(&["a.js", "b.js"]), directory.path()).unwrap();
        assert_eq!(written(), before);
    }

    #[test]
    fn development_files_do_not_ship() {
        let kept = [
            "background.js",
            "wasm/background.js",
            "_locales/en/messages.json",
        ];
        assert!(kept.iter().all(|path| ships(path)));
        let left = [
            "package.json",
            "tsconfig.json",
            "wasm/background.d.ts",
            ".eslintrc",
        ];
        assert!(!left.iter().any(|path| ships(path)));
    }

    fn files(paths: &[&str]) -> Files {
        paths
            .iter()
            .map(|path| ((*path).to_owned(), path.as_bytes().to_vec()))
            .collect()
    }
}
