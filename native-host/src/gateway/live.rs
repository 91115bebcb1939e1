//! Connections that are open: so that a person's decision ends them at once, and so that it can be
//! said what they speak.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use housekey_core::chain::TlsVersion;
use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::protocol::LiveConnection;
use housekey_core::text::SafeText;
use tokio::sync::{Notify, watch};

/// The open connections of each endpoint.
#[derive(Default)]
pub(super) struct Live {
    endpoints: Mutex<HashMap<Endpoint, Connections>>,
    opened: Notify,
    /// How many connections passed bytes so far, which numbers them: one that ends is never taken
    /// for one that began after a cut.
    passed: AtomicU64,
}

/// Tells one connection when it is cut.
pub(super) struct Lifeline(watch::Receiver<()>);

/// A connection that passes bytes between a browser and a device, as long as this lives.
pub(super) struct Passing<'l> {
    live: &'l Live,
    endpoint: Endpoint,
    number: u64,
}

/// Those of one endpoint.
#[derive(Default)]
struct Connections {
    /// Dropping it is what the lifelines notice.
    lifeline: watch::Sender<()>,
    /// Whether any of them looked for a pin yet.
    judged: bool,
    /// The key that the endpoint's pin held when they looked, if there was one.
    key: Option<SpkiSha256>,
    /// What those that pass bytes speak, the latest last.
    passing: Vec<(u64, Spoken)>,
}

struct Spoken {
    tls: TlsVersion,
    alpn: Option<SafeText>,
}

impl Live {
    /// A lifeline for a new connection. It must be taken before the pin is looked up:
    /// then no decision can fall between the two.
    pub(super) fn lifeline(&self, endpoint: &Endpoint) -> Lifeline {
        let mut endpoints = self.lock();
        let connections = endpoints.entry(endpoint.clone()).or_default();
        let lifeline = Lifeline(connections.lifeline.subscribe());
        drop(endpoints);
        self.opened.notify_one();
        lifeline
    }

    /// Writes down the key by which a connection is judged, if anything is pinned. Returns whether
    /// all that are open were judged alike; otherwise nothing is written down, and they are to be
    /// cut, with the new one.
    #[must_use]
    pub(super) fn judge_by(&self, endpoint: &Endpoint, key: Option<SpkiSha256>) -> bool {
        let mut endpoints = self.lock();
        let Some(connections) = endpoints.get_mut(endpoint) else {
            return false; // It was cut meanwhile.
        };
        let is_alone = connections.lifeline.receiver_count() <= 1;
        if connections.judged && connections.key != key && !is_alone {
            return false;
        }
        (connections.judged, connections.key) = (true, key);
        true
    }

    /// Counts a connection that begins to pass bytes.
    pub(super) fn passing(
        &self,
        endpoint: &Endpoint,
        tls: TlsVersion,
        alpn: Option<SafeText>,
    ) -> Passing<'_> {
        let number = self.passed.fetch_add(1, Ordering::Relaxed);
        if let Some(connections) = self.lock().get_mut(endpoint) {
            connections.passing.push((number, Spoken { tls, alpn }));
        }
        Passing {
            live: self,
            endpoint: endpoint.clone(),
            number,
        }
    }

    /// What the open connections of an endpoint speak: how many there are, and the rest of the
    /// latest.
    pub(super) fn spoken(&self, endpoint: &Endpoint) -> Option<LiveConnection> {
        let endpoints = self.lock();
        let passing = &endpoints.get(endpoint)?.passing;
        let (_, Spoken { tls, alpn }) = passing.last()?;
        Some(LiveConnection {
            tls: *tls,
            alpn: alpn.clone(),
            open: u32::try_from(passing.len()).unwrap_or(u32::MAX),
        })
    }

    /// Every endpoint with a connection, and the key by which it was judged, if by any.
    pub(super) fn judged(&self) -> Vec<(Endpoint, Option<SpkiSha256>)> {
        let mut endpoints = self.lock();
        endpoints.retain(|_, connections| connections.lifeline.receiver_count() > 0);
        let judged = endpoints
            .iter()
            .map(|(endpoint, connections)| (endpoint.clone(), connections.key));
        judged.collect()
    }

    /// Waits until there is a connection. One task at most may wait.
    pub(super) async fn until_any(&self) {
        while self.judged().is_empty() {
            self.opened.notified().await;
        }
    }

    /// Cuts all connections to an endpoint.
    pub(super) fn cut(&self, endpoint: &Endpoint) {
        self.lock().remove(endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Endpoint, Connections>> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lifeline {
    /// Waits until the connection is cut.
    pub(super) async fn cut(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if let Some(connections) = self.live.lock().get_mut(&self.endpoint) {
            connections
                .passing
                .retain(|(number, _)| *number != self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_cut_reaches_every_connection_of_its_endpoint_only() {
        let live = Live::default();
        let (here, there) = (endpoint("192.168.1.20"), endpoint("192.168.1.21"));
        let (first, second, other) = (
            live.lifeline(&here),
            live.lifeline(&here),
            live.lifeline(&there),
        );
        live.cut(&here);
        tokio::join!(first.cut(), second.cut());
        assert_eq!(live.judged(), [(there, None)], "the other endpoint's lives");
        drop(other);
        let _new = live.lifeline(&here);
        assert_eq!(
            live.judged(),
            [(here, None)],
            "what has no connection is not kept"
        );
    }

    #[test]
    fn no_connection_is_judged_otherwise_than_those_that_are_open() {
        let live = Live::default();
        let here = endpoint("192.168.1.20");
        let key = |digit: &str| Some(digit.repeat(64).parse::<SpkiSha256>().unwrap());
        let first = live.lifeline(&here);
        assert!(live.judge_by(&here, key("1")));
        let second = live.lifeline(&here);
        assert!(live.judge_by(&here, key("1")));
        for other in [key("2"), None] {
            assert!(!live.judge_by(&here, other));
            assert_eq!(live.judged(), [(here.clone(), key("1"))]);
        }
        drop((first, second));
        let _alone = live.lifeline(&here);
        assert!(live.judge_by(&here, None), "nobody is left of before");
        let _one_more = live.lifeline(&here);
        assert!(!live.judge_by(&here, key("1")));
        live.cut(&here);
        assert!(!live.judge_by(&here, None), "it was cut itself");
    }

    #[tokio::test]
    async fn what_the_latest_speaks_is_told_and_each_is_counted() {
        let live = Live::default();
        let here = endpoint("192.168.1.20");
        let _lifelines = (live.lifeline(&here), live.lifeline(&here));
        assert_eq!(live.spoken(&here), None, "none passes bytes yet");
        let h2 = live.passing(&here, TlsVersion::V1_3, Some(SafeText::new("h2")));
        let old = live.passing(&here, TlsVersion::V1_2, None);
        let both = live.spoken(&here).unwrap();
        assert_eq!((both.tls, both.open), (TlsVersion::V1_2, 2));
        drop(old);
        let one = live.spoken(&here).unwrap();
        assert_eq!((one.tls, one.open), (TlsVersion::V1_3, 1));
        assert_eq!(one.alpn, Some(SafeText::new("h2")));
        live.cut(&here);
        assert_eq!(live.spoken(&here), None);
        // What comes after a cut is not counted off by what ends from before it.
        let _lifeline = live.lifeline(&here);
        let _new = live.passing(&here, TlsVersion::V1_3, None);
        let before = live.spoken(&here);
        drop(h2);
        assert_eq!(live.spoken(&here), before);
    }
}
