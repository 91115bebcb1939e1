//! A meeting: what the gateway does between a browser's request and knowing who answers.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How far the gateway is with meeting a device that has no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Meeting {
    /// When it began.
    pub since: Timestamp,
    /// Where it stands.
    pub step: MeetingStep,
}

/// Where a meeting stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum MeetingStep {
    /// The device is being looked for: its name, then its port.
    Connecting,
    /// It is there, and its part of the TLS handshake is awaited.
    Handshaking,
}

impl MeetingStep {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 2] = [Self::Connecting, Self::Handshaking];
}
