//! Why the gateway sent nothing, with what a person needs to know beyond that, and what is looked
//! up only now that somebody asks.

use std::time::SystemTime;

use housekey_core::chain::{LegacyVersion, OutdatedTls};
use housekey_core::decision::{Failure, Finding, Rule};
use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::{CertificateSha256, SpkiSha256};
use housekey_core::maker::MakerRoot;
use housekey_core::protocol::{HelperError, MakerOffer, OldAddress, Refusal, Response};
use housekey_core::text::SafeText;
use tokio::time::timeout;

use super::{Handler, MOMENT};
use crate::chain::timestamp;
use crate::danger;
use crate::makers::Makers;

impl Handler {
    /// The last refusal at an endpoint.
    pub(super) async fn explain(
        &self,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<Option<Refusal>, HelperError> {
        let Some(mut refusal) = self.gateway.refusal(endpoint) else {
            return self.browser_distrusts(endpoint, now);
        };
        match &refusal.finding {
            Finding::Failed {
                failure: Failure::Outdated,
            } => {
                let scope = self.gateway.scope();
                let look = timeout(MOMENT, self.prober.outdated(endpoint, &scope)).await;
                refusal.outdated = look.ok().flatten().map(outdated);
            }
            Finding::Moved { from } => {
                let observation = refusal.observation.as_ref();
                if let Some(key) = observation.and_then(|it| it.leaf_key()) {
                    refusal.old_address = Some(self.who_is_at(from, key).await?);
                }
            }
            Finding::Stranger
            | Finding::Forbidden {
                rule: Rule::Unverified,
            } => refusal.maker_offer = self.maker_offer(&refusal, now)?,
            _ => {}
        }
        Ok(Some(refusal))
    }

    /// Nothing was refused here, but the browser did not take what it was shown.
    fn browser_distrusts(
        &self,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<Option<Refusal>, HelperError> {
        if self.gateway.distrust(endpoint).is_none() {
            return Ok(None);
        }
        let finding = Finding::BrowserDistrusts;
        Ok(Some(Refusal {
            pin: self.store.pin(endpoint)?,
            ..Refusal::new(endpoint.clone(), timestamp(now), finding)
        }))
    }

    /// Who answers at the address that a device with this key moved away from. Whoever says nothing
    /// for a moment is nobody.
    async fn who_is_at(
        &self,
        old: &Endpoint,
        moved: SpkiSha256,
    ) -> Result<OldAddress, HelperError> {
        let scope = self.gateway.scope();
        let stranger = match timeout(MOMENT, self.prober.meet(old, &scope, Vec::new())).await {
            Ok(Ok(stranger)) => stranger,
            Err(_)
            | Ok(Err(
                Failure::Public
                | Failure::Refused
                | Failure::TimedOut
                | Failure::UnknownName
                | Failure::Unreachable,
            )) => return Ok(OldAddress::Nobody),
            // It answered, if with nothing that could be anybody's.
            Ok(Err(_)) => return Ok(OldAddress::Stranger),
        };
        let key = stranger.chain().leaf().spki_sha256;
        if key == moved {
            return Ok(OldAddress::Same);
        }
        let pins = self.store.pins_of_key(key)?;
        let elsewhere = pins.into_iter().find(|pin| pin.endpoint != *old);
        Ok(
            elsewhere.map_or(OldAddress::Stranger, |pin| OldAddress::Known {
                name: pin.display_name().clone(),
            }),
        )
    }

    fn maker_offer(
        &self,
        refusal: &Refusal,
        now: SystemTime,
    ) -> Result<Option<MakerOffer>, HelperError> {
        let Some(observation) = &refusal.observation else {
            return Ok(None);
        };
        let offers = Makers::of(&self.store)?.offers(observation, self.prober.taken(), now)?;
        Ok(offers.first().map(|root| {
            let facts = MakerRoot::new(root);
            MakerOffer {
                root_sha256: facts.sha256,
                name: facts.organisation.unwrap_or(facts.subject),
            }
        }))
    }

    /// Lets the root that a device sent vouch for it and its siblings, and judges the device anew.
    pub(super) async fn trust_maker(
        &self,
        endpoint: &Endpoint,
        shown: CertificateSha256,
        name: &SafeText,
        now: SystemTime,
    ) -> Result<Response, HelperError> {
        let stranger = self.meet(endpoint).await?;
        let observation = self.prober.observe(endpoint, &stranger, now)?;
        Makers::of(&self.store)?.trust(&observation, shown, name, self.prober.taken(), now)?;
        let observation = self.prober.observe(endpoint, &stranger, now)?;
        match self.prober.judge(observation, now)? {
            Some(refusal) => self.gateway.refuse(refusal),
            None => self.gateway.settle(endpoint),
        }
        self.makers()
    }
}

fn outdated(chosen: danger::OutdatedTls) -> OutdatedTls {
    OutdatedTls {
        version: match chosen.version {
            danger::LegacyVersion::Ssl3 => LegacyVersion::Ssl3,
            danger::LegacyVersion::Tls10 => LegacyVersion::Tls1_0,
            danger::LegacyVersion::Tls11 => LegacyVersion::Tls1_1,
            danger::LegacyVersion::Tls12 => LegacyVersion::Tls1_2,
        },
        cipher: SafeText::new(chosen.cipher),
    }
}
