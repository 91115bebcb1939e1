//! Words: a key's fingerprint, to read aloud.

use std::fmt;

use crate::fingerprint::SpkiSha256;

/// A key's fingerprint as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// The words of a key.
    #[must_use]
    pub fn of(key: SpkiSha256) -> Self {
        Self(key.to_string())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
