//! What mends a link.

use serde::{Deserialize, Serialize};

/// What mends a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Fix {
    /// Allow the extension to start the helper, when the browser asks.
    Allow,
    /// Install the extension, or switch it on.
    Extension,
    /// Look into the system: a firewall, or another program.
    Firewall,
    /// Use the browser that the distribution packages, not the one in a sandbox.
    NoSandbox,
    /// Install the proxy with which sandboxed browsers may start helpers.
    Portal,
    /// Change what the toolbar button names: the computer's proxy settings, or a policy.
    ProxySettings,
    /// Restart the browser.
    Restart,
    /// Put a copy of the list of devices back, or move it away.
    Restore,
    /// Set the clock.
    SetClock,
    /// Start the browser once, so that there is something to set up.
    StartBrowser,
    /// Switch the other extension off.
    SwitchOff,
    /// Install the tool for certificate stores.
    Tool,
    /// Close the browser, and check again.
    TryAgain,
    /// Move away what is in the place, and install again.
    MoveAway,
    /// Update the older of the two parts.
    Update,
    /// `housekey doctor --fix`.
    Mend,
}

impl Fix {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 16] = [
        Self::Allow,
        Self::Extension,
        Self::Firewall,
        Self::NoSandbox,
        Self::Portal,
        Self::ProxySettings,
        Self::Restart,
        Self::Restore,
        Self::SetClock,
        Self::StartBrowser,
        Self::SwitchOff,
        Self::Tool,
        Self::TryAgain,
        Self::MoveAway,
        Self::Update,
        Self::Mend,
    ];
}
