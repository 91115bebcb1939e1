//! How many endpoints without a pin are looked at.
//!
//! Whoever makes a browser open one address after the other learns from the time that each takes,
//! or from where it ends, what listens in a home: by pages in windows, or as another extension.
//! A person opens a few, and a browser that starts again opens what was open.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use housekey_core::endpoint::Endpoint;
use tokio::time::Instant;

/// The endpoints that were looked at in the last minute.
#[derive(Default)]
pub(super) struct Strangers(Mutex<HashMap<Endpoint, Instant>>);

impl Strangers {
    /// Whether this one may be looked at now. One that was just looked at may be again: nothing
    /// new is to be learnt from it, and pages have many parts.
    pub(super) fn admits(&self, endpoint: &Endpoint) -> bool {
        let now = Instant::now();
        let mut looked_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looked_at.retain(|_, at| now.duration_since(*at) < PERIOD);
        if !looked_at.contains_key(endpoint) {
            let of_host = looked_at.keys().filter(|it| it.host() == endpoint.host());
            if looked_at.len() >= MAX_ENDPOINTS || of_host.count() >= MAX_PORTS {
                return false;
            }
        }
        looked_at.insert(endpoint.clone(), now);
        true
    }
}

const PERIOD: Duration = Duration::from_secs(60);
/// More devices than a home has that are all new to Housekey and open in tabs.
const MAX_ENDPOINTS: usize = 64;
/// More than a person knows of one device.
const MAX_PORTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: usize, port: usize) -> Endpoint {
        format!("192.168.1.{host}:{port}").parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn neither_a_network_nor_a_host_is_searched_through() {
        let strangers = Strangers::default();
        let hosts = (1..=254).filter(|host| strangers.admits(&endpoint(*host, 443)));
        assert_eq!(hosts.count(), MAX_ENDPOINTS);
        assert!(strangers.admits(&endpoint(1, 443)), "a page has many parts");
        tokio::time::advance(PERIOD).await;
        let ports = (1..=65_535).filter(|port| strangers.admits(&endpoint(9, *port)));
        assert_eq!(ports.count(), MAX_PORTS);
        assert!(strangers.admits(&endpoint(10, 443)), "others are others");
        tokio::time::advance(PERIOD).await;
        assert!(strangers.admits(&endpoint(9, 9_999)));
        let kept = strangers.0.lock().unwrap().len();
        assert_eq!(kept, 1, "what is long ago is forgotten");
    }
}
