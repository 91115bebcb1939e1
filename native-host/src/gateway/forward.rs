//! From an accepted CONNECT to two connections that can be spliced, or to a refusal.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use housekey_core::chain::UnverifiedChain;
use housekey_core::decision::{Failure, Finding};
use housekey_core::endpoint::Endpoint;
use housekey_core::pin::{Mismatch, Pin, PinMatch};
use housekey_core::protocol::Refusal;
use rustls::server::UnbufferedServerConnection;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Gateway;
use super::connect::{Status, answer};
use super::distrust::BrowserDistrust;
use super::hello::{Hello, gone};
use super::live::{Lifeline, Passing};
use super::sockets::Heard;
use crate::chain::timestamp;
use crate::danger::{Acquaintance, DeviceTls, Stranger};
use crate::probe::shake_hands;
use crate::splice::{Cut, Plain, Side, end, reset, splice};
use crate::store::{Amendment, Happening, StoreError};
use crate::tls::Tls;

/// Both ends of a connection, between which bytes may pass.
pub(super) enum Open<'g> {
    /// The device holds the pinned key, and the browser took the leaf.
    Checked {
        browser: Box<Heard<'g>>,
        device: Box<DeviceTls>,
        acquaintance: Arc<Acquaintance>,
        passing: Passing<'g>,
    },
    /// The browser will check the device by itself.
    Fine { browser: Plain, device: Plain },
}

/// What came of a meeting where nothing was pinned.
enum Met {
    /// The browser is content with the device by itself.
    Fine,
    /// Something is pinned there by now.
    Pinned,
    /// It is refused, with this answer to a browser. Why is remembered.
    Refused(Status),
}

/// A browser's connection whose CONNECT was answered, and what is known of it.
pub(super) struct Opening {
    pub(super) browser: TcpStream,
    /// Its ClientHello, with whatever followed that.
    pub(super) hello: Vec<u8>,
    /// Whether it may be for a WebSocket.
    pub(super) may_be_socket: bool,
    /// By which the device was met.
    pub(super) acquaintance: Arc<Acquaintance>,
}

impl Gateway {
    /// Serves one CONNECT for an endpoint, until either side ends it or the person does.
    pub(super) async fn forward(&self, mut browser: TcpStream, endpoint: &Endpoint) {
        if !self.scope().is_device(endpoint.host()) {
            let (at, failure) = (timestamp(SystemTime::now()), Failure::Public);
            let refusal = Refusal::new(endpoint.clone(), at, Finding::Failed { failure });
            self.refusals.tell(&refusal);
            return answer(&mut browser, Status::Forbidden).await;
        }
        self.heed_others();
        let (lifeline, pin) = self.judge(endpoint);
        let mut decided = pin!(lifeline.cut());
        let open = tokio::select! {
            // The person's decision comes first: not one more byte after it.
            biased;
            () = &mut decided => return,
            // In a box, because a connection that is open has no use for all that this needs.
            open = Box::pin(self.open(browser, endpoint, pin)) => open,
        };
        match open {
            Some(Open::Checked {
                mut browser,
                mut device,
                acquaintance,
                passing: _passing,
            }) => {
                let end = splice_until(decided, &mut *browser, &mut *device).await;
                if device.was_asked_to_begin_anew() {
                    acquaintance.wanted_to_begin_anew();
                }
                if let Err(Cut::Second(error)) = end
                    && acquaintance.wanted_certificate(&error)
                {
                    let failure = Failure::ClientCertificate;
                    self.remember(endpoint, Finding::Failed { failure }, None);
                }
            }
            Some(Open::Fine {
                mut browser,
                mut device,
            }) => drop(splice_until(decided, &mut browser, &mut device).await),
            None => {}
        }
    }

    /// A lifeline for a new connection, and the pin by which that is judged.
    ///
    /// Where what is open was judged by another one, somebody decided since it was looked for
    /// others' decisions: this ends what began before.
    fn judge(&self, endpoint: &Endpoint) -> (Lifeline, Result<Option<Pin>, StoreError>) {
        loop {
            let lifeline = self.live.lifeline(endpoint);
            let pin = self.store.pin(endpoint);
            let judged = match &pin {
                Ok(pin) => {
                    let key = pin.as_ref().map(|pin| pin.spki_sha256);
                    self.live.judge_by(endpoint, key)
                }
                Err(_) => true,
            };
            if judged {
                return (lifeline, pin);
            }
            self.cut(endpoint);
        }
    }

    async fn open(
        &self,
        mut browser: TcpStream,
        endpoint: &Endpoint,
        pin: Result<Option<Pin>, StoreError>,
    ) -> Option<Open<'_>> {
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
                return self.open_doubted(browser, &pin).await;
            }
            Ok(Some(pin)) => return self.open_pinned(browser, &pin).await,
            Ok(None) => match self.meet_unpinned(endpoint).await {
                Met::Fine => return self.open_fine(browser, endpoint).await,
                // Pinned in this very moment: the browser's next try finds the pin.
                Met::Pinned => answer(&mut browser, Status::BadGateway).await,
                Met::Refused(status) => answer(&mut browser, status).await,
            },
            Err(error) => {
                tracing::error!(%error, "no connection without the pin store");
                answer(&mut browser, Status::BadGateway).await;
            }
        }
        None
    }

    /// Whether this browser profile may hold what another device of this host left in it.
    /// Where that cannot be found out, it may.
    fn has_stale_session(&self, endpoint: &Endpoint) -> bool {
        self.profile().is_some_and(|profile| {
            let stale = self.store.has_stale_session(&profile, endpoint.host());
            stale.unwrap_or(true)
        })
    }

    /// Meets whoever is at an endpoint without a pin, as for a browser that comes, and says whether
    /// that would be refused. Whatever else there is to say of an endpoint, a browser has to come for.
    pub async fn refuses_stranger(&self, endpoint: &Endpoint) -> bool {
        let is_stranger = self.scope().is_device(endpoint.host())
            && self.store.pin(endpoint).is_ok_and(|pin| pin.is_none());
        is_stranger && matches!(self.meet_unpinned(endpoint).await, Met::Refused(_))
    }

    /// There is no pin: meets the device, if it was not met just now, and not too many were.
    async fn meet_unpinned(&self, endpoint: &Endpoint) -> Met {
        if self.refusals.asked_just_now(endpoint) {
            return Met::Refused(Status::Forbidden);
        }
        if !self.strangers.admits(endpoint) {
            let failure = Failure::TooMany;
            self.remember(endpoint, Finding::Failed { failure }, None);
            return Met::Refused(Status::BadGateway);
        }
        let now = SystemTime::now();
        let (met, underway) = self.meet_stranger(endpoint, offer()).await;
        let observed = met.map(|stranger| self.prober.observe(endpoint, &stranger, now));
        let met = match observed {
            Err(failure) => {
                self.remember(endpoint, Finding::Failed { failure }, None);
                Met::Refused(Status::BadGateway)
            }
            // One that the browser itself is content with is passed through.
            Ok(Ok(observation)) if self.prober.is_fine_already(&observation, now) => {
                self.refusals.remove(endpoint);
                Met::Fine
            }
            // Otherwise it is refused, with everything that the person's decision needs.
            Ok(observation) => match observation.and_then(|it| self.prober.judge(it, now)) {
                Ok(Some(refusal)) => {
                    self.refusals.insert(refusal);
                    Met::Refused(Status::Forbidden)
                }
                Ok(None) => Met::Pinned,
                Err(error) => {
                    tracing::error!(%error, "no connection without the pin store");
                    Met::Refused(Status::BadGateway)
                }
            },
        };
        self.meetings.found(endpoint, matches!(met, Met::Fine));
        drop(underway);
        met
    }

    /// The browser's own TLS connection to the device: no leaf, no pin, no part in it, unless it
    /// may be for a WebSocket.
    async fn open_fine(&self, mut browser: TcpStream, endpoint: &Endpoint) -> Option<Open<'_>> {
        match self.dial(endpoint).await {
            Ok(mut device) => {
                self.refusals.remove(endpoint);
                answer(&mut browser, Status::Established).await;
                let hello = timeout(HELLO_TIMEOUT, Hello::read(&mut browser)).await;
                let hello = hello.ok()?.ok()?;
                if hello.may_be_socket() {
                    let opening = self.open_fine_socket(browser, device, hello, endpoint);
                    return Box::pin(opening).await;
                }
                device.write_all(&hello.bytes).await.ok()?;
                Some(Open::Fine {
                    browser: Plain::new(browser),
                    device: Plain::new(device),
                })
            }
            Err(failure) => {
                self.remember(endpoint, Finding::Failed { failure }, None);
                answer(&mut browser, Status::BadGateway).await;
                None
            }
        }
    }

    /// There is a pin, but the last time another key answered: looks before the CONNECT is answered.
    ///
    /// A browser whose handshake breaks off tries again and again, Firefox twenty times for one
    /// page; one whose CONNECT is refused does not.
    async fn open_doubted(&self, mut browser: TcpStream, pin: &Pin) -> Option<Open<'_>> {
        let met = tokio::select! {
            met = self.meet(&pin.endpoint, offer()) => met,
            () = gone(&browser) => return None,
        };
        match met {
            Ok(stranger) if self.check(&stranger, pin).is_some() => {
                drop(stranger);
                self.refusals.remove(&pin.endpoint);
                return self.open_pinned(browser, pin).await;
            }
            Ok(_) => answer(&mut browser, Status::Forbidden).await,
            Err(failure) => {
                let finding = Finding::Failed { failure };
                self.remember(&pin.endpoint, finding, Some(pin.clone()));
                answer(&mut browser, Status::BadGateway).await;
            }
        }
        None
    }

    /// There is a pin: the device has to hold its key.
    async fn open_pinned(&self, mut browser: TcpStream, pin: &Pin) -> Option<Open<'_>> {
        answer(&mut browser, Status::Established).await;
        let mut connecting = pin!(self.dial(&pin.endpoint));
        // The device's socket opens while the browser writes its first flight.
        // That flight has to be read before the device is greeted, because it says which
        // application protocols the browser can speak on this connection.
        let (hello, connected) = {
            let mut hello = pin!(timeout(HELLO_TIMEOUT, Hello::read(&mut browser)));
            let mut connected = None;
            loop {
                tokio::select! {
                    hello = &mut hello => break (hello.ok()?.ok()?, connected),
                    device = &mut connecting, if connected.is_none() => connected = Some(device),
                }
            }
        };
        let may_be_socket = hello.may_be_socket();
        let acquaintance = self.sessions.with(pin, || self.prober.acquaintance());
        let meeting = async {
            let socket = match connected {
                Some(device) => device?,
                None => connecting.await?,
            };
            self.meet_again(&acquaintance, socket, pin, hello.alpn)
                .await
        };
        let met = tokio::select! {
            met = meeting => met,
            // A device may take its time. What nobody waits for any more ends at once.
            () = gone(&browser) => return None,
        };
        let stranger = match met {
            Ok(stranger) => stranger,
            Err(failure) => {
                let finding = Finding::Failed { failure };
                self.remember(&pin.endpoint, finding, Some(pin.clone()));
                return None;
            }
        };
        let proof = self.check(&stranger, pin)?;
        let opening = Opening {
            browser,
            hello: hello.bytes,
            may_be_socket,
            acquaintance,
        };
        self.open_checked(opening, stranger, pin, &proof).await
    }

    /// The device proved that it is the one: finishes the browser's handshake.
    pub(super) async fn open_checked(
        &self,
        opening: Opening,
        stranger: Stranger,
        pin: &Pin,
        proof: &PinMatch,
    ) -> Option<Open<'_>> {
        let Opening {
            browser,
            hello,
            may_be_socket,
            acquaintance,
        } = opening;
        let alpn = stranger.alpn().map(<[u8]>::to_vec);
        let (tls, alpn_text) = (stranger.tls(), stranger.alpn_text());
        let device = Box::new(stranger.admit(proof)?);
        self.refusals.remove(&pin.endpoint);
        let leaf = self.leaves.config(pin, proof, tls, alpn);
        let connection = leaf
            .and_then(|config| UnbufferedServerConnection::new(config).map_err(io::Error::other));
        let finished = match connection {
            Ok(connection) => {
                let handshake = Tls::shake_hands(browser, connection, hello);
                timeout(HELLO_TIMEOUT, handshake).await
            }
            Err(error) => Ok(Err(error)),
        };
        match finished {
            Ok(Ok(browser)) => {
                self.distrust.remove(&pin.endpoint);
                let browser = Heard::new(browser, self, &pin.endpoint, may_be_socket);
                return Some(Open::Checked {
                    browser: Box::new(browser),
                    device,
                    acquaintance,
                    passing: self.live.passing(&pin.endpoint, tls, alpn_text),
                });
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "the browser's handshake did not finish");
                if let Some(distrust) = BrowserDistrust::of(&error) {
                    self.distrust.insert(pin.endpoint.clone(), distrust);
                }
            }
            Err(_) => tracing::info!("the browser's handshake took too long"),
        }
        None
    }

    /// Meets a device by a session of before, if it has one and knows it too.
    ///
    /// What an old session shows may be out of date, and there are devices that cannot resume what
    /// they gave a ticket for: before a person hears of either, a full handshake has to fail too.
    async fn meet_again(
        &self,
        acquaintance: &Acquaintance,
        socket: TcpStream,
        pin: &Pin,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Stranger, Failure> {
        let met = shake_hands(acquaintance, socket, &pin.endpoint, alpn.clone()).await;
        let now = timestamp(SystemTime::now());
        let again = match &met {
            Ok(stranger) => stranger.resumed() && pin.check(stranger.chain(), now).is_err(),
            Err(Failure::TimedOut) => false,
            Err(_) => acquaintance.was_met(),
        };
        if !again {
            return met;
        }
        self.sessions.forget(&pin.endpoint);
        self.meet(&pin.endpoint, alpn).await
    }

    /// Compares a stranger with the pin. Where they differ, remembers what to ask the person.
    fn check(&self, stranger: &Stranger, pin: &Pin) -> Option<PinMatch> {
        let now = SystemTime::now();
        match pin.check(stranger.chain(), timestamp(now)) {
            Ok(proof) => {
                // A session of before shows what was written down when it began.
                let renewed = proof.renewed() && !stranger.resumed();
                self.note(stranger.chain(), pin, &proof, renewed, now);
                Some(proof)
            }
            Err(mismatch) => {
                self.sessions.forget(&pin.endpoint);
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
    fn note(
        &self,
        chain: &UnverifiedChain,
        pin: &Pin,
        proof: &PinMatch,
        renewed: bool,
        now: SystemTime,
    ) {
        let now = timestamp(now);
        let stale = now.0 - pin.last_seen.0 >= SEEN_AGAIN_SECONDS;
        if !renewed && !stale {
            return;
        }
        let written = self.store.amend(&pin.endpoint, now, |current| {
            // A decision that was made during this handshake is not undone by it.
            if current.spki_sha256 != proof.spki_sha256() {
                return None;
            }
            current.last_seen = now;
            // A page's connections notice a renewal all at once; the first one writes it down.
            if !renewed || current.leaf_sha256 == chain.leaf().sha256 {
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

/// Splices until both ends are done, or one is cut, or the person decides otherwise.
///
/// Whoever is left over after a cut sees a reset, as they would without a gateway in between.
async fn splice_until<A: Side, B: Side>(
    decided: impl Future<Output = ()>,
    browser: &mut A,
    device: &mut B,
) -> Result<(), Cut> {
    // Until it is known to be one, no end of this process or of the task looks like an end of what
    // passes, as the end of TCP alone does to browsers where an answer has no length.
    reset(browser.socket());
    reset(device.socket());
    let ended = tokio::select! {
        biased;
        () = decided => Err(Cut::Silence),
        ended = splice(browser, device) => ended,
    };
    if let Err(cut) = &ended {
        tracing::debug!(?cut, "a connection was cut");
    }
    if let Ok(()) | Err(Cut::First(_)) = &ended {
        end(browser.socket());
    }
    if let Ok(()) | Err(Cut::Second(_)) = &ended {
        end(device.socket());
    }
    ended
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
