//! What the gateway refused and why, until the endpoint's next connection succeeds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::pin::Pin;
use housekey_core::protocol::Refusal;

/// The last refusal of each endpoint, of at most [`MAX_REFUSALS`] endpoints.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<Endpoint, (Refusal, Instant)>>);

impl Refusals {
    /// The last refusal at an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<Refusal> {
        self.lock()
            .get(endpoint)
            .map(|(refusal, _)| refusal.clone())
    }

    /// Whether this very question came up a moment ago.
    ///
    /// A page with sixty requests to a stranger, or a browser that tries again and again, costs the
    /// device one handshake and not one each.
    pub(super) fn just_now(&self, endpoint: &Endpoint, pin: Option<&Pin>) -> bool {
        let refusals = self.lock();
        let Some((refusal, at)) = refusals.get(endpoint) else {
            return false;
        };
        let same_question = match (&refusal.finding, pin) {
            (Finding::Moved { .. } | Finding::Stranger | Finding::Unfit { .. }, None) => true,
            (Finding::Changed | Finding::Expired | Finding::Rotated, Some(pin)) => {
                refusal.pin.as_ref() == Some(pin)
            }
            // A device that could not be met may be back.
            _ => false,
        };
        same_question && at.elapsed() < MOMENT
    }

    /// Remembers a refusal. Where there are too many, the oldest goes: a page that tries every
    /// address of a network must not fill the memory.
    pub(super) fn insert(&self, refusal: Refusal) {
        let mut refusals = self.lock();
        if refusals.len() >= MAX_REFUSALS && !refusals.contains_key(&refusal.endpoint) {
            let oldest = refusals.values().min_by_key(|(_, at)| *at);
            if let Some(endpoint) = oldest.map(|(refusal, _)| refusal.endpoint.clone()) {
                refusals.remove(&endpoint);
            }
        }
        refusals.insert(refusal.endpoint.clone(), (refusal, Instant::now()));
    }

    /// Forgets the refusal at an endpoint.
    pub(super) fn remove(&self, endpoint: &Endpoint) {
        self.lock().remove(endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, (Refusal, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_REFUSALS: usize = 256;
const MOMENT: Duration = Duration::from_millis(500);
