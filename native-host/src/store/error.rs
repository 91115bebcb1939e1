//! Why the store cannot be used.

use housekey_core::error::ErrorCode;
use housekey_core::protocol::HelperError;

use crate::makers::directory::DirectoryError;
use crate::paths::PathsError;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is not a sound store.
    #[error(
        "the pin store is damaged, so nothing is trusted; `housekey pins restore` puts its last \
         copy back, after saying what that changes"
    )]
    Damaged,
    /// The directory of makers, which goes with what the store says about them, does not hold
    /// together.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// There was a store here, and its file is gone.
    #[error(
        "the pin store is gone, so nothing is trusted; `housekey pins restore` puts its last copy \
         back, after saying what that changes"
    )]
    Gone,
    /// The file system refused.
    #[error("the pin store cannot be reached: {0}")]
    Io(std::io::Error),
    /// It is a copy of some time ago, which lacks the last changes.
    #[error(
        "the pin store is an older copy that lacks {missing} changes, so nothing is trusted; \
         `housekey pins restore` says what is in it, and in the copies that Housekey made"
    )]
    Older {
        /// How many.
        missing: i64,
    },
    /// It is sound, but another store was here the last time, or none that counted its changes.
    #[error(
        "the pin store is not the one that was here before, so nothing is trusted; \
         `housekey pins restore` says what is in it, and in the copies that Housekey made"
    )]
    Other,
    /// The file or its directory is not this user's alone.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// SQLite refused.
    #[error("the pin store cannot be used: {0}")]
    Sqlite(rusqlite::Error),
    /// A newer Housekey wrote it.
    #[error("the pin store was written by a newer Housekey; update this one")]
    TooNew,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
        match error.sqlite_error_code() {
            // The last is what SQLite says of a format or a table that it does not find.
            Some(DatabaseCorrupt | NotADatabase | Unknown) => Self::Damaged,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<StoreError> for HelperError {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Gone | StoreError::Older { .. } | StoreError::Other => {
                ErrorCode::StoreReplaced
            }
            _ => ErrorCode::StoreUnusable,
        };
        Self {
            code,
            detail: error.to_string(),
        }
    }
}
