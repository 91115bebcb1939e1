//! From an accepted CONNECT to two spliced TLS connections, or to a refusal.

use std::time::{Duration, SystemTime};

use housekey_core::chain::UnverifiedChain;
use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::pin::{Mismatch, Pin, PinMatch};
use housekey_core::protocol::Refusal;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use super::Gateway;
use super::connect::{Status, answer};
use super::distrust::BrowserDistrust;
use crate::chain::timestamp;
use crate::danger::Stranger;
use crate::resolve;
use crate::store::{Amendment, Happening};

impl Gateway {
    /// Serves one CONNECT for an endpoint, until either side ends it or the person does.
    pub(super) async fn forward(&self, mut browser: TcpStream, endpoint: &Endpoint) {
        if !self.scope().is_device(endpoint.host()) {
            return answer(&mut browser, Status::Forbidden).await;
        }
        self.heed_others();
        let lifeline = self.live.lifeline(endpoint);
        tokio::select! {
            // The person's decision comes first: not one more byte after it.
            biased;
            () = lifeline.cut() => {}
            () = self.forward_by_pin(browser, endpoint) => {}
        }
    }

    async fn forward_by_pin(&self, mut browser: TcpStream, endpoint: &Endpoint) {
        let pin = self.store.pin(endpoint);
        if let Ok(Some(pin)) = &pin {
            self.live.judge_by(endpoint, pin.spki_sha256);
        }
        match pin {
            Ok(Some(pin)) if pin.blocked => {
                self.remember(endpoint, Finding::Blocked, Some(pin));
                answer(&mut browser, Status::Forbidden).await;
            }
            Ok(Some(pin)) if self.has_stale_session(endpoint) => {
                self.remember(endpoint, Finding::StaleSession, Some(pin));
                answer(&mut browser, Status::Forbidden).await;
            }
            Ok(Some(pin)) if self.refusals.doubts(endpoint) => {
                self.forward_doubted(browser, &pin).await;
            }
            Ok(Some(pin)) => self.forward_pinned(browser, &pin).await,
            Ok(None) if self.refusals.asked_just_now(endpoint) => {
                answer(&mut browser, Status::Forbidden).await;
            }
            Ok(None) => self.forward_unpinned(browser, endpoint).await,
            Err(error) => {
                tracing::error!(%error, "no connection without the pin store");
                answer(&mut browser, Status::BadGateway).await;
            }
        }
    }

    /// Whether this browser profile may hold what another device of this host left in it.
    /// Where that cannot be found out, it may.
    fn has_stale_session(&self, endpoint: &Endpoint) -> bool {
        self.profile().is_some_and(|profile| {
            let stale = self.store.has_stale_session(&profile, endpoint.host());
            stale.unwrap_or(true)
        })
    }

    /// There is no pin: passes a device through that the browser itself is content with, and
    /// otherwise refuses, with everything that the person's decision needs.
    async fn forward_unpinned(&self, mut browser: TcpStream, endpoint: &Endpoint) {
        let now = SystemTime::now();
        let scope = self.scope();
        let met = self.prober.meet(endpoint, &scope, offer()).await;
        let observed = met.map(|stranger| self.prober.observe(endpoint, &stranger, now));
        let status = match observed {
            Err(failure) => {
                self.remember(endpoint, Finding::Failed { failure }, None);
                Status::BadGateway
            }
            Ok(Ok(observation)) if self.prober.is_fine_already(&observation, now) => {
                return self.pass_through(browser, endpoint).await;
            }
            Ok(observation) => match observation.and_then(|it| self.prober.judge(it, now)) {
                Ok(Some(refusal)) => {
                    self.refusals.insert(refusal);
                    Status::Forbidden
                }
                // Pinned in this very moment: the browser's next try finds the pin.
                Ok(None) => Status::BadGateway,
                Err(error) => {
                    tracing::error!(%error, "no connection without the pin store");
                    Status::BadGateway
                }
            },
        };
        answer(&mut browser, status).await;
    }

    /// Splices the browser's own TLS connection to the device: no leaf, no pin, no part in it.
    async fn pass_through(&self, mut browser: TcpStream, endpoint: &Endpoint) {
        match resolve::connect(endpoint, &self.scope()).await {
            Ok(mut device) => {
                self.refusals.remove(endpoint);
                answer(&mut browser, Status::Established).await;
                splice(&mut browser, &mut device).await;
            }
            Err(failure) => {
                self.remember(endpoint, Finding::Failed { failure }, None);
                answer(&mut browser, Status::BadGateway).await;
            }
        }
    }

    /// There is a pin, but the last time another key answered: looks before the CONNECT is answered.
    ///
    /// A browser whose handshake breaks off tries again and again, Firefox twenty times for one
    /// page; one whose CONNECT is refused does not.
    async fn forward_doubted(&self, mut browser: TcpStream, pin: &Pin) {
        let met = self
            .prober
            .meet(&pin.endpoint, &self.scope(), offer())
            .await;
        match met {
            Ok(stranger) if self.check(&stranger, pin).is_some() => {
                drop(stranger);
                self.refusals.remove(&pin.endpoint);
                self.forward_pinned(browser, pin).await;
            }
            Ok(_) => answer(&mut browser, Status::Forbidden).await,
            Err(failure) => {
                let finding = Finding::Failed { failure };
                self.remember(&pin.endpoint, finding, Some(pin.clone()));
                answer(&mut browser, Status::BadGateway).await;
            }
        }
    }

    /// There is a pin: the device has to hold its key.
    async fn forward_pinned(&self, mut browser: TcpStream, pin: &Pin) {
        let scope = self.scope();
        answer(&mut browser, Status::Established).await;
        // The device's socket opens while the browser writes its first flight.
        // That flight has to be read before the device is greeted, because it says which
        // application protocols the browser can speak on this connection.
        let hello = timeout(
            HELLO_TIMEOUT,
            LazyConfigAcceptor::new(Acceptor::default(), browser),
        );
        let (hello, device) = tokio::join!(hello, resolve::connect(&pin.endpoint, &scope));
        let Ok(Ok(hello)) = hello else { return };
        let met = match device {
            Ok(socket) => {
                self.prober
                    .shake_hands(socket, &pin.endpoint, offered(&hello))
                    .await
            }
            Err(failure) => Err(failure),
        };
        let stranger = match met {
            Ok(stranger) => stranger,
            Err(failure) => {
                return self.remember(
                    &pin.endpoint,
                    Finding::Failed { failure },
                    Some(pin.clone()),
                );
            }
        };
        let Some(proof) = self.check(&stranger, pin) else {
            return;
        };
        let alpn = stranger.alpn().map(<[u8]>::to_vec);
        let (tls, alpn_text) = (stranger.tls(), stranger.alpn_text());
        let Some(mut device) = stranger.admit(&proof) else {
            return;
        };
        self.refusals.remove(&pin.endpoint);
        let finished = match self.leaves.config(pin, &proof, alpn) {
            Ok(config) => timeout(HELLO_TIMEOUT, hello.into_stream(config)).await,
            Err(error) => Ok(Err(error)),
        };
        match finished {
            Ok(Ok(mut browser)) => {
                self.distrust.remove(&pin.endpoint);
                let _passing = self.live.passing(&pin.endpoint, tls, alpn_text);
                splice(&mut browser, &mut device).await;
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "the browser's handshake did not finish");
                if let Some(distrust) = BrowserDistrust::of(&error) {
                    self.distrust.insert(pin.endpoint.clone(), distrust);
                }
            }
            Err(_) => tracing::info!("the browser's handshake took too long"),
        }
    }

    /// Compares a stranger with the pin. Where they differ, remembers what to ask the person.
    fn check(&self, stranger: &Stranger, pin: &Pin) -> Option<PinMatch> {
        let now = SystemTime::now();
        match pin.check(stranger.chain(), timestamp(now)) {
            Ok(proof) => {
                self.note(stranger.chain(), pin, &proof, now);
                Some(proof)
            }
            Err(mismatch) => {
                let observation = self.prober.observe(&pin.endpoint, stranger, now);
                match observation.and_then(|it| self.prober.judge(it, now)) {
                    Ok(Some(refusal)) => self.refusals.insert(refusal),
                    // Judged by a pin that was just replaced, or not at all for want of a store:
                    // what was found by this pin stands.
                    Ok(None) | Err(_) => {
                        self.remember(&pin.endpoint, finding_of(mismatch), Some(pin.clone()));
                    }
                }
                None
            }
        }
    }

    /// Writes down a renewal, and now and then that the device was met.
    fn note(&self, chain: &UnverifiedChain, pin: &Pin, proof: &PinMatch, now: SystemTime) {
        let now = timestamp(now);
        let stale = now.0 - pin.last_seen.0 >= SEEN_AGAIN_SECONDS;
        if !proof.renewed() && !stale {
            return;
        }
        let written = self.store.amend(&pin.endpoint, now, |current| {
            // A decision that was made during this handshake is not undone by it.
            if current.spki_sha256 != proof.spki_sha256() {
                return None;
            }
            current.last_seen = now;
            // A page's connections notice a renewal all at once; the first one writes it down.
            if current.leaf_sha256 == chain.leaf().sha256 {
                return Some(Amendment::Silent);
            }
            current.renew(chain.leaf());
            Some(Amendment::Recorded(Happening::Renew))
        });
        // The connection is as safe without the note.
        if let Err(error) = written {
            tracing::warn!(%error, "a meeting could not be written down");
        }
    }

    fn remember(&self, endpoint: &Endpoint, finding: Finding, pin: Option<Pin>) {
        let at = timestamp(SystemTime::now());
        self.refusals.insert(Refusal {
            pin,
            ..Refusal::new(endpoint.clone(), at, finding)
        });
    }
}

/// What a browser would offer, for a look at a device that no browser is behind yet.
fn offer() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

/// The application protocols that the browser offers.
fn offered(hello: &StartHandshake<TcpStream>) -> Vec<Vec<u8>> {
    let offered = hello
        .client_hello()
        .alpn()
        .map(|offer| offer.map(<[u8]>::to_vec).collect());
    offered.unwrap_or_default()
}

/// Copies bytes until either side ends. Whatever ended it is passed on to the other side by the
/// dropped streams: a clean end as a clean end, anything else as a cut.
async fn splice<A, B>(browser: &mut A, device: &mut B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    if let Err(error) = copy_bidirectional(browser, device).await {
        tracing::debug!(%error, "a connection was cut");
    }
}

const fn finding_of(mismatch: Mismatch) -> Finding {
    match mismatch {
        Mismatch::Blocked => Finding::Blocked,
        Mismatch::Expired => Finding::Expired,
        Mismatch::Key => Finding::Changed,
    }
}

const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Once an hour is often enough for «last seen».
const SEEN_AGAIN_SECONDS: i64 = 3_600;
