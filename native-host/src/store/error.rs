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
        "the pin store is damaged, so nothing is trusted; put a copy of it back, or move it away \
         to begin anew: then every device asks again"
    )]
    Damaged,
    /// The directory of makers, which goes with what the store says about them, does not hold
    /// together.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The file system refused.
    #[error("the pin store cannot be reached: {0}")]
    Io(std::io::Error),
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
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged,
            _ => Self::Sqlite(error),
        }
    }
}

impl From<StoreError> for HelperError {
    fn from(error: StoreError) -> Self {
        Self {
            code: ErrorCode::StoreUnusable,
            detail: error.to_string(),
        }
    }
}
