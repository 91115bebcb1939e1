//! Identity: who stands behind a device, and never more than was proven.

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, DistinguishedName, Oddity};
use crate::chain::{Anchor, ChainVerdict, DeviceIdRule, Flaw};
use crate::text::SafeText;
use crate::time::Timestamp;

/// Who a device says it is, and how much of that somebody checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Identity {
    /// How much was proven.
    pub tier: Tier,
    /// The company, manufacturer or domain; in the unverified tier, only what the device claims.
    /// Empty where the certificate says nothing.
    pub name: SafeText,
    /// Who vouches for it; nobody in the unverified tier.
    pub verified_by: Option<SafeText>,
    /// The company that issued the leaf, which is the only place where some makers name themselves.
    pub issued_by: SafeText,
    /// What tells this device from its siblings: a serial number or an address of its hardware.
    pub device_id: Option<SafeText>,
    /// What is odd about the leaf.
    pub oddities: Vec<Oddity>,
}

/// How much of an [`Identity`] was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Tier {
    /// A root of this computer vouches for a named organisation.
    Company,
    /// A root of this computer vouches for a domain and nothing else.
    Domain,
    /// A manufacturer's own root vouches for one of its devices.
    Manufacturer,
    /// Nobody vouches for anything.
    Unverified,
}

impl Identity {
    /// Turns a leaf and the verdict about its chain into an identity.
    ///
    /// # Errors
    ///
    /// The [`Flaw`] for which the leaf can be nobody's identity.
    pub fn of(leaf: &Certificate, verdict: &ChainVerdict, now: Timestamp) -> Result<Self, Flaw> {
        // The dates and the key are looked at here too, so that no verdict, whoever made it,
        // can pass a leaf that has ended or whose key anybody can forge.
        if now < leaf.not_before {
            return Err(Flaw::NotYetValid);
        }
        if now > leaf.not_after {
            return Err(Flaw::Expired);
        }
        if !leaf.key.is_strong() {
            return Err(Flaw::WeakKey);
        }
        match verdict {
            ChainVerdict::Refused { flaw } => Err(*flaw),
            ChainVerdict::UnknownIssuer => Ok(Self::unverified(leaf)),
            ChainVerdict::Verified { anchor } if leaf.oddities.is_empty() => {
                Ok(Self::verified(leaf, anchor))
            }
            // RFC 5280 gives such a leaf no meaning, so a good chain to it proves nothing.
            ChainVerdict::Verified { .. } => Ok(Self::unverified(leaf)),
        }
    }

    /// Whether somebody vouches for the name.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        !matches!(self.tier, Tier::Unverified)
    }

    /// The company, where somebody vouches for one.
    #[must_use]
    pub const fn company(&self) -> Option<&SafeText> {
        match self.tier {
            Tier::Company | Tier::Manufacturer => Some(&self.name),
            Tier::Domain | Tier::Unverified => None,
        }
    }

    /// Whether the other identity is the same device by everything that was verified:
    /// same tier, same name, same voucher, and the same device identifier.
    #[must_use]
    pub fn is_same_device_as(&self, other: &Self) -> bool {
        matches!(self.tier, Tier::Company | Tier::Manufacturer)
            && self.tier == other.tier
            && self.name == other.name
            && self.verified_by == other.verified_by
            && self.device_id.is_some()
            && self.device_id == other.device_id
    }

    fn verified(leaf: &Certificate, anchor: &Anchor) -> Self {
        let subject = &leaf.subject;
        let (tier, name, verified_by, device_id) = match anchor {
            Anchor::Manufacturer { name, device_id } => (
                Tier::Manufacturer,
                name.clone(),
                name,
                device_id.find(subject),
            ),
            Anchor::System { name: root } => match subject.organisations.first() {
                Some(company) => {
                    let id = subject
                        .serial_number
                        .clone()
                        .or_else(|| subject.common_name.clone());
                    (Tier::Company, company.clone(), root, id)
                }
                None => {
                    let domain = leaf.names.first().or(subject.common_name.as_ref());
                    (
                        Tier::Domain,
                        domain.cloned().unwrap_or_default(),
                        root,
                        None,
                    )
                }
            },
        };
        Self {
            tier,
            name,
            verified_by: Some(verified_by.clone()),
            issued_by: leaf.issuing_company().cloned().unwrap_or_default(),
            device_id,
            oddities: leaf.oddities.clone(),
        }
    }

    fn unverified(leaf: &Certificate) -> Self {
        let issued_by = leaf.issuing_company().cloned().unwrap_or_default();
        let claimed = leaf.subject.organisations.first().cloned();
        Self {
            tier: Tier::Unverified,
            name: claimed.unwrap_or_else(|| issued_by.clone()),
            verified_by: None,
            issued_by,
            device_id: leaf.subject.common_name.clone(),
            oddities: leaf.oddities.clone(),
        }
    }
}

impl DeviceIdRule {
    fn find(self, subject: &DistinguishedName) -> Option<SafeText> {
        match self {
            Self::SubjectCommonName => subject.common_name.clone(),
            Self::SubjectSerialNumber => subject.serial_number.clone(),
        }
    }
}
