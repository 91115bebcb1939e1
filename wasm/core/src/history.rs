//! History: what happened to the devices that a person decided about.

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::fingerprint::SpkiSha256;
use crate::site::Site;
use crate::text::SafeText;
use crate::time::Timestamp;

/// Something that happened to a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Happening {
    /// The person let a site reach the device.
    AllowSite,
    /// The person trusted the key.
    Approve,
    /// The person blocked the endpoint.
    Block,
    /// The person let a site reach the device no longer.
    DisallowSite,
    /// The person trusted the key beyond its certificate.
    Extend,
    /// The person forgot the pin.
    Forget,
    /// The pin came from a file that the person imported.
    Import,
    /// The pin came from another endpoint.
    Move,
    /// The device came with a new certificate of the same key.
    Renew,
    /// The person trusted another key in place of the pinned one, past the warning.
    Replace,
    /// The person put a copy of the store back, and what the pin is now comes from it.
    Restore,
    /// The same device of the same verified company came with another key.
    Rotate,
    /// The person un-blocked the endpoint.
    Unblock,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct HistoryEntry {
    /// Grows with every line, so that the latest comes first and pages of lines can be asked for.
    pub id: u32,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub endpoint: Endpoint,
    /// What.
    pub what: Happening,
    /// With which key.
    pub spki_sha256: SpkiSha256,
    /// What the device was called then; empty in lines of before names were written down.
    pub name: SafeText,
    /// Which site, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

impl Happening {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::AllowSite,
        Self::Approve,
        Self::Block,
        Self::DisallowSite,
        Self::Extend,
        Self::Forget,
        Self::Import,
        Self::Move,
        Self::Renew,
        Self::Replace,
        Self::Restore,
        Self::Rotate,
        Self::Unblock,
    ];
}
