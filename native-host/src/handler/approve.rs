//! Approvals: from the person's word to the pin, by way of another look at the device.

use std::time::SystemTime;

use housekey_core::chain::{Observation, UnverifiedChain};
use housekey_core::decision::Finding;
use housekey_core::endpoint::Endpoint;
use housekey_core::error::ErrorCode;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::protocol::{Approval, EXTENSION_DAYS, HelperError, Response};
use tokio::time::timeout;

use super::{Handler, MOMENT, refused};
use crate::chain::timestamp;
use crate::store::{Amendment, Happening};

impl Handler {
    /// Trusts the key that the person was shown, if it still is the one that answers, and if it
    /// still raises the question that the person answered.
    pub(super) async fn approve(
        &self,
        endpoint: &Endpoint,
        shown: SpkiSha256,
        approval: Approval,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        let stranger = self.meet(endpoint).await?;
        let observation = self.prober.observe(endpoint, &stranger, now)?;
        let Some(refusal) = self.prober.judge(observation.clone(), now)? else {
            // Trusted meanwhile, in another browser, and still the key that the person saw.
            let pin = self.store.pin(endpoint)?;
            let pin = pin.ok_or_else(|| refused(ErrorCode::NotPinned, endpoint))?;
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
            Finding::Moved { from } if !self.answers_with(from, shown).await => Some(from),
            _ => None,
        };
        let before = refusal.pin.as_ref();
        self.pin(&observation, &refusal.finding, before, left, now)
    }

    /// Whether this key still answers at an endpoint. Silence for a moment is a no.
    async fn answers_with(&self, endpoint: &Endpoint, key: SpkiSha256) -> bool {
        let scope = self.gateway.scope();
        let met = timeout(MOMENT, self.prober.meet(endpoint, &scope, Vec::new())).await;
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
    ) -> Result<Response, HelperError> {
        let at = timestamp(now);
        if *finding == Finding::Expired {
            return self.amend(&observation.endpoint, now, |pin| {
                pin.extended_until = Some(at.plus_days(EXTENSION_DAYS));
                Some(Amendment::Recorded(Happening::Extend))
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
            pin.note = before.note.clone();
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
}
