//! Where things are in the repository.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository this packer was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Housekey's version, the same in every package and both manifests.
    pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// The repository, as cargo tells it to the running packer.
    pub(crate) fn here() -> Result<Self> {
        // At run time, not at build time: a copied build directory must not point back.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .context("the packer lies outside a repository")?
            .to_owned();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
            || root.join("target"),
            // Relative to where the person stands, as cargo itself takes it.
            |target| std::path::absolute(&target).unwrap_or_else(|_| PathBuf::from(&target)),
        );
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// cargo's build directory.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The extension as it stands in git.
    pub(crate) fn extension(&self) -> PathBuf {
        self.root.join("extension")
    }

    /// The generated WebAssembly module and its JavaScript.
    pub(crate) fn generated_wasm(&self) -> PathBuf {
        self.extension().join("wasm")
    }

    /// The extensions' manifests, base and overlays.
    pub(crate) fn extension_manifests(&self) -> PathBuf {
        self.root.join("manifests").join("extension")
    }

    /// What the packer makes for people.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }
}
