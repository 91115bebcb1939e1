//! What the gateway refused and why, until the endpoint's next connection succeeds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use housekey_core::endpoint::Endpoint;
use housekey_core::protocol::Refusal;

/// The last refusal of each endpoint, of at most [`MAX_REFUSALS`] endpoints.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<Endpoint, Refusal>>);

impl Refusals {
    /// The last refusal at an endpoint.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Option<Refusal> {
        self.lock().get(endpoint).cloned()
    }

    /// Remembers a refusal. Where there are too many, the oldest goes: a page that tries every
    /// address of a network must not fill the memory.
    pub(super) fn insert(&self, refusal: Refusal) {
        let mut refusals = self.lock();
        if refusals.len() >= MAX_REFUSALS && !refusals.contains_key(&refusal.endpoint) {
            let oldest = refusals.values().min_by_key(|refusal| refusal.at);
            if let Some(endpoint) = oldest.map(|refusal| refusal.endpoint.clone()) {
                refusals.remove(&endpoint);
            }
        }
        refusals.insert(refusal.endpoint.clone(), refusal);
    }

    /// Forgets the refusal at an endpoint.
    pub(super) fn remove(&self, endpoint: &Endpoint) {
        self.lock().remove(endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_REFUSALS: usize = 256;
