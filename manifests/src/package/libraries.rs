//! The libraries that are built into what we hand out, as cargo resolved them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package, PackageId};

use crate::process;
use crate::wasm_compiler;
use crate::workspace::Workspace;

/// The packages that are handed out, and what they are built from.
pub(crate) struct Libraries {
    /// Our own packages too.
    libraries: BTreeMap<Key, Library>,
}

/// A library's name and version.
pub(crate) type Key = (String, String);

/// A library that is compiled into something.
pub(crate) struct Library {
    /// Which of our two products it is in.
    pub(crate) is_in: BTreeSet<&'static str>,
    /// Those of [`Libraries`] that it is built from directly.
    pub(crate) needs: BTreeSet<Key>,
    /// As `Cargo.toml` says it, an SPDX expression.
    pub(crate) licence: String,
    pub(crate) repository: Option<String>,
    /// The SHA-256 of what the registry gave, in hexadecimal digits; ours have none.
    pub(crate) checksum: Option<String>,
    /// Where its source is on this computer.
    pub(crate) source: PathBuf,
}

impl Library {
    /// Whether it is one of this repository's own packages.
    pub(crate) fn is_ours(&self) -> bool {
        self.checksum.is_none()
    }
}

impl Libraries {
    /// Those of the helper on this computer's system, and of the extension.
    ///
    /// # Errors
    ///
    /// When cargo cannot tell, or a library says nothing of its licence.
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let host = host()?;
        let mut is_in: BTreeMap<Key, BTreeSet<&'static str>> = BTreeMap::new();
        for (product, target) in [(HELPER, host.as_str()), (EXTENSION, wasm_compiler::TARGET)] {
            for key in tree(workspace, product, target)? {
                is_in.entry(key).or_default().insert(product);
            }
        }
        let mut metadata = MetadataCommand::new();
        metadata.manifest_path(workspace.root().join("Cargo.toml"));
        metadata.other_options(
            ["--locked", "--filter-platform", &host]
                .map(str::to_owned)
                .into_iter()
                .chain(["--filter-platform", wasm_compiler::TARGET].map(str::to_owned))
                .collect::<Vec<_>>(),
        );
        let metadata = metadata.exec().context("`cargo metadata` failed")?;
        let lock = fs::read_to_string(workspace.root().join("Cargo.lock"))?;
        Self::from(&metadata, &is_in, &checksums(&lock))
    }

    /// Each, in one order for ever.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Library)> {
        self.libraries.iter()
    }

    fn from(
        metadata: &Metadata,
        is_in: &BTreeMap<Key, BTreeSet<&'static str>>,
        checksums: &BTreeMap<Key, String>,
    ) -> Result<Self> {
        let key = |package: &Package| (package.name.to_string(), package.version.to_string());
        let wanted: BTreeMap<&PackageId, Key> = metadata
            .packages
            .iter()
            .map(|package| (&package.id, key(package)))
            .filter(|(_, key)| is_in.contains_key(key))
            .collect();
        let resolved = metadata
            .resolve
            .as_ref()
            .context("cargo resolved nothing")?;
        let mut libraries = BTreeMap::new();
        for package in &metadata.packages {
            let Some(key) = wanted.get(&package.id) else {
                continue;
            };
            let node = resolved.nodes.iter().find(|node| node.id == package.id);
            let needs = node.into_iter().flat_map(|node| &node.dependencies);
            let licence = package.license.clone();
            let library = Library {
                is_in: is_in[key].clone(),
                needs: needs.filter_map(|id| wanted.get(id)).cloned().collect(),
                // The one slash that old packages write for OR.
                licence: licence
                    .with_context(|| format!("{} says nothing of its licence", key.0))?
                    .replace('/', " OR ")
                    .replace("  ", " "),
                repository: package.repository.clone(),
                checksum: checksums.get(key).cloned(),
                source: package
                    .manifest_path
                    .parent()
                    .context("a package lies nowhere")?
                    .into(),
            };
            libraries.insert(key.clone(), library);
        }
        for key in is_in.keys() {
            ensure!(
                libraries.contains_key(key),
                "cargo knows nothing of {key:?}"
            );
        }
        Ok(Self { libraries })
    }
}

/// The system that this packer was compiled on, and the helper is compiled for.
fn host() -> Result<String> {
    let said = process::output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("rustc does not say for what it compiles")?
        .to_owned())
}

/// What is compiled into a package: with exactly its own features, and nothing that only runs
/// while it is compiled.
fn tree(workspace: &Workspace, package: &str, target: &str) -> Result<BTreeSet<Key>> {
    let mut cargo = process::cargo(workspace);
    cargo.args(["tree", "--locked", "--prefix", "none", "--no-dedupe"]);
    cargo.args(["--edges", "normal,no-proc-macro", "--format", "{p}"]);
    cargo.args(["--package", package, "--target", target]);
    let said = process::output(&mut cargo)?;
    said.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap_or_default();
            let version = words.next().and_then(|word| word.strip_prefix('v'));
            let version = version.with_context(|| format!("cargo tree wrote {line:?}"))?;
            Ok((name.to_owned(), version.to_owned()))
        })
        .collect()
}

/// What `Cargo.lock` says that each library hashes to.
fn checksums(lock: &str) -> BTreeMap<Key, String> {
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            let value = package.lines().find_map(|line| line.strip_prefix(&start));
            value.map(|value| value.trim_end_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (field("name"), field("version"), field("checksum"))
        {
            checksums.insert((name, version), checksum);
        }
    }
    checksums
}

/// The helper's package.
pub(crate) const HELPER: &str = "housekey";

/// The extension's package.
pub(crate) const EXTENSION: &str = "housekey-wasm";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_registry_gave_has_a_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                    checksum = \"00ff\"\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";
        let expected = [(("a".to_owned(), "1.0.0".to_owned()), "00ff".to_owned())];
        assert_eq!(checksums(lock), expected.into());
    }

    #[test]
    fn what_is_handed_out_is_known_and_nothing_else() {
        let libraries = Libraries::of(&Workspace::here().unwrap()).unwrap();
        let place = |name: &str| {
            let mut found = libraries.iter().filter(|((known, _), _)| known == name);
            found.next().map(|(_, library)| library)
        };
        let core = place("housekey-core").unwrap();
        assert!(core.is_ours() && core.is_in.len() == 2);
        assert!(place("rustls").unwrap().is_in.contains(HELPER));
        assert!(!place("rustls").unwrap().is_ours());
        assert!(place("wasm-bindgen").unwrap().is_in.contains(EXTENSION));
        for absent in ["criterion", "thirtyfour", "zip", "serde_derive", "cc"] {
            assert!(place(absent).is_none(), "{absent} ships");
        }
    }
}
