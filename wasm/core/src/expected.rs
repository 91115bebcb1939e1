//! What a person expects a device's key to be.

use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::identity::Identity;

/// What comparing a person's word with a device's says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Comparison {
    /// Nothing was typed.
    Empty,
}

/// Compares what a person typed with what a device presented.
#[must_use]
pub fn compare(_typed: &str, _leaf: &Certificate, _identity: &Identity) -> Comparison {
    Comparison::Empty
}
