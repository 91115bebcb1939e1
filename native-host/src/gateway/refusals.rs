//! What the gateway refused and why, until the endpoint's next connection succeeds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::protocol::Refusal;

/// The last refusal of each endpoint, of at most [`MAX_REFUSALS`] endpoints.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<Endpoint, Entry>>);

struct Entry {
    refusal: Refusal,
    at: Instant,
}

impl Refusals {
    /// The last refusal at an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<Refusal> {
        let refusals = self.lock();
        refusals.get(endpoint).map(|entry| entry.refusal.clone())
    }

    /// Whether a person is about to be asked about this stranger, or was a moment ago.
    ///
    /// A page with sixty requests to a stranger costs the device one handshake and not one each.
    pub(super) fn asked_just_now(&self, endpoint: &Endpoint) -> bool {
        self.lock()
            .get(endpoint)
            .is_some_and(|Entry { refusal, at }| {
                let asks = matches!(
                    refusal.finding,
                    Finding::Moved { .. } | Finding::Stranger | Finding::Unfit { .. }
                );
                asks && at.elapsed() < MOMENT
            })
    }

    /// Whether the last connection to this endpoint did not meet the key that is pinned there.
    pub(super) fn doubts(&self, endpoint: &Endpoint) -> bool {
        self.lock()
            .get(endpoint)
            .is_some_and(|Entry { refusal, .. }| {
                matches!(
                    refusal.finding,
                    Finding::Changed | Finding::Expired | Finding::Rotated
                )
            })
    }

    /// Remembers a refusal. Where there are too many, the oldest goes: a page that tries every
    /// address of a network must not fill the memory.
    pub(super) fn insert(&self, refusal: Refusal) {
        let mut refusals = self.lock();
        if refusals.len() >= MAX_REFUSALS && !refusals.contains_key(&refusal.endpoint) {
            let oldest = refusals.values().min_by_key(|entry| entry.at);
            if let Some(endpoint) = oldest.map(|entry| entry.refusal.endpoint.clone()) {
                refusals.remove(&endpoint);
            }
        }
        let endpoint = refusal.endpoint.clone();
        let at = Instant::now();
        refusals.insert(endpoint, Entry { refusal, at });
    }

    /// Forgets the refusal at an endpoint.
    pub(super) fn remove(&self, endpoint: &Endpoint) {
        self.lock().remove(endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_REFUSALS: usize = 256;
const MOMENT: Duration = Duration::from_millis(500);
