//! Pins: the key that a person trusted at an endpoint, and nothing but that key.

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateError};
use crate::chain::{Observation, UnverifiedChain};
use crate::endpoint::Endpoint;
use crate::fingerprint::{CertificateSha256, SpkiSha256};
use crate::identity::Identity;
use crate::note::Note;
use crate::text::SafeText;
use crate::time::Timestamp;

/// A person's decision to trust one key at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Pin {
    /// Where the key answers.
    pub endpoint: Endpoint,
    /// The key.
    pub spki_sha256: SpkiSha256,
    /// The certificate in which it was last seen.
    pub leaf_sha256: CertificateSha256,
    /// Who the person was told this is.
    pub identity: Identity,
    /// What the person calls it; empty until then.
    pub label: SafeText,
    /// What the person wrote about it.
    #[serde(default)]
    pub note: Note,
    /// Serial number of the certificate, in hexadecimal digits.
    pub serial: String,
    /// First second of the certificate's validity.
    pub not_before: Timestamp,
    /// Last second of the certificate's validity.
    pub not_after: Timestamp,
    /// When the person decided.
    pub first_seen: Timestamp,
    /// When a connection last met this key.
    pub last_seen: Timestamp,
    /// Whether the person blocked it.
    pub blocked: bool,
    /// Until when the person trusts the key although its certificate has ended.
    pub extended_until: Option<Timestamp>,
}

/// Proof that a device holds the pinned key, which is what splicing needs.
///
/// Only [`Pin::check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinMatch {
    endpoint: Endpoint,
    spki_sha256: SpkiSha256,
    renewed: bool,
}

/// Why a presented chain does not match a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The person blocked this endpoint.
    Blocked,
    /// The key is the pinned one but its certificate has ended.
    Expired,
    /// The key is another one.
    Key,
}

impl Pin {
    /// The pin that a person's approval of an observation makes.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] where the observed chain cannot be read.
    pub fn new(observation: &Observation, identity: Identity) -> Result<Self, CertificateError> {
        let chain = UnverifiedChain::new(observation.chain.clone())?;
        let leaf = chain.leaf();
        Ok(Self {
            endpoint: observation.endpoint.clone(),
            spki_sha256: leaf.spki_sha256,
            leaf_sha256: leaf.sha256,
            identity,
            label: SafeText::default(),
            note: Note::default(),
            serial: leaf.serial.clone(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            first_seen: observation.at,
            last_seen: observation.at,
            blocked: false,
            extended_until: None,
        })
    }

    /// Compares what a device presented with the pin.
    ///
    /// The key alone decides: its holder may renew the certificate around it as often as it likes.
    /// But no certificate outlives its last day without the person's word.
    ///
    /// # Errors
    ///
    /// The [`Mismatch`] for which not one byte may be sent.
    pub fn check(&self, chain: &UnverifiedChain, now: Timestamp) -> Result<PinMatch, Mismatch> {
        if self.blocked {
            return Err(Mismatch::Blocked);
        }
        let leaf = chain.leaf();
        if leaf.spki_sha256 != self.spki_sha256 {
            return Err(Mismatch::Key);
        }
        if now > leaf.not_after && self.extended_until.is_none_or(|until| now > until) {
            return Err(Mismatch::Expired);
        }
        Ok(PinMatch {
            endpoint: self.endpoint.clone(),
            spki_sha256: self.spki_sha256,
            renewed: leaf.sha256 != self.leaf_sha256,
        })
    }

    /// Takes over a new certificate of the pinned key.
    pub fn renew(&mut self, leaf: &Certificate) {
        self.leaf_sha256 = leaf.sha256;
        self.serial = leaf.serial.clone();
        self.not_before = leaf.not_before;
        self.not_after = leaf.not_after;
    }

    /// What to call the device: the person's own word, else the name it came with.
    #[must_use]
    pub fn display_name(&self) -> &SafeText {
        if self.label.is_empty() {
            &self.identity.name
        } else {
            &self.label
        }
    }
}

impl PinMatch {
    /// Where the key was met.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The key that was met.
    #[must_use]
    pub const fn spki_sha256(&self) -> SpkiSha256 {
        self.spki_sha256
    }

    /// Whether the key came in another certificate than the last time.
    #[must_use]
    pub const fn renewed(&self) -> bool {
        self.renewed
    }
}
