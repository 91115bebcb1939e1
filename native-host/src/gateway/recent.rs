//! The last thing that is known about each of a bounded number of endpoints.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use housekey_core::endpoint::Endpoint;

/// One value for each of at most [`MAX_ENDPOINTS`] endpoints, with when it came.
pub(super) struct Recent<T>(Mutex<HashMap<Endpoint, (T, Instant)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recent<T> {
    /// What `look` sees in the value of an endpoint, if it has one.
    pub(super) fn with<R>(
        &self,
        endpoint: &Endpoint,
        look: impl FnOnce(&T, Instant) -> R,
    ) -> Option<R> {
        self.lock()
            .get(endpoint)
            .map(|(value, at)| look(value, *at))
    }

    /// Remembers a value. Where there are too many, the oldest goes: a page that tries every
    /// address of a network must not fill the memory.
    pub(super) fn insert(&self, endpoint: Endpoint, value: T) {
        let mut recent = self.lock();
        if recent.len() >= MAX_ENDPOINTS && !recent.contains_key(&endpoint) {
            let oldest = recent.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(endpoint) = oldest.map(|(endpoint, _)| endpoint.clone()) {
                recent.remove(&endpoint);
            }
        }
        recent.insert(endpoint, (value, Instant::now()));
    }

    /// Forgets the value of an endpoint.
    pub(super) fn remove(&self, endpoint: &Endpoint) {
        self.lock().remove(endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, (T, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MAX_ENDPOINTS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(number: usize) -> Endpoint {
        format!("192.168.1.20:{}", number + 1).parse().unwrap()
    }

    #[test]
    fn the_oldest_goes_first() {
        let recent = Recent::default();
        for number in 0..MAX_ENDPOINTS {
            recent.insert(endpoint(number), number);
        }
        // Said again, it is new again, and takes nobody's place.
        recent.insert(endpoint(0), 0);
        recent.insert(endpoint(MAX_ENDPOINTS), MAX_ENDPOINTS);
        let kept = |number: usize| recent.with(&endpoint(number), |value, _| *value);
        assert_eq!((kept(0), kept(1)), (Some(0), None));
        assert_eq!(kept(MAX_ENDPOINTS), Some(MAX_ENDPOINTS));
        assert_eq!(recent.lock().len(), MAX_ENDPOINTS);
    }
}
