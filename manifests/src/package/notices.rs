//! The licences of the libraries that are in what we hand out, as they ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use spdx::Expression;

use super::libraries::{Key, Libraries, Library};

/// Everything that a product owes to others: a list of its libraries, and each text once.
///
/// # Errors
///
/// When a library can't be read, or names a licence that nobody knows.
pub(crate) fn write(libraries: &Libraries, product: &str) -> Result<String> {
    let mut list = String::new();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, library) in libraries.iter() {
        if library.is_ours() || !library.is_in.contains(product) {
            continue;
        }
        let name = format!("{} {}", key.0, key.1);
        writeln!(list, "{name}: {}", library.licence)?;
        if let Some(repository) = &library.repository {
            writeln!(list, "    {repository}")?;
        }
        for text in texts_of(key, library)? {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    let mut notices = format!("{HEAD}{list}");
    for (text, names) in texts {
        let names: Vec<_> = names.into_iter().collect();
        write!(
            notices,
            "\n{RULE}\n{}\n{RULE}\n\n{text}\n",
            names.join("\n")
        )?;
    }
    Ok(notices)
}

/// The texts that a library brings, or those of the licences that it names.
fn texts_of(key: &Key, library: &Library) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    collect(&library.source, DEPTH, &mut texts)?;
    if texts.is_empty() {
        let expression = Expression::parse(&library.licence)
            .with_context(|| format!("{} names its licence {:?}", key.0, library.licence))?;
        for requirement in expression.requirements() {
            let licence = requirement.req.license.id();
            let licence = licence.with_context(|| format!("{}: {requirement:?}", key.0))?;
            texts.insert(tidy(licence.text()));
        }
    }
    ensure!(!texts.is_empty(), "{} has no licence", key.0);
    Ok(texts)
}

/// Finds the texts of a library, and of what it holds of others: they lie in directories of theirs.
fn collect(directory: &Path, depth: usize, texts: &mut BTreeSet<String>) -> Result<()> {
    let shown = directory.display();
    let entries = fs::read_dir(directory).with_context(|| format!("can't read {shown}"))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 && !UNBUILT.contains(&name.as_str()) {
            collect(&entry.path(), depth - 1, texts)?;
        } else if kind.is_file() && is_licence(&name) {
            let bytes = fs::read(entry.path())?;
            texts.insert(tidy(&String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(())
}

/// Whether a file of this name, in lower case, holds a licence, and no program about licences.
fn is_licence(name: &str) -> bool {
    let says_so = LICENCES.iter().any(|start| name.starts_with(start));
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    // `LICENSE-Apache-2.0` ends in no name of a format.
    let is_text = ending.is_none_or(|it| ["md", "txt"].contains(&it) || it.starts_with('0'));
    says_so && is_text
}

/// The same text as others have it in other lines.
fn tidy(text: &str) -> String {
    let lines: Vec<_> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

const HEAD: &str = "\
Housekey is built with the work of others. This is what is in it, and under which licences.
The standard library of Rust (MIT OR Apache-2.0, https://github.com/rust-lang/rust) is in it too.

";

const RULE: &str =
    "-------------------------------------------------------------------------------";

const LICENCES: [&str; 6] = [
    "copying",
    "copyright",
    "licence",
    "license",
    "notice",
    "unlicense",
];

/// Directories with what is not built into anything.
const UNBUILT: [&str; 7] = [
    ".git", "benches", "doc", "docs", "examples", "target", "tests",
];

/// A library in C, and the libraries that it holds: `aws-lc/third_party/fiat/LICENSE`.
const DEPTH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_told_from_programs() {
        for name in [
            "license",
            "license-mit",
            "copying.txt",
            "license-apache-2.0",
            "notice.md",
        ] {
            assert!(is_licence(name), "{name}");
        }
        for name in ["licenses.rs", "license.html", "readme.md", "copy"] {
            assert!(!is_licence(name), "{name}");
        }
    }

    #[test]
    fn a_library_without_a_text_gets_that_of_the_licence_that_it_names() {
        let source = tempfile::tempdir().unwrap();
        let mut library = Library {
            is_in: BTreeSet::new(),
            needs: BTreeSet::new(),
            licence: "MIT OR Zlib".into(),
            repository: None,
            checksum: Some(String::new()),
            source: source.path().into(),
        };
        let key = ("some".to_owned(), "1.0.0".to_owned());
        assert_eq!(texts_of(&key, &library).unwrap().len(), 2);
        fs::create_dir_all(source.path().join("third_party/inner")).unwrap();
        fs::write(
            source.path().join("third_party/inner/LICENSE"),
            "theirs \r\n",
        )
        .unwrap();
        let found = texts_of(&key, &library).unwrap();
        assert_eq!(Vec::from_iter(found), ["theirs"]);
        fs::remove_dir_all(source.path().join("third_party")).unwrap();
        library.licence = "LicenseRef-Secret".into();
        assert!(texts_of(&key, &library).is_err());
    }
}
