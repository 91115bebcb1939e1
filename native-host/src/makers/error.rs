//! Why a maker was not added, changed or found.

use housekey_core::error::ErrorCode;
use housekey_core::maker::{MakerId, RootError};
use housekey_core::protocol::HelperError;
use housekey_core::text::SafeText;

use crate::store::StoreError;

/// Why a maker was not added, changed or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakerError {
    /// Its root's key is there already.
    #[error("this root is there already, as {name} ({id}); see `housekey makers show {id}`")]
    Known {
        /// As which maker.
        id: MakerId,
        /// What that is called.
        name: SafeText,
    },
    /// It comes with Housekey.
    #[error(
        "{0} comes with Housekey and cannot be removed; switch it off with `housekey makers off {0}`"
    )]
    Listed(MakerId),
    /// It has no name.
    #[error("the manufacturer needs a name; give one with --name")]
    NoName,
    /// There is no certificate.
    #[error("there is no certificate in it; ask the manufacturer for its root, in PEM or DER")]
    NotACertificate,
    /// The device did not send this root, or its chain would not end in it.
    #[error("the device does not vouch for itself with that root any more; look at it again")]
    NotOffered,
    /// It is Housekey's own authority.
    #[error("this is Housekey's own authority on this computer, which no device may use")]
    OwnAuthority,
    /// There is a private key in it.
    #[error(
        "there is a private key in it; a manufacturer keeps that to itself, so give the \
         certificate alone"
    )]
    PrivateKey,
    /// There are several certificates in it.
    #[error("there are {0} certificates in it; give the root alone, which is usually the last")]
    Several(usize),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This computer trusts it for everything.
    #[error(
        "this computer trusts that root for every website, so it can prove no manufacturer; \
         devices with certificates of it are verified already"
    )]
    SystemRoot,
    /// It is larger than any certificate.
    #[error("it is too large for a certificate; give the root alone")]
    TooLarge,
    /// There are too many already.
    #[error("there are a hundred manufacturers already; remove one with `housekey makers remove`")]
    TooMany,
    /// It cannot be a root.
    #[error("it can be no manufacturer's root, as {0}; ask the manufacturer for one")]
    Unfit(#[from] RootError),
    /// There is no such maker.
    #[error("there is no manufacturer {0}; see `housekey makers list`")]
    Unknown(MakerId),
}

impl From<MakerError> for HelperError {
    fn from(error: MakerError) -> Self {
        let code = match error {
            MakerError::Store(error) => return error.into(),
            MakerError::NotOffered => ErrorCode::KeyChanged,
            // Only a page that shows an old list asks for these.
            MakerError::Listed(_) | MakerError::Unknown(_) => ErrorCode::BadMessage,
            _ => ErrorCode::MakerUnfit,
        };
        Self {
            code,
            detail: error.to_string(),
        }
    }
}
