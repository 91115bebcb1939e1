//! Witnesses: browsers that say how far the store had come when they saw it last.
//!
//! The seal lies beside the store, so whoever puts a whole directory of yesterday back puts the seal
//! back, too. What a browser remembers lies elsewhere.

use housekey_core::mark::ListMark;

use super::seal::{self, Mark};
use super::{Store, StoreError};

impl Store {
    /// How far the store has come, for a browser to remember.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub fn mark(&self) -> Result<ListMark, StoreError> {
        let Mark { store, generation } = Mark::read(&self.lock()?.connection)?;
        Ok(ListMark {
            list: store,
            changes: generation,
        })
    }

    /// Holds the store to what a browser saw of it. From then on the seal says what the browser said,
    /// so that nobody believes the store until the person decides, whoever has it open by then.
    ///
    /// Another store than the browser saw is believed, for its devices are asked about: that is how it
    /// is after Housekey was removed and installed again. What no list ever comes to is refused, too,
    /// but changes nothing for others.
    ///
    /// # Errors
    ///
    /// [`StoreError::Older`] where it lacks changes that the browser saw.
    pub fn hold_to(&self, seen: &ListMark) -> Result<(), StoreError> {
        let Some(missing) = self.mark()?.lacks(seen) else {
            return Ok(());
        };
        if seen.changes <= ListMark::MOST_CHANGES {
            let mark = Mark {
                store: seen.list.clone(),
                generation: seen.changes,
            };
            seal::raise(&mut self.lock()?.connection, &self.paths, mark)?;
        }
        Err(StoreError::Older { missing })
    }
}
