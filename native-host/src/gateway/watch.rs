//! Decisions of others: what another browser's helper or the command line writes into the store
//! counts for the connections that are open here, too.
//!
//! SQLite tells nobody that something was written, but says for next to nothing whether it was.
//! That is asked before each new connection, and once a second while any is open. A gateway without
//! connections asks nothing and never wakes up.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::pin::Pin;
use housekey_core::site::Allowance;

use super::Gateway;
use crate::store::{Store, StoreError, Version};

/// The decisions that were heeded.
pub(super) struct Heeded {
    /// Up to which version of the store.
    version: Mutex<Version>,
    /// By whom what is open may have been let in.
    allowed: Mutex<Vec<Allowance>>,
}

impl Heeded {
    /// All that was decided until now.
    pub(super) fn until_now(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            version: Mutex::new(store.version()?),
            allowed: Mutex::new(store.allowances()?),
        })
    }

    /// Writes down by whom a page's connection may be let in. The store must be asked once more
    /// after it: then no decision can fall between the two.
    pub(super) fn lets_in(&self, allowed: &[Allowance]) {
        let mut known = self.allowed();
        let new = allowed.iter().filter(|it| !holds(&known, it)).cloned();
        let new: Vec<_> = new.collect();
        known.extend(new);
    }

    /// Forgets by whom the connections to an endpoint were let in, which are about to be cut: from
    /// now on it is by whoever is allowed now.
    pub(super) fn begin_anew(&self, endpoint: &Endpoint, allowed: Vec<Allowance>) {
        let mut known = self.allowed();
        known.retain(|it| it.endpoint != *endpoint);
        known.extend(allowed.into_iter().filter(|it| it.endpoint == *endpoint));
    }

    /// The endpoints that somebody may reach no longer, now that these are allowed.
    fn taken_back(&self, allowed: Vec<Allowance>) -> Vec<Endpoint> {
        let before = mem::replace(&mut *self.allowed(), allowed.clone());
        let lost = before.into_iter().filter(|it| !holds(&allowed, it));
        lost.map(|it| it.endpoint).collect()
    }

    /// Whether anything was decided since, up to this version of the store.
    fn is_news(&self, version: Version) -> bool {
        let mut known = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut *known, version) != version
    }

    fn allowed(&self) -> MutexGuard<'_, Vec<Allowance>> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a site is allowed what it was. What the device is called is no matter.
fn holds(allowed: &[Allowance], before: &Allowance) -> bool {
    let mut allowed = allowed.iter();
    allowed.any(|it| it.is_for(&before.site, &before.endpoint))
}

impl Gateway {
    /// Heeds decisions of others as long as there are connections, for ever.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            self.live.until_any().await;
            tokio::time::sleep(INTERVAL).await;
            self.heed_others();
        }
    }

    /// Heeds the decisions of others, if anybody decided anything.
    pub(super) fn heed_others(&self) {
        if let Ok(version) = self.store.version()
            && !self.heeded.is_news(version)
        {
            return;
        }
        self.heed();
    }

    /// Cuts the connections that would not be judged now as they were, and those to a device that
    /// a site may reach no longer: a page's WebSocket, or what it reads, has no end of its own.
    ///
    /// A store that cannot be read ends them, too: without it, nobody knows what is trusted.
    pub fn heed(&self) {
        for (endpoint, key) in self.live.judged() {
            match self.store.pin(&endpoint) {
                Ok(pin) if is_as_judged(pin.as_ref(), key) => {}
                Ok(_) => self.cut(&endpoint),
                Err(error) => {
                    tracing::error!(%error, "no connection without the pin store");
                    self.cut(&endpoint);
                }
            }
        }
        // Where they cannot be read, nobody was allowed anything.
        let allowed = self.store.allowances().unwrap_or_default();
        for endpoint in self.heeded.taken_back(allowed) {
            self.cut(&endpoint);
        }
    }
}

/// Whether a connection that was judged by this key, or that began where nothing was pinned, would
/// be judged alike now.
fn is_as_judged(pin: Option<&Pin>, key: Option<SpkiSha256>) -> bool {
    match (pin, key) {
        (Some(pin), Some(key)) => pin.spki_sha256 == key && !pin.blocked,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// As long as an open connection may outlive another program's decision.
const INTERVAL: Duration = Duration::from_secs(1);
