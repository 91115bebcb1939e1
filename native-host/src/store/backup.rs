//! Copies of the store, which Housekey makes by itself.
//!
//! After a change, and when a store is opened that has changes which no copy has, one is made,
//! unless the newest is less than an hour old. They stand beside the store and only their owner can
//! read them: `housekey.db.backup-000000000042` for the store after 42 changes. The newest three
//! stay, and of each of the last seven days on which one was made, the newest.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::seal::Mark;
use super::{StoreError, file};
use crate::paths::{self, Paths};

/// A copy of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub file: PathBuf,
    /// When it was made.
    pub made: SystemTime,
    /// How many changes were made to the store until then.
    pub generation: i64,
}

/// The copies that there are, the newest first.
///
/// # Errors
///
/// [`StoreError::Io`] where they cannot be listed.
pub fn backups(paths: &Paths) -> Result<Vec<Backup>, StoreError> {
    let mut backups = Vec::new();
    let entries = match fs::read_dir(paths.data()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(backups),
        entries => entries.map_err(StoreError::Io)?,
    };
    for entry in entries {
        let file = entry.map_err(StoreError::Io)?.path();
        let Some(generation) = generation_of(&file) else {
            continue;
        };
        let metadata = fs::symlink_metadata(&file).and_then(|it| it.modified());
        // One that another process has just deleted is none.
        if let Ok(made) = metadata {
            backups.push(Backup {
                file,
                made,
                generation,
            });
        }
    }
    backups.sort_by_key(|backup| std::cmp::Reverse(backup.generation));
    Ok(backups)
}

/// Makes a copy if it is time for one. The store is none the worse without it.
pub(super) fn keep(connection: &Connection, paths: &Paths) {
    if let Err(error) = make_if_due(connection, paths, SystemTime::now()) {
        tracing::warn!(%error, "no copy of the pin store was made");
    }
}

/// Makes a copy, whatever time it is.
pub(super) fn make(connection: &Connection, paths: &Paths) -> Result<(), StoreError> {
    let copy = file::copy(connection, paths.data())?;
    // Others may have changed the store since anybody looked.
    let generation = Mark::read(&file::connect(copy.path())?)?.generation;
    let name = format!("{PREFIX}{generation:012}");
    file::place(copy, &paths.data().join(name))
}

fn make_if_due(connection: &Connection, paths: &Paths, now: SystemTime) -> Result<(), StoreError> {
    let before = backups(paths)?;
    let generation = Mark::read(connection)?.generation;
    if let Some(newest) = before.first() {
        // After the clock was set back, a copy of tomorrow is no reason to wait for tomorrow.
        let age = now.duration_since(newest.made);
        if newest.generation >= generation || age.is_ok_and(|age| age < INTERVAL) {
            return Ok(());
        }
    } else if generation == 0 {
        return Ok(());
    }
    make(connection, paths)?;
    for old in surplus(&backups(paths)?) {
        fs::remove_file(&old.file).map_err(StoreError::Io)?;
    }
    Ok(())
}

/// Those that need not stay. The newest come first.
fn surplus(backups: &[Backup]) -> Vec<&Backup> {
    let mut days = BTreeSet::new();
    let stays = |(at, backup): (usize, &Backup)| {
        let day = backup.made.duration_since(UNIX_EPOCH).unwrap_or_default();
        let is_newest_of_day = days.len() < DAYS && days.insert(day.as_secs() / DAY.as_secs());
        at < NEWEST || is_newest_of_day
    };
    let stays: Vec<bool> = backups.iter().enumerate().map(stays).collect();
    let all = backups.iter().zip(stays);
    all.filter_map(|(backup, stays)| (!stays).then_some(backup))
        .collect()
}

fn generation_of(file: &Path) -> Option<i64> {
    let name = file.file_name()?.to_str()?;
    let generation = name.strip_prefix(PREFIX)?.parse().ok()?;
    paths::check_private_file(file).ok()?;
    Some(generation)
}

const PREFIX: &str = "housekey.db.backup-";
const INTERVAL: Duration = Duration::from_secs(60 * 60);
const NEWEST: usize = 3;
const DAYS: usize = 7;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_one_of_each_day() {
        let backup = |generation: u32, hour: u64| Backup {
            file: generation.to_string().into(),
            made: UNIX_EPOCH + Duration::from_secs(hour * 3_600),
            generation: generation.into(),
        };
        // One an hour for ten days, then five within one hour.
        let mut all: Vec<_> = (0..240).map(|hour| backup(hour, hour.into())).collect();
        all.extend((240..245).map(|generation| backup(generation, 240)));
        all.reverse();
        let gone: BTreeSet<_> = surplus(&all).iter().map(|it| it.generation).collect();
        let stays = all.iter().map(|it| it.generation);
        let stays: Vec<_> = stays.filter(|it| !gone.contains(it)).collect();
        assert_eq!(stays, [244, 243, 242, 239, 215, 191, 167, 143, 119]);
        assert!(surplus(&all[..3]).is_empty() && surplus(&[]).is_empty());
    }
}
