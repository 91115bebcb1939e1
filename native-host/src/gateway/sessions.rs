//! Sessions with devices, kept for one endpoint with one pin.

use std::sync::Arc;
use std::time::Duration;

use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::pin::Pin;
use housekey_core::time::Timestamp;

use super::recent::Recent;
use crate::danger::Acquaintance;

/// What makes the next handshake with a device cheaper: its session tickets and its favourite group.
///
/// A ticket is offered only for the decision under which it was received, and every new decision
/// about the endpoint throws it away. It proves nothing: the chain of its session is compared with
/// the pin on every connection, and once an hour the device has to sign anew.
#[derive(Default)]
pub(super) struct Sessions(Recent<Session>);

struct Session {
    decision: Decision,
    acquaintance: Arc<Acquaintance>,
}

/// The person's decision that a session belongs to. A pin that was forgotten and made again, in
/// another browser perhaps, is another one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Decision {
    spki_sha256: SpkiSha256,
    first_seen: Timestamp,
}

impl Sessions {
    /// The sessions with the device of this pin; new ones where there are none.
    pub(super) fn with(&self, pin: &Pin, new: impl FnOnce() -> Acquaintance) -> Arc<Acquaintance> {
        let decision = Decision {
            spki_sha256: pin.spki_sha256,
            first_seen: pin.first_seen,
        };
        let known = self.0.with(&pin.endpoint, |session, since| {
            let fits = session.decision == decision && since.elapsed() < MAX_AGE;
            fits.then(|| Arc::clone(&session.acquaintance))
        });
        known.flatten().unwrap_or_else(|| {
            let acquaintance = Arc::new(new());
            let session = Session {
                decision,
                acquaintance: Arc::clone(&acquaintance),
            };
            self.0.insert(pin.endpoint.clone(), session);
            acquaintance
        })
    }

    /// Throws away the sessions with an endpoint.
    pub(super) fn forget(&self, endpoint: &Endpoint) {
        self.0.remove(endpoint);
    }
}

/// Then a full handshake: a certificate that was renewed is noticed, and so is a ticket key that
/// outlived its device.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
