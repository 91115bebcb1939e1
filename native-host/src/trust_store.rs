//! Where browsers keep the authorities that a person chose to trust.

pub mod nss;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use housekey_core::checkup::Whose;
use rustls_pki_types::CertificateDer;

use crate::authority::fingerprint;
use crate::browsers::in_words;
use crate::paths::shown;

/// A store of trusted authorities, of which Housekey sees and touches its own entries only.
pub trait TrustStore: fmt::Debug {
    /// Whose store it is, where that is known.
    fn whose(&self) -> Option<Whose>;

    /// Where it is: what the installer remembers.
    fn location(&self) -> &Path;

    /// Whose store it is and where, for people.
    fn title(&self) -> String {
        let owner = self.whose().as_ref().map(in_words);
        let owner = owner.unwrap_or_else(|| "a certificate store".into());
        format!("{owner} ({})", shown(self.location()))
    }

    /// Checks that there is everything that looking into it takes.
    ///
    /// # Errors
    ///
    /// [`TrustStoreError::NoTool`].
    fn check_tool(&self) -> Result<(), TrustStoreError> {
        Ok(())
    }

    /// Whether there is such a store yet. Where the system has one for every user, there is.
    fn exists(&self) -> bool {
        true
    }

    /// The files of which it consists, where it is files of the user's.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// What everything in a store that can be made and deleted looks like now, if there is one.
    ///
    /// Where it is the same as after this installer's own last change, nobody else ever kept
    /// anything there.
    fn state(&self) -> Option<String> {
        None
    }

    /// Whether nothing at all is in a store that can be made and deleted. What cannot be read may
    /// hold something.
    fn is_empty(&self) -> bool {
        false
    }

    /// Housekey's entries.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn entries(&self) -> Result<Vec<Entry>, TrustStoreError>;

    /// Adds a root as trusted to vouch for servers and nothing else, and reads it back.
    /// A store that is not there is made.
    ///
    /// # Errors
    ///
    /// If it is not in the store afterwards exactly so.
    fn add(&self, root: &CertificateDer<'_>) -> Result<(), TrustStoreError>;

    /// Removes an entry, and reads the store to see that it is gone.
    ///
    /// # Errors
    ///
    /// If it still is there afterwards.
    fn remove(&self, entry: &Entry) -> Result<(), TrustStoreError>;

    /// Deletes a store that was made, whatever is in it. What the system made stays.
    ///
    /// # Errors
    ///
    /// [`TrustStoreError::Io`] if any of its files cannot be deleted.
    fn delete(&self) -> Result<(), TrustStoreError> {
        Ok(())
    }
}

/// One of Housekey's entries in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name in the store.
    pub name: String,
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Whether it is trusted to vouch for servers, and for nothing else.
    pub trusted: bool,
}

impl Entry {
    /// Whether this is that root, trusted as it should be.
    #[must_use]
    pub fn is(&self, root: &CertificateDer<'_>) -> bool {
        self.trusted && self.certificate.as_ref() == root.as_ref()
    }
}

/// The name of a root in every store.
#[must_use]
pub fn entry_name(root: &CertificateDer<'_>) -> String {
    format!("{NAME_PREFIX}{}", &fingerprint(root)[..16])
}

/// Why a store is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustStoreError {
    /// The store's tool is not installed.
    #[error(
        "certutil is missing; install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora) \
         or nss (Arch), then run this again"
    )]
    NoTool,
    /// The store is protected by a password that was not given.
    #[error(
        "{} is protected by a primary password; run this in a terminal, where it is asked for",
        .0.display()
    )]
    Password(PathBuf),
    /// What was read back is not what was written.
    #[error("{} did not keep the change; close the browser, then run this again", .0.display())]
    ReadBack(PathBuf),
    /// The tool could not be started, or a file could not be used.
    #[error("cannot use {}: {source}", .path.display())]
    Io {
        /// The store or tool.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The tool refused.
    #[error("{tool} cannot use {}: {message}", .path.display())]
    Tool {
        /// The tool.
        tool: &'static str,
        /// The store.
        path: PathBuf,
        /// What the tool said last.
        message: String,
    },
}

impl TrustStoreError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "trust_store_io",
            Self::NoTool => "trust_store_no_tool",
            Self::Password(_) => "trust_store_password",
            Self::ReadBack(_) => "trust_store_read_back",
            Self::Tool { .. } => "trust_store_tool",
        }
    }
}

/// How Housekey knows its own entries.
pub(crate) const NAME_PREFIX: &str = "Housekey local authority ";
