//! Connections that are open, so that a person's decision ends them at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use housekey_core::endpoint::Endpoint;
use tokio::sync::watch;

/// The open connections of each endpoint.
#[derive(Default)]
pub(super) struct Live(Mutex<HashMap<Endpoint, watch::Sender<()>>>);

/// Tells one connection when it is cut.
pub(super) struct Lifeline(watch::Receiver<()>);

impl Live {
    /// A lifeline for a new connection. It must be taken before the pin is looked up:
    /// then no decision can fall between the two.
    pub(super) fn lifeline(&self, endpoint: &Endpoint) -> Lifeline {
        let mut live = self.lock();
        live.retain(|_, sender| sender.receiver_count() > 0);
        let sender = live
            .entry(endpoint.clone())
            .or_insert_with(|| watch::Sender::new(()));
        Lifeline(sender.subscribe())
    }

    /// Cuts all connections to an endpoint.
    pub(super) fn cut(&self, endpoint: &Endpoint) {
        // Dropping the sender is what the lifelines notice.
        self.lock().remove(endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lifeline {
    /// Waits until the connection is cut.
    pub(super) async fn cut(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cut_reaches_every_connection_of_its_endpoint_only() {
        let live = Live::default();
        let (here, there) = (
            "192.168.1.20".parse().unwrap(),
            "192.168.1.21".parse().unwrap(),
        );
        let (first, second, other) = (
            live.lifeline(&here),
            live.lifeline(&here),
            live.lifeline(&there),
        );
        live.cut(&here);
        tokio::join!(first.cut(), second.cut());
        assert_eq!(
            live.lock().len(),
            1,
            "the other endpoint's connection lives"
        );
        drop(other);
        let _new = live.lifeline(&here);
        assert_eq!(live.lock().len(), 1, "what has no connection is not kept");
    }
}
