//! What the installer remembers of what it did, so that nothing is left when it is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::browsers::Explicit;
use crate::paths::{self, Paths, PathsError};
use crate::platform::Platform;
use crate::trust_store::TrustStore;

/// Everything outside the data directory that belongs to this installation, and what it was asked.
///
/// It is written before anything is touched: what stands here may exist, and nothing else does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Record {
    /// Names that the person called local, such as `fritz.box`.
    pub local_names: BTreeSet<String>,
    /// Firefox profiles that the person named.
    pub firefox_profiles: BTreeSet<PathBuf>,
    /// Chromium user-data directories that the person named.
    pub chromium_user_data_dirs: BTreeSet<PathBuf>,
    /// Links that make the helper a command.
    pub commands: BTreeSet<PathBuf>,
    /// Native-messaging manifests.
    pub manifests: BTreeSet<PathBuf>,
    /// Certificate databases that were given the root.
    pub databases: BTreeSet<PathBuf>,
    /// Certificate databases that were not there before, and the state in which they were left:
    /// see [`TrustStore::state`]. Once somebody else has used one, it is not listed any more.
    pub made_databases: BTreeMap<PathBuf, String>,
    /// Directories that were not there before.
    pub made_directories: BTreeSet<PathBuf>,
}

impl Record {
    /// The record of this installation, an empty one if there is none.
    ///
    /// # Errors
    ///
    /// [`PathsError`] if it is not this user's own file; [`RecordError::Damaged`] if it is not one
    /// that the installer wrote.
    pub fn load(paths: &Paths) -> Result<Self, RecordError> {
        match paths::read_private(&paths.install_record()) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(RecordError::Damaged),
            Err(error) if error.is_absent() => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the record.
    ///
    /// # Errors
    ///
    /// [`PathsError`] if it cannot be written; [`RecordError::Damaged`] if a path in it is no text.
    pub fn save(&self, paths: &Paths) -> Result<(), RecordError> {
        let text = serde_json::to_vec_pretty(self).map_err(RecordError::Damaged)?;
        Ok(paths::write_private(&paths.install_record(), &text)?)
    }

    /// The places that the person named, now or earlier.
    #[must_use]
    pub fn explicit(&self) -> Explicit {
        Explicit {
            firefox_profiles: self.firefox_profiles.iter().cloned().collect(),
            chromium_user_data_dirs: self.chromium_user_data_dirs.iter().cloned().collect(),
        }
    }

    /// The databases that were made for this installation and that nobody else has used since.
    pub fn unused_databases(
        &self,
        platform: &dyn Platform,
    ) -> impl Iterator<Item = Rc<dyn TrustStore>> {
        self.made_databases.iter().filter_map(|(directory, state)| {
            let store = platform.store_at(directory);
            (store.state().as_ref() == Some(state)).then_some(store)
        })
    }

    /// The databases that were to be made, and of which it is not known how they were left.
    pub fn begun_databases(
        &self,
        platform: &dyn Platform,
    ) -> impl Iterator<Item = Rc<dyn TrustStore>> {
        let begun = self
            .made_databases
            .iter()
            .filter(|(_, state)| state.is_empty());
        begun.map(|(directory, _)| platform.store_at(directory))
    }

    /// Strikes out the databases that somebody else has used since.
    pub fn strike_used_databases(&mut self, platform: &dyn Platform) {
        let unused: Vec<_> = self
            .unused_databases(platform)
            .map(|store| store.location().into())
            .collect();
        self.made_databases
            .retain(|directory: &PathBuf, _| unused.contains(directory));
    }

    /// Notes the state in which the databases are left.
    pub fn note_states(&mut self, platform: &dyn Platform) {
        for (directory, state) in &mut self.made_databases {
            *state = platform.store_at(directory).state().unwrap_or_default();
        }
    }

    /// Notes the directories that have to be made before a file can be put here.
    pub fn note_missing_directories(&mut self, file: &Path) {
        let missing = file
            .ancestors()
            .skip(1)
            .take_while(|directory| !directory.exists());
        self.made_directories.extend(missing.map(Path::to_path_buf));
    }
}

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not what the installer writes.
    #[error("the install record cannot be read: {0}; delete install.json, then run this again")]
    Damaged(serde_json::Error),
    /// The file cannot be used.
    #[error(transparent)]
    Paths(#[from] PathsError),
}
