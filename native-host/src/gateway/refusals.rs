//! What the gateway refused and why, until the endpoint's next connection succeeds.

use std::sync::OnceLock;
use std::time::Duration;

use housekey_core::decision::{Finding, Rule};
use housekey_core::endpoint::Endpoint;
use housekey_core::protocol::Refusal;
use tokio::sync::mpsc;

use super::recent::Recent;

/// The last refusal of each endpoint.
#[derive(Default)]
pub(super) struct Refusals {
    last: Recent<Refusal>,
    listener: OnceLock<mpsc::Sender<Refusal>>,
}

impl Refusals {
    /// Every refusal from now on, for whoever does not ask for each. Only the first listener hears.
    pub(super) fn listen(&self) -> mpsc::Receiver<Refusal> {
        let (sender, receiver) = mpsc::channel(UNHEARD);
        let _ = self.listener.set(sender);
        receiver
    }

    /// Tells the listener of a refusal, if there is one. Whoever does not keep up misses some.
    pub(super) fn tell(&self, refusal: &Refusal) {
        if let Some(listener) = self.listener.get() {
            let _ = listener.try_send(refusal.clone());
        }
    }

    /// The last refusal at an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<Refusal> {
        self.last.with(endpoint, |refusal, _| refusal.clone())
    }

    /// Whether a person is about to be asked about this stranger, or was a moment ago.
    ///
    /// A page with sixty requests to a stranger costs the device one handshake and not one each.
    pub(super) fn asked_just_now(&self, endpoint: &Endpoint) -> bool {
        let asked = self.last.with(endpoint, |refusal, at| {
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
        let doubts = self.last.with(endpoint, |refusal, _| {
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
        self.tell(&refusal);
        self.last.insert(refusal.endpoint.clone(), refusal);
    }

    /// Forgets the refusal at an endpoint.
    pub(super) fn remove(&self, endpoint: &Endpoint) {
        self.last.remove(endpoint);
    }
}

const MOMENT: Duration = Duration::from_millis(500);
/// Refusals that wait for the listener; each may hold a chain of certificates.
const UNHEARD: usize = 16;
