//! What the gateway refused and why, until the endpoint's next connection succeeds.

use std::time::Duration;

use housekey_core::decision::{Finding, Rule};
use housekey_core::endpoint::Endpoint;
use housekey_core::protocol::Refusal;

use super::recent::Recent;

/// The last refusal of each endpoint.
#[derive(Default)]
pub(super) struct Refusals(Recent<Refusal>);

impl Refusals {
    /// The last refusal at an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<Refusal> {
        self.0.with(endpoint, |refusal, _| refusal.clone())
    }

    /// Whether a person is about to be asked about this stranger, or was a moment ago.
    ///
    /// A page with sixty requests to a stranger costs the device one handshake and not one each.
    pub(super) fn asked_just_now(&self, endpoint: &Endpoint) -> bool {
        let asked = self.0.with(endpoint, |refusal, at| {
            let asks = matches!(
                refusal.finding,
                Finding::Forbidden {
                    rule: Rule::Unverified
                } | Finding::Moved { .. }
                    | Finding::Stranger
                    | Finding::Unfit { .. }
            );
            asks && at.elapsed() < MOMENT
        });
        asked.unwrap_or(false)
    }

    /// Whether the last connection to this endpoint did not meet the key that is pinned there.
    pub(super) fn doubts(&self, endpoint: &Endpoint) -> bool {
        let doubts = self.0.with(endpoint, |refusal, _| {
            matches!(
                refusal.finding,
                Finding::Changed
                    | Finding::Expired
                    | Finding::Forbidden {
                        rule: Rule::Expired
                    }
                    | Finding::Rotated
            )
        });
        doubts.unwrap_or(false)
    }

    /// Remembers a refusal.
    pub(super) fn insert(&self, refusal: Refusal) {
        self.0.insert(refusal.endpoint.clone(), refusal);
    }

    /// Forgets the refusal at an endpoint.
    pub(super) fn remove(&self, endpoint: &Endpoint) {
        self.0.remove(endpoint);
    }
}

const MOMENT: Duration = Duration::from_millis(500);
