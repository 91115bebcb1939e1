//! Approvals: from the person's word to the pin, by way of another look at the device.

use std::time::SystemTime;

use housekey_core::chain::{Observation, UnverifiedChain};
use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::profile::ProfileId;
use housekey_core::protocol::{Approval, EXTENSION_DAYS, HelperError, Refusal, Response};
use housekey_core::scope::ScopeOptions;
use tokio::time::timeout;

use super::{Handler, MOMENT, refused};
use crate::chain::timestamp;
use crate::danger::Stranger;
use crate::probe::Prober;
use crate::store::{Amendment, Happening, Store};

/// What it takes to make a pin of a person's word, whether that was said to a page or in a terminal.
pub(crate) struct Approver<'h> {
    pub(crate) store: &'h Store,
    pub(crate) prober: &'h Prober,
    pub(crate) scope: ScopeOptions,
    /// The profile in which the person decided, if it has deleted the old session already.
    pub(crate) cleared: Option<ProfileId>,
}

/// What an approval made. Whatever was open to either endpoint began before it.
pub(crate) struct Approved {
    pub(crate) pin: Pin,
    /// Where the device was before, if it is there no more.
    pub(crate) left: Option<Endpoint>,
}

/// Why an approval made nothing.
pub(crate) struct Unapproved {
    pub(crate) error: HelperError,
    /// The question that is to be asked instead.
    pub(crate) instead: Option<Refusal>,
}

impl<E: Into<HelperError>> From<E> for Unapproved {
    fn from(error: E) -> Self {
        let error = error.into();
        Self {
            error,
            instead: None,
        }
    }
}

impl Handler {
    /// Approves by the word that was said to a page, and ends what began before it.
    pub(super) async fn approve(
        &self,
        endpoint: &Endpoint,
        shown: SpkiSha256,
        approval: Approval,
        cleared: bool,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        let approver = Approver {
            store: &self.store,
            prober: &self.prober,
            scope: self.gateway.scope(),
            // It went by the settings and the history as it knew them, which may be others by now.
            cleared: self.gateway.profile().filter(|_| cleared),
        };
        match approver.approve(endpoint, shown, approval, now).await {
            Ok(Approved { pin, left }) => {
                if let Some(left) = left {
                    self.gateway.cut(&left);
                }
                self.gateway.cut(&pin.endpoint);
                Ok(Response::Pinned { pin })
            }
            Err(Unapproved { error, instead }) => {
                if let Some(refusal) = instead {
                    self.gateway.refuse(refusal);
                }
                Err(error)
            }
        }
    }

    /// Looks at a device once more, for a decision about it.
    pub(super) async fn meet(&self, endpoint: &Endpoint) -> Result<Stranger, HelperError> {
        meet(&self.prober, &self.gateway.scope(), endpoint).await
    }
}

impl Approver<'_> {
    /// Trusts the key that the person was shown, if it still is the one that answers, and if it
    /// still raises the question that the person answered.
    ///
    /// # Errors
    ///
    /// [`Unapproved`]; then nothing is trusted that was not before.
    pub(crate) async fn approve(
        &self,
        endpoint: &Endpoint,
        shown: SpkiSha256,
        approval: Approval,
        now: SystemTime,
    ) -> Result<Approved, Unapproved> {
        let stranger = meet(self.prober, &self.scope, endpoint).await?;
        let observation = self.prober.observe(endpoint, &stranger, now)?;
        let Some(refusal) = self.prober.judge(observation.clone(), now)? else {
            // Trusted meanwhile, in another browser, and still the key that the person saw.
            let pin = self.store.pin(endpoint)?;
            let pin = pin.ok_or_else(|| refused(ErrorCode::NotPinned, endpoint))?;
            if pin.spki_sha256 != shown {
                return Err(refused(ErrorCode::KeyChanged, endpoint).into());
            }
            return Ok(Approved { pin, left: None });
        };
        let is_the_question = approval_of(&refusal.finding) == Some(approval);
        if observation.leaf_key() != Some(shown) || !is_the_question {
            return Err(Unapproved {
                error: refused(ErrorCode::KeyChanged, endpoint),
                instead: Some(refusal),
            });
        }
        let keeps =
            refusal.finding == Finding::Changed && !self.store.settings()?.clear_on_override;
        if refusal.other_device_before && !keeps {
            self.store
                .hand_over(endpoint.host(), self.cleared.as_ref())?;
        }
        // A device with two names or two ports is one device at both, and has not moved.
        let left = match &refusal.finding {
            Finding::Moved { from } if !self.answers_with(from, shown).await => Some(from.clone()),
            _ => None,
        };
        let before = refusal.pin.as_ref();
        let pin = self.pin(&observation, &refusal.finding, before, left.as_ref(), now)?;
        Ok(Approved { pin, left })
    }

    /// Whether this key still answers at an endpoint. Silence for a moment is a no.
    async fn answers_with(&self, endpoint: &Endpoint, key: SpkiSha256) -> bool {
        let meeting = self.prober.meet(endpoint, &self.scope, Vec::new());
        let met = timeout(MOMENT, meeting).await;
        matches!(met, Ok(Ok(stranger)) if stranger.chain().leaf().spki_sha256 == key)
    }

    /// Writes the pin that an approval makes, and takes the one away at the endpoint that the
    /// device `left`.
    ///
    /// That endpoint has no pin then. If another known device is there now, a visit asks whether
    /// that one has moved, too: nobody was told that yet.
    fn pin(
        &self,
        observation: &Observation,
        finding: &Finding,
        before: Option<&Pin>,
        left: Option<&Endpoint>,
        now: SystemTime,
    ) -> Result<Pin, HelperError> {
        let at = timestamp(now);
        if *finding == Finding::Expired {
            let extended = self.store.amend(&observation.endpoint, at, |pin| {
                pin.extended_until = Some(at.plus_days(EXTENSION_DAYS));
                Some(Amendment::Recorded(Happening::Extend))
            })?;
            return extended.ok_or_else(|| refused(ErrorCode::NotPinned, &observation.endpoint));
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
            pin.note = before.note.clone();
            // A moved or rotated device is the same one; a replaced one is another.
            if *finding != Finding::Changed {
                pin.first_seen = before.first_seen;
            }
        }
        match left {
            Some(left) => self.store.put_moved(&pin, left, at)?,
            None => self.store.put(&pin, what, at)?,
        }
        Ok(pin)
    }
}

/// The answer that the question about a finding wants, where there is such a question.
pub(crate) const fn approval_of(finding: &Finding) -> Option<Approval> {
    match finding {
        Finding::Changed => Some(Approval::Replace),
        Finding::Expired => Some(Approval::Extend),
        Finding::Moved { .. } => Some(Approval::Moved),
        Finding::Rotated => Some(Approval::Rotated),
        Finding::Stranger => Some(Approval::First),
        Finding::Blocked
        | Finding::BrowserDistrusts
        | Finding::Failed { .. }
        | Finding::Forbidden { .. }
        | Finding::StaleSession
        | Finding::Unfit { .. } => None,
    }
}

/// Looks at a device for a decision about it.
async fn meet(
    prober: &Prober,
    scope: &ScopeOptions,
    endpoint: &Endpoint,
) -> Result<Stranger, HelperError> {
    if !scope.is_device(endpoint.host()) {
        return Err(refused(ErrorCode::NotPrivate, endpoint));
    }
    let alpn = vec![b"http/1.1".to_vec()];
    let met = prober.meet(endpoint, scope, alpn).await;
    met.map_err(|failure| HelperError {
        code: ErrorCode::NotMet,
        detail: format!("{endpoint}: {failure:?}"),
    })
}
