//! A look at a device: who answers, and what that means for a person.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use housekey_core::chain::{ChainVerdict, Der, Flaw, Observation};
use housekey_core::decision::{Decision, Failure, Finding, decide};
use housekey_core::endpoint::Endpoint;
use housekey_core::protocol::Refusal;
use housekey_core::scope::ScopeOptions;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::chain::{Roots, timestamp};
use crate::danger::{Acquaintance, Onlooker, OutdatedTls, Stranger, look_at_outdated};
use crate::makers::{Makers, Taken};
use crate::resolve;
use crate::store::{Store, StoreError};
use crate::tls;

/// What is needed to look at devices and to judge what they present.
pub struct Prober {
    onlooker: Onlooker,
    roots: Roots,
    store: Arc<Store>,
    own_issuer: Option<CertificateDer<'static>>,
}

impl Prober {
    /// A prober that judges by this computer's roots and this store's manufacturers.
    ///
    /// `own_issuer` is the local authority's issuing certificate, if there is one.
    ///
    /// # Errors
    ///
    /// rustls' own, for a provider without a safe version of TLS.
    pub fn new(
        store: Arc<Store>,
        own_issuer: Option<CertificateDer<'static>>,
    ) -> Result<Self, rustls::Error> {
        let onlooker = Onlooker::new(tls::provider())?;
        Ok(Self {
            onlooker,
            roots: Roots::of_this_computer(),
            store,
            own_issuer,
        })
    }

    /// What no person's maker may be.
    #[must_use]
    pub const fn taken(&self) -> Taken<'_> {
        Taken {
            roots: &self.roots,
            own_issuer: self.own_issuer.as_ref(),
        }
    }

    /// Connects to a device and shakes hands with it.
    ///
    /// # Errors
    ///
    /// The [`Failure`] for which nobody was met.
    pub async fn meet(
        &self,
        endpoint: &Endpoint,
        scope: &ScopeOptions,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Stranger, Failure> {
        let socket = resolve::connect(endpoint, scope).await?;
        self.meet_over(socket, endpoint, alpn).await
    }

    /// Shakes hands with a device over a socket that [`resolve::connect`] made.
    ///
    /// # Errors
    ///
    /// The [`Failure`] for which nobody was met.
    pub async fn meet_over(
        &self,
        socket: TcpStream,
        endpoint: &Endpoint,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Stranger, Failure> {
        shake_hands(&self.onlooker.stranger(), socket, endpoint, alpn).await
    }

    /// A way to meet a device again and again, which resumes sessions.
    #[must_use]
    pub fn acquaintance(&self) -> Acquaintance {
        self.onlooker.acquaintance()
    }

    /// What a device does speak that was met with [`Failure::Outdated`]: one more connection, for
    /// the sake of the explanation.
    ///
    /// `None` where it does not say.
    pub async fn outdated(&self, endpoint: &Endpoint, scope: &ScopeOptions) -> Option<OutdatedTls> {
        let socket = resolve::connect(endpoint, scope).await.ok()?;
        look_at_outdated(socket, endpoint.host()).await
    }

    /// Judges the chain of a stranger.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the manufacturers' roots cannot be read.
    pub fn observe(
        &self,
        endpoint: &Endpoint,
        stranger: &Stranger,
        now: SystemTime,
    ) -> Result<Observation, StoreError> {
        let chain = stranger.chain().ders();
        let verdict = self.roots.verdict(
            &certificates(chain),
            &Makers::of(&self.store)?.vouchers()?,
            self.own_issuer.as_ref(),
            now,
        );
        Ok(Observation {
            endpoint: endpoint.clone(),
            at: timestamp(now),
            chain: chain.to_vec(),
            verdict,
            tls: stranger.tls(),
            alpn: stranger.alpn_text(),
        })
    }

    /// Whether a browser takes what was observed by itself.
    #[must_use]
    pub fn is_fine_already(&self, observation: &Observation, now: SystemTime) -> bool {
        // What this computer's own authority signed is for its browsers, and no device's.
        let own = ChainVerdict::Refused {
            flaw: Flaw::OwnAuthority,
        };
        let chain = certificates(&observation.chain);
        observation.verdict != own && self.roots.accepts(&chain, observation.endpoint.host(), now)
    }

    /// Decides about an observation, and says what a person has to be told, or nothing where the
    /// pinned key answers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the pins cannot be read.
    pub fn judge(
        &self,
        observation: Observation,
        now: SystemTime,
    ) -> Result<Option<Refusal>, StoreError> {
        let endpoint = observation.endpoint.clone();
        let pin = self.store.pin(&endpoint)?;
        let key = observation.leaf_key();
        let elsewhere = key.map_or(Ok(Vec::new()), |key| self.store.pins_of_key(key))?;
        let now = timestamp(now);
        let policy = self.store.settings()?.policy();
        let finding = match decide(&observation, pin.as_ref(), &elsewhere, policy, now) {
            Ok(Decision::Connect(_)) => return Ok(None),
            Ok(Decision::Refuse(finding)) => finding,
            Err(_) => Finding::Failed {
                failure: Failure::BadCertificate,
            },
        };
        let other_device_before = match (&finding, key) {
            (Finding::Changed, _) => true,
            (Finding::Moved { .. } | Finding::Stranger, Some(key)) => {
                self.store.knew_another_key(endpoint.host(), key)?
            }
            // The same device, or nobody who could be trusted.
            _ => false,
        };
        let pin = match &finding {
            Finding::Moved { from } => elsewhere.into_iter().find(|pin| pin.endpoint == *from),
            _ => pin,
        };
        Ok(Some(Refusal {
            observation: Some(observation),
            pin,
            other_device_before,
            ..Refusal::new(endpoint, now, finding)
        }))
    }
}

/// Shakes hands over a socket that [`resolve::connect`] made.
///
/// # Errors
///
/// The [`Failure`] for which nobody was met.
pub async fn shake_hands(
    acquaintance: &Acquaintance,
    socket: TcpStream,
    endpoint: &Endpoint,
    alpn: Vec<Vec<u8>>,
) -> Result<Stranger, Failure> {
    let handshake = acquaintance.dangerous_handshake(socket, endpoint.host(), alpn);
    timeout(HANDSHAKE_TIMEOUT, handshake)
        .await
        .unwrap_or(Err(Failure::TimedOut))
}

fn certificates(chain: &[Der]) -> Vec<CertificateDer<'_>> {
    chain
        .iter()
        .map(|der| CertificateDer::from(der.0.as_slice()))
        .collect()
}

/// A full RSA handshake takes a small microcontroller several seconds.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
