//! The source of what is handed out, with the steps that make the same bytes again.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::date::SourceDate;
use crate::archive::{TarFile, TarFiles};
use crate::process;
use crate::workspace::Workspace;

/// Every file of the source by its path, and how to build it in `BUILDING.md`.
///
/// # Errors
///
/// When a file can't be read, or is none.
pub(crate) fn files(workspace: &Workspace, date: SourceDate, compiler: &str) -> Result<TarFiles> {
    let root = workspace.root();
    let mut files = TarFiles::new();
    for path in paths(root)? {
        let file = root.join(&path);
        let metadata = fs::symlink_metadata(&file).with_context(|| format!("can't read {path}"))?;
        ensure!(metadata.is_file(), "{path} is no file");
        let content = fs::read(&file)?;
        let runs = is_program(&metadata);
        files.insert(path, TarFile { runs, content });
    }
    let building = BUILDING
        .replace("{date}", &date.seconds().to_string())
        .replace("{rustc}", compiler)
        .replace("{version}", Workspace::VERSION);
    files.insert("BUILDING.md".into(), TarFile::plain(building));
    Ok(files)
}

/// Says what is packed and not committed, since nobody else can make that again.
pub(crate) fn remark_changes(workspace: &Workspace) -> Result<()> {
    if !is_repository(workspace.root()) {
        return Ok(());
    }
    let mut git = Command::new("git");
    git.args(["status", "--porcelain", "--untracked-files=no"]);
    let changes = process::output(git.current_dir(workspace.root()))?;
    if !changes.is_empty() {
        println!("remark: what is packed is not what is committed:\n{changes}");
    }
    Ok(())
}

/// What git tracks; where the source came as an archive, everything that nobody built there.
fn paths(root: &Path) -> Result<Vec<String>> {
    if is_repository(root) {
        let mut git = Command::new("git");
        let listed = process::output(git.args(["ls-files", "-z"]).current_dir(root))?;
        let listed = listed.split('\0').filter(|path| !path.is_empty());
        return Ok(listed.map(str::to_owned).collect());
    }
    let mut paths = Vec::new();
    walk(root, "", &mut paths)?;
    Ok(paths)
}

/// A worktree has a file there, every other repository a directory.
fn is_repository(root: &Path) -> bool {
    root.join(".git").exists()
}

fn walk(directory: &Path, prefix: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().context("a name is not UTF-8")?;
        let path = format!("{prefix}{name}");
        if name == "node_modules" || BUILT.contains(&path.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_program(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

/// What building leaves, as `.gitignore` has it.
const BUILT: [&str; 4] = [
    "dist",
    "extension/wasm",
    "target",
    "tests/fuzz/libfuzzer/Cargo.lock",
];

const BUILDING: &str = include_str!("../../package/building.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_what_building_leaves() {
        let ignored = include_str!("../../../.gitignore");
        for line in ignored
            .lines()
            .filter(|line| !line.ends_with("node_modules"))
        {
            assert!(BUILT.contains(&line.trim_start_matches('/')), "{line}");
        }
    }

    #[test]
    fn without_git_everything_is_listed_that_nobody_built() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "Cargo.toml",
            "extension/a.js",
            "extension/wasm/b.js",
            "target/c",
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut found = paths(root.path()).unwrap();
        found.sort();
        assert_eq!(found, ["Cargo.toml", "extension/a.js"]);
    }
}
