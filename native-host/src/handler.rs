//! What the helper does for the extension: requests in, responses out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use housekey_core::chain::{Observation, UnverifiedChain};
use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::protocol::{Approval, EXTENSION_DAYS, HelperError, Request, Response, Settings};
use housekey_core::scope::ScopeOptions;
use tokio::time::timeout;

use crate::authority::Authority;
use crate::chain::timestamp;
use crate::gateway::Gateway;
use crate::paths::Paths;
use crate::probe::Prober;
use crate::store::{Amendment, Happening, Store};
use crate::system_proxy;

/// The helper at work for one browser.
pub struct Handler {
    store: Arc<Store>,
    prober: Arc<Prober>,
    gateway: Arc<Gateway>,
}

impl Handler {
    /// Opens the store and the authority, and starts the gateway.
    ///
    /// # Errors
    ///
    /// The [`HelperError`] that every request is answered with, as nothing can be done without.
    pub async fn start(paths: &Paths) -> Result<Self, HelperError> {
        let unusable = |error: &dyn std::error::Error| HelperError {
            code: ErrorCode::AuthorityUnusable,
            detail: error.to_string(),
        };
        let store = Arc::new(Store::open(paths)?);
        let authority =
            Authority::load(paths, SystemTime::now()).map_err(|error| unusable(&error))?;
        let issuer = authority.issuer().clone();
        let prober =
            Arc::new(Prober::new(Arc::clone(&store), Some(issuer)).map_err(|it| unusable(&it))?);
        let scope = ScopeOptions {
            shared_address_space: store.settings()?.shared_address_space,
            local_names: authority.local_names().to_vec(),
        };
        let gateway = Gateway::start(scope, authority, Arc::clone(&prober), Arc::clone(&store))
            .await
            .map_err(|it| unusable(&it))?;
        Ok(Self {
            store,
            prober,
            gateway,
        })
    }

    /// Does what is asked.
    ///
    /// # Errors
    ///
    /// The [`HelperError`] for which it was not done; then nothing changed.
    pub async fn handle(&self, request: Request) -> Result<Response, HelperError> {
        let now = SystemTime::now();
        match request {
            Request::Approve {
                endpoint,
                spki_sha256,
                approval,
            } => self.approve(&endpoint, spki_sha256, approval, now).await,
            Request::Block { endpoint, blocked } => {
                let what = if blocked {
                    Happening::Block
                } else {
                    Happening::Unblock
                };
                self.amend(&endpoint, now, |pin| {
                    pin.blocked = blocked;
                    Amendment::Recorded(what)
                })
            }
            Request::Cleared { endpoint } => {
                if let Some(profile) = self.gateway.profile() {
                    self.store.session_deleted(&profile, endpoint.host())?;
                }
                self.gateway.settle(&endpoint);
                Ok(Response::Cleared)
            }
            Request::Explain { endpoint } => Ok(Response::Explained {
                refusal: self.gateway.refusal(&endpoint),
            }),
            Request::Forget { endpoint } => {
                let existed = self.store.forget(&endpoint, timestamp(now))?;
                self.gateway.cut(&endpoint);
                Ok(Response::Forgotten { existed })
            }
            Request::Hello { extension, profile } => {
                tracing::info!(extension, "hello");
                self.gateway.serve_profile(profile);
                Ok(Response::Hello {
                    helper: env!("CARGO_PKG_VERSION").to_owned(),
                    gateway: self.gateway.address().clone(),
                    scope: self.gateway.scope(),
                    settings: self.store.settings()?,
                    system_proxy: system_proxy::from_environment(),
                })
            }
            Request::Identify { endpoint } => Ok(Response::Identified {
                pin: self.store.pin(&endpoint)?,
                live: self.gateway.live(&endpoint),
            }),
            Request::Pins { after } => {
                let mut pins = self.store.pins(after.as_ref(), PINS_A_PAGE + 1)?;
                let more = pins.len() > PINS_A_PAGE as usize;
                pins.truncate(PINS_A_PAGE as usize);
                Ok(Response::Pins { pins, more })
            }
            Request::Rename { endpoint, label } => self.amend(&endpoint, now, |pin| {
                pin.label = label;
                Amendment::Silent
            }),
            Request::Settings { settings } => self.set(settings),
        }
    }

    /// Trusts the key that the person was shown, if it still is the one that answers, and if it
    /// still raises the question that the person answered.
    async fn approve(
        &self,
        endpoint: &Endpoint,
        shown: SpkiSha256,
        approval: Approval,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        let scope = self.gateway.scope();
        if !scope.is_device(endpoint.host()) {
            return Err(refused(ErrorCode::NotPrivate, endpoint));
        }
        let met = self
            .prober
            .meet(endpoint, &scope, vec![b"http/1.1".to_vec()])
            .await;
        let stranger = met.map_err(|failure| HelperError {
            code: ErrorCode::NotMet,
            detail: format!("{endpoint}: {failure:?}"),
        })?;
        let observation = self.prober.observe(endpoint, &stranger, now)?;
        let Some(refusal) = self.prober.judge(observation.clone(), now)? else {
            // Trusted meanwhile, in another browser, and still the key that the person saw.
            let pin = self.pinned(endpoint)?;
            if pin.spki_sha256 != shown {
                return Err(refused(ErrorCode::KeyChanged, endpoint));
            }
            self.gateway.cut(endpoint);
            return Ok(Response::Pinned { pin });
        };
        let is_the_question = matches!(
            (&refusal.finding, approval),
            (Finding::Changed, Approval::Replace)
                | (Finding::Expired, Approval::Extend)
                | (Finding::Moved { .. }, Approval::Moved)
                | (Finding::Rotated, Approval::Rotated)
                | (Finding::Stranger, Approval::First)
        );
        if observation.leaf_key() != Some(shown) || !is_the_question {
            self.gateway.refuse(refusal);
            return Err(refused(ErrorCode::KeyChanged, endpoint));
        }
        // The extension has deleted the session in its own profile before it asked for this.
        let keeps =
            refusal.finding == Finding::Changed && !self.store.settings()?.clear_on_override;
        if refusal.other_device_before && !keeps {
            self.store
                .hand_over(endpoint.host(), self.gateway.profile().as_ref())?;
        }
        // A device with two names or two ports is one device at both, and has not moved.
        let left = match &refusal.finding {
            Finding::Moved { from } if !self.answers_with(from, shown, &scope).await => Some(from),
            _ => None,
        };
        self.pin(
            &observation,
            &refusal.finding,
            refusal.pin.as_ref(),
            left,
            now,
        )
    }

    /// Whether this key still answers at an endpoint. Silence for a moment is a no.
    async fn answers_with(
        &self,
        endpoint: &Endpoint,
        key: SpkiSha256,
        scope: &ScopeOptions,
    ) -> bool {
        let met = timeout(MOMENT, self.prober.meet(endpoint, scope, Vec::new())).await;
        matches!(met, Ok(Ok(stranger)) if stranger.chain().leaf().spki_sha256 == key)
    }

    /// Writes the pin that an approval makes, and takes the one away at the endpoint that the
    /// device `left`.
    fn pin(
        &self,
        observation: &Observation,
        finding: &Finding,
        before: Option<&Pin>,
        left: Option<&Endpoint>,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        let at = timestamp(now);
        if *finding == Finding::Expired {
            return self.amend(&observation.endpoint, now, |pin| {
                pin.extended_until = Some(at.plus_days(EXTENSION_DAYS));
                Amendment::Recorded(Happening::Extend)
            });
        }
        let not_met = |detail: &dyn std::fmt::Debug| HelperError {
            code: ErrorCode::NotMet,
            detail: format!("{}: {detail:?}", observation.endpoint),
        };
        let chain = UnverifiedChain::new(observation.chain.clone()).map_err(|it| not_met(&it))?;
        let identity =
            Identity::of(chain.leaf(), &observation.verdict, at).map_err(|flaw| not_met(&flaw))?;
        let mut pin = Pin::new(observation, identity).map_err(|error| not_met(&error))?;
        let what = match finding {
            Finding::Changed => Happening::Replace,
            Finding::Moved { .. } => Happening::Move,
            Finding::Rotated => Happening::Rotate,
            _ => Happening::Approve,
        };
        if let Some(before) = before {
            pin.label = before.label.clone();
            // A moved or rotated device is the same one; a replaced one is another.
            if *finding != Finding::Changed {
                pin.first_seen = before.first_seen;
            }
        }
        match left {
            Some(left) => {
                self.store.put_moved(&pin, left, at)?;
                self.gateway.cut(left);
            }
            None => self.store.put(&pin, what, at)?,
        }
        self.gateway.cut(&pin.endpoint);
        Ok(Response::Pinned { pin })
    }

    fn amend(
        &self,
        endpoint: &Endpoint,
        now: SystemTime,
        amend: impl FnOnce(&mut Pin) -> Amendment,
    ) -> Result<Response, HelperError> {
        let amended = self
            .store
            .amend(endpoint, timestamp(now), |pin| Some(amend(pin)))?;
        let pin = amended.ok_or_else(|| refused(ErrorCode::NotPinned, endpoint))?;
        self.gateway.cut(endpoint);
        Ok(Response::Pinned { pin })
    }

    fn pinned(&self, endpoint: &Endpoint) -> Result<Pin, HelperError> {
        self.store
            .pin(endpoint)?
            .ok_or_else(|| refused(ErrorCode::NotPinned, endpoint))
    }

    fn set(&self, settings: Settings) -> Result<Response, HelperError> {
        self.store.set_settings(&settings)?;
        let scope = ScopeOptions {
            shared_address_space: settings.shared_address_space,
            ..self.gateway.scope()
        };
        self.gateway.set_scope(scope.clone());
        Ok(Response::Changed { settings, scope })
    }
}

fn refused(code: ErrorCode, endpoint: &Endpoint) -> HelperError {
    HelperError {
        code,
        detail: endpoint.to_string(),
    }
}

/// About a kilobyte each, so a page stays far below the 1 MiB of a message.
const PINS_A_PAGE: u32 = 200;
/// Devices at home answer in milliseconds; a person waits for this.
const MOMENT: Duration = Duration::from_millis(1_500);
