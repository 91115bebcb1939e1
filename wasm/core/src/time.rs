//! Points in time. The core never looks at a clock: callers say what time it is.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "number"))]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This point in time and so many days.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(86_400)))
    }
}
