//! The links of the chain between a browser and a device.

use serde::{Deserialize, Serialize};

/// A link of the chain, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Link {
    /// The program that browsers start.
    Program,
    /// Its files, and who may read them.
    Files,
    /// That each browser knows where it is.
    Registration,
    /// That each browser has the extension, and which version.
    Extension,
    /// The local authority itself.
    Authority,
    /// That each browser trusts it.
    Trust,
    /// The gateway on this computer.
    Gateway,
    /// That the browser sends devices' traffic there.
    Proxy,
    /// The list of devices.
    Store,
    /// The clock.
    Clock,
    /// That names of devices can be asked for.
    Names,
    /// A whole connection.
    Connection,
}

impl Link {
    /// All of them, in the order of the chain.
    pub const ALL: [Self; 12] = [
        Self::Program,
        Self::Files,
        Self::Registration,
        Self::Extension,
        Self::Authority,
        Self::Trust,
        Self::Gateway,
        Self::Proxy,
        Self::Store,
        Self::Clock,
        Self::Names,
        Self::Connection,
    ];
}
