//! Taking everything out again, and proving by reading back that nothing is left.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context as _;

use crate::authority::Authority;
use crate::browsers::Place;
use crate::install::{Record, RecordError, leads_to};
use crate::paths::{Paths, TEMPORARY_PREFIX};
use crate::platform::{self, Platform};
use crate::trust_store::{Entry, TrustStore};

/// What is there to be removed.
#[derive(Debug)]
pub struct Removal {
    record: Record,
    /// Why there is no record, where there should be one.
    damage: Option<RecordError>,
    stores: Vec<Rc<dyn TrustStore>>,
    /// Every certificate of Housekey's, and the store it is in.
    pub entries: Vec<(Rc<dyn TrustStore>, Entry)>,
    /// Every native-messaging manifest of Housekey's, its command, and what an interrupted
    /// installer left.
    pub files: Vec<PathBuf>,
    /// Every place at which a browser is made to look for one, where that takes more than a file.
    pub pointers: Vec<Place>,
    /// Whether there is a data directory.
    pub has_data: bool,
    /// Whether there is a store that cannot be read, and so may hold something.
    has_unreadable: bool,
}

/// What was still there when everything had been read back.
#[derive(Debug, Default)]
pub struct Leftovers(pub Vec<String>);

impl Removal {
    /// Looks for everything that an installation may have put anywhere, whether this computer's
    /// record names it or a browser that was found could have it. Nothing is changed.
    ///
    /// # Errors
    ///
    /// If the data directory is not this user's own, or a store cannot be looked into for want of
    /// its tool.
    pub fn survey(platform: &dyn Platform, paths: &Paths) -> anyhow::Result<Self> {
        let has_data = fs::symlink_metadata(paths.data()).is_ok();
        if has_data {
            paths.check()?;
        }
        // A damaged record must not keep anything from being removed that can be found without.
        let (record, damage) = match Record::load(paths) {
            Ok(record) => (record, None),
            Err(error) => (Record::default(), Some(error)),
        };
        let found = platform.survey(&record.explicit())?;

        let recorded = record.databases.iter().map(|it| platform.store_at(it));
        let mut stores: Vec<_> = found.stores.iter().cloned().chain(recorded).collect();
        stores.retain(|store| store.exists());
        // A home may be reached by several names.
        let mut seen = BTreeSet::new();
        stores.retain(|store| seen.insert(fs::canonicalize(store.location()).ok()));
        stores.iter().try_for_each(|store| store.check_tool())?;
        let (mut entries, mut has_unreadable) = (Vec::new(), false);
        for store in &stores {
            match store.entries() {
                Ok(these) => {
                    entries.extend(these.into_iter().map(|entry| (Rc::clone(store), entry)))
                }
                Err(_) => has_unreadable = true,
            }
        }

        let mut places = found.hosts;
        places.extend(platform.places());
        let manifests = places.iter().map(|place| &place.manifest);
        let mut files: Vec<PathBuf> = manifests.chain(&record.manifests).cloned().collect();
        // What cannot be read may point at it.
        places.retain(|place| {
            place.registry_key.is_some() && platform.is_pointed_at(place).unwrap_or(true)
        });
        let mut seen = BTreeSet::new();
        places.retain(|place| seen.insert(place.registry_key.clone()));
        let directories: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        let unfinished: Vec<_> = directories.into_iter().flat_map(unfinished).collect();
        files.extend(unfinished);
        let commands = record
            .commands
            .iter()
            .cloned()
            .chain(platform.command_place());
        files.extend(commands.filter(|link| leads_to(link, &paths.installed_binary())));
        files.retain(|file| is_there(file));
        files.sort();
        files.dedup();
        Ok(Self {
            record,
            damage,
            stores,
            entries,
            files,
            pointers: places,
            has_data,
            has_unreadable,
        })
    }

    /// Whether there is nothing to remove.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.files.is_empty()
            && self.pointers.is_empty()
            && !self.has_data
            && !self.has_unreadable
    }

    /// Removes everything, and reads everything back.
    ///
    /// With `keep_pins` the pin store stays where it is, and only that.
    /// While something is left elsewhere, the record of it stays too, for the next attempt.
    ///
    /// # Errors
    ///
    /// The [`Leftovers`].
    pub fn execute(
        self,
        platform: &dyn Platform,
        paths: &Paths,
        keep_pins: bool,
    ) -> Result<(), Leftovers> {
        let mut left = Leftovers::default();
        // Before the entries go, for that changes the databases.
        let unused: Vec<_> = self.record.unused_databases(platform).collect();
        if let Some(damage) = &self.damage {
            left.0.push(format!(
                "perhaps something in places that you had named: {damage}"
            ));
        }
        for (store, entry) in &self.entries {
            left.note(store.remove(entry), || {
                format!("“{}” in {}", entry.name, store.title())
            });
        }
        for place in &self.pointers {
            left.note(platform.point_away(place), || place.shown());
        }
        for file in &self.files {
            left.note(remove_file(file), || file.display().to_string());
        }
        (self.stores.iter()).for_each(|store| left.read_back(&**store));
        for store in unused {
            left.note(store.delete(), || store.title());
        }
        // An installer that was interrupted could not note how it left them.
        let begun = self.record.begun_databases(platform);
        for store in begun.filter(|store| store.exists() && store.is_empty()) {
            left.note(store.delete(), || store.title());
        }
        if self.has_data {
            left.note(Authority::destroy(paths), || {
                paths.authority().display().to_string()
            });
            let complete = left.0.is_empty();
            let result = remove_data(paths, keep_pins, complete);
            left.note(result, || paths.data().display().to_string());
        }
        // Directories that were made for any of this, the deepest first, unless used meanwhile.
        for directory in self.record.made_directories.iter().rev() {
            fs::remove_dir(directory).ok();
        }
        if left.0.is_empty() { Ok(()) } else { Err(left) }
    }
}

impl Leftovers {
    fn note<E: std::fmt::Display>(&mut self, result: Result<(), E>, what: impl Fn() -> String) {
        if let Err(error) = result {
            self.0.push(format!("{}: {error}", what()));
        }
    }

    fn read_back(&mut self, store: &dyn TrustStore) {
        match store.entries() {
            Ok(entries) => {
                let still = |entry: &Entry| format!("“{}” in {}", entry.name, store.title());
                self.0.extend(entries.iter().map(still));
            }
            Err(error) => self
                .0
                .push(format!("perhaps an entry in {}: {error}", store.title())),
        }
    }
}

/// How many helpers are at work now: each ends when its browser does.
#[must_use]
pub fn running_helpers(platform: &dyn Platform, paths: &Paths) -> usize {
    platform.processes_of(&paths.installed_binary()).len()
}

/// The files that an interrupted installer began to write beside their places.
fn unfinished(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_ours = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.as_encoded_bytes()
            .starts_with(TEMPORARY_PREFIX.as_bytes())
    };
    entries.filter(is_ours).map(|entry| entry.path()).collect()
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn remove_file(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ if is_there(path) => anyhow::bail!("it is still there"),
        _ => Ok(()),
    }
}

/// Removes what is in the data directory, and the directory itself if nothing is to stay in it.
fn remove_data(paths: &Paths, keep_pins: bool, complete: bool) -> anyhow::Result<()> {
    platform::files::set_aside(&paths.installed_binary())?;
    let database = paths.database();
    let stays = |path: &Path| {
        let is_of_database =
            path.file_name()
                .zip(database.file_name())
                .is_some_and(|(name, base)| {
                    name.as_encoded_bytes().starts_with(base.as_encoded_bytes())
                });
        (keep_pins && is_of_database) || (!complete && path == paths.install_record())
    };
    let mut empty = true;
    let mut entries = fs::read_dir(paths.data())?.collect::<io::Result<Vec<_>>>()?;
    // The record goes last, so that whoever is interrupted here can be told where to go on.
    entries.sort_by_key(|entry| entry.path() == paths.install_record());
    for entry in entries {
        let path = entry.path();
        if stays(&path) {
            empty = false;
        } else if entry.file_type()?.is_dir() {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        } else {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    if empty {
        fs::remove_dir(paths.data())?;
    }
    Ok(())
}
