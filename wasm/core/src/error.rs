//! Stable codes of everything that can go wrong between a person and a device.

use serde::{Deserialize, Serialize};

/// Why the helper, or the core, did not do what it was asked.
///
/// Every code has a text and a hint in every locale: `error_<code>` and `hint_<code>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ErrorCode {
    /// Another device is trusted at this address already.
    AlreadyPinned,
    /// The local authority cannot be used: missing, ended, or its files are not as they were left.
    AuthorityUnusable,
    /// A message could not be read.
    BadMessage,
    /// The browser did not do what was needed, such as deleting a site's data.
    BrowserRefused,
    /// The helper cannot be reached.
    HelperGone,
    /// The device shows another key than the one that the person was asked about.
    KeyChanged,
    /// The certificate cannot vouch for devices: it is none, it is not its own issuer, it has ended,
    /// its key is weak, or it is one that this computer trusts for other things.
    MakerUnfit,
    /// The device cannot be met.
    NotMet,
    /// There is no pin at this endpoint.
    NotPinned,
    /// The address is not a device of a home network.
    NotPrivate,
    /// The other side is newer.
    ProtocolTooNew,
    /// The other side is older.
    ProtocolTooOld,
    /// The pin store is gone, an older copy of itself, or another one than before. Nobody said that
    /// this was meant.
    StoreReplaced,
    /// The pin store cannot be read or written. It is never taken for an empty one.
    StoreUnusable,
    /// The page's question is not open any more.
    UnknownPrompt,
}

impl ErrorCode {
    /// All codes, for tables and tests.
    pub const ALL: [Self; 15] = [
        Self::AlreadyPinned,
        Self::AuthorityUnusable,
        Self::BadMessage,
        Self::BrowserRefused,
        Self::HelperGone,
        Self::KeyChanged,
        Self::MakerUnfit,
        Self::NotMet,
        Self::NotPinned,
        Self::NotPrivate,
        Self::ProtocolTooNew,
        Self::ProtocolTooOld,
        Self::StoreReplaced,
        Self::StoreUnusable,
        Self::UnknownPrompt,
    ];
}
