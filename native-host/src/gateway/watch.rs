//! Decisions of others: what another browser's helper or the command line writes into the store
//! counts for the connections that are open here, too.
//!
//! SQLite tells nobody that something was written, but says for next to nothing whether it was.
//! That is asked before each new connection, and once a second while any is open. A gateway without
//! connections asks nothing and never wakes up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use housekey_core::fingerprint::SpkiSha256;
use housekey_core::pin::Pin;

use super::Gateway;
use crate::store::{Store, StoreError};

/// The version of the store up to which decisions were heeded.
pub(super) struct Heeded(AtomicI64);

impl Heeded {
    /// All that was decided until now.
    pub(super) fn until_now(store: &Store) -> Result<Self, StoreError> {
        Ok(Self(AtomicI64::new(store.version()?)))
    }
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
            && self.heeded.0.swap(version, Ordering::SeqCst) == version
        {
            return;
        }
        self.heed();
    }

    /// Cuts the connections that would not be judged now as they were.
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
