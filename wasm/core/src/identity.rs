//! Identity: who stands behind a device, and never more than was proven.

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, Oddity};
use crate::chain::{Anchor, ChainVerdict, Flaw};
use crate::maker::MakerId;
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
    /// What else it calls itself: the other organisations beside the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<SafeText>,
    /// Who vouches for it; nobody in the unverified tier.
    pub verified_by: Option<SafeText>,
    /// Whose root vouches for it, in the manufacturer's tier: a name is anybody's, and only this
    /// tells whether the person added the root that goes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<MakerId>,
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
            // RFC 5280 gives an odd leaf no meaning, so a good chain to it proves nothing.
            ChainVerdict::Verified { .. } if !leaf.oddities.is_empty() => {
                Ok(Self::unverified(leaf))
            }
            // The maker signed it, but not for a device of the kind that it vouches for.
            ChainVerdict::Verified {
                anchor: Anchor::Manufacturer { rule, .. },
            } if !rule.is_about(leaf) => Ok(Self::unverified(leaf)),
            ChainVerdict::Verified { anchor } => Ok(Self::verified(leaf, anchor)),
        }
    }

    /// The identity, or where a flaw speaks against it, what the leaf claims: a flawed leaf proves
    /// nothing, but what it says is still shown, as a claim.
    #[must_use]
    pub fn of_or_claimed(leaf: &Certificate, verdict: &ChainVerdict, now: Timestamp) -> Self {
        Self::of(leaf, verdict, now).unwrap_or_else(|_| Self::unverified(leaf))
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

    /// Whether any company's name in it is not what an honest name looks like.
    #[must_use]
    pub fn has_suspicious_name(&self) -> bool {
        let names = [&self.name, &self.issued_by].into_iter();
        names.chain(&self.other_names).any(SafeText::is_suspicious)
    }

    /// Whether the other identity is the same device by everything that was verified:
    /// same tier, same company and voucher or same maker, and the same device identifier.
    ///
    /// An identifier that had to be altered or cut to be shown could hide that it is another.
    #[must_use]
    pub fn is_same_device_as(&self, other: &Self) -> bool {
        let is_same_company = match self.tier {
            Tier::Company => {
                is_whole(&self.name)
                    && self.name == other.name
                    && self.other_names == other.other_names
                    && self.verified_by == other.verified_by
            }
            Tier::Manufacturer => self.maker.is_some() && self.maker == other.maker,
            Tier::Domain | Tier::Unverified => false,
        };
        is_same_company
            && self.tier == other.tier
            && self.device_id.as_ref().is_some_and(is_whole)
            && self.device_id == other.device_id
    }

    /// Whether the other identity is verifiably another device from the same place: somebody vouches
    /// for both, under the same name, but with another device identifier.
    #[must_use]
    pub fn is_sibling_of(&self, other: &Self) -> bool {
        let is_same_company = match (&self.maker, &other.maker) {
            (None, None) => self.company().is_some() && self.verified_by == other.verified_by,
            (one, two) => one == two,
        };
        let ids = [&self.device_id, &other.device_id];
        is_same_company
            && self.tier == other.tier
            && self.name == other.name
            && ids.iter().all(|id| id.as_ref().is_some_and(is_whole))
            && self.device_id != other.device_id
    }

    fn verified(leaf: &Certificate, anchor: &Anchor) -> Self {
        let subject = &leaf.subject;
        let (tier, name, verified_by, device_id) = match anchor {
            Anchor::Manufacturer { name, rule, .. } => {
                let id = rule.device_id(leaf);
                (Tier::Manufacturer, name.clone(), name, id)
            }
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
        let maker = match anchor {
            Anchor::Manufacturer { id, .. } => Some(id.clone()),
            Anchor::System { .. } => None,
        };
        Self {
            tier,
            name,
            other_names: others(&subject.organisations),
            verified_by: Some(verified_by.clone()),
            maker,
            issued_by: leaf.issuing_company().cloned().unwrap_or_default(),
            device_id,
            oddities: leaf.oddities.clone(),
        }
    }

    fn unverified(leaf: &Certificate) -> Self {
        let issued_by = leaf.issuing_company().cloned().unwrap_or_default();
        let claimed = match leaf.subject.organisations.as_slice() {
            [] => &leaf.issuer.organisations,
            organisations => organisations,
        };
        Self {
            tier: Tier::Unverified,
            name: claimed.first().unwrap_or(&issued_by).clone(),
            other_names: others(claimed),
            verified_by: None,
            maker: None,
            issued_by,
            device_id: leaf.subject.common_name.clone(),
            oddities: leaf.oddities.clone(),
        }
    }
}

fn others(organisations: &[SafeText]) -> Vec<SafeText> {
    organisations.iter().skip(1).cloned().collect()
}

/// Whether a text is all that a certificate said.
fn is_whole(text: &SafeText) -> bool {
    !text.as_str().contains('⟨') && !text.is_cut()
}
