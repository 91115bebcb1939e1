//! Makers: manufacturers whose own roots vouch for their devices, and what must hold of a
//! certificate under such a root.
//!
//! A root says who signed, not what it was signed for: makers sign servers, apps and whole product
//! lines with one root. A [`NameRule`] says which of its certificates belong to devices, and where
//! those hold the identifier that tells one device from its siblings.

mod rule;

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

pub use self::rule::{CompanyPlace, CompanyRule, DeviceIdRule, IdAlphabet, IdPattern, NameRule};
use crate::certificate::{Certificate, KeyKind, Oddity};
use crate::chain::Der;
use crate::fingerprint::CertificateSha256;
use crate::tagged::read_tagged;
use crate::text::SafeText;
use crate::time::Timestamp;

/// A maker, as people see it in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Maker {
    /// Which.
    pub id: MakerId,
    /// What the directory or the person calls it.
    pub name: SafeText,
    /// Whether its roots vouch for devices.
    pub enabled: bool,
    /// Where it comes from.
    pub source: MakerSource,
    /// What must hold of its devices' certificates.
    pub rule: NameRule,
    /// Its roots, at least one, of a person's maker exactly one.
    pub roots: Vec<MakerRoot>,
    /// How many pins rest on it.
    pub pins: u32,
}

/// Where a maker comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum MakerSource {
    /// It came with Housekey: it can be switched off, not removed.
    Directory {
        /// How its roots came there.
        provenance: Provenance,
        /// What else there is to know, in English; empty for nothing.
        note: String,
    },
    /// The person added it.
    Person {
        /// When; unknown for what an older Housekey took in.
        added: Option<Timestamp>,
    },
}

read_tagged!(MakerSource by "type" {
    Directory { provenance, note },
    Person { added },
});

/// How a root came into the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Provenance {
    /// The company that published it.
    pub publisher: SafeText,
    /// The company's own page about it.
    pub url: String,
    /// Public places from which the very same bytes were read, each as its address.
    pub seen_at: Vec<String>,
    /// The day on which somebody looked, as `2026-11-22`.
    pub checked_on: String,
    /// How it was checked, in English.
    pub how: String,
}

/// A root of a maker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct MakerRoot {
    /// Its common name, or its organisation where it has none.
    pub subject: SafeText,
    /// Its organisation, if it names one.
    pub organisation: Option<SafeText>,
    /// First second of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// The certificate.
    pub sha256: CertificateSha256,
    /// Kind and size of its key.
    pub key: KeyKind,
}

/// Which maker: a word for one of the directory, `added-` and digits for one of the person.
///
/// The digits come from the root itself, so that a root that was removed and comes back is the
/// maker that it was, and another root of the same name never is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct MakerId(String);

impl Maker {
    /// Whether the person added it, so that nobody but the person answers for its name.
    #[must_use]
    pub const fn is_added_by_person(&self) -> bool {
        matches!(self.source, MakerSource::Person { .. })
    }
}

impl MakerRoot {
    /// What a root says of itself.
    #[must_use]
    pub fn new(root: &Certificate) -> Self {
        let subject = &root.subject;
        let name = subject.common_name.as_ref().or_else(|| subject.company());
        Self {
            subject: name.cloned().unwrap_or_default(),
            organisation: subject.organisations.first().cloned(),
            not_before: root.not_before,
            not_after: root.not_after,
            sha256: root.sha256,
            key: root.key,
        }
    }
}

impl MakerId {
    /// The maker that a person makes of this root.
    #[must_use]
    pub fn added(root: &CertificateSha256) -> Self {
        let (digits, _) = root.as_bytes().split_at(ADDED_BYTES);
        Self(format!("{ADDED}{}", HEXLOWER.encode(digits)))
    }

    /// Whether it is one that the person added.
    #[must_use]
    pub fn is_added_by_person(&self) -> bool {
        self.0.starts_with(ADDED)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The certificates behind a leaf that could be its maker's root, by their looks: whether one of
/// them signed anything is for a verifier to find out.
pub fn roots_in(chain: &[Der], now: Timestamp) -> impl Iterator<Item = (&Der, Certificate)> {
    let behind = chain.iter().skip(1).take(MAX_CANDIDATES);
    behind.filter_map(move |der| {
        let root = Certificate::from_der(&der.0).ok()?;
        fitness(&root, now).is_ok().then_some((der, root))
    })
}

/// Whether a certificate can be a maker's root.
///
/// # Errors
///
/// [`RootError`], the first reason why not.
pub fn fitness(root: &Certificate, now: Timestamp) -> Result<(), RootError> {
    if !root.self_issued || !root.oddities.contains(&Oddity::Authority) {
        return Err(RootError::NoAuthority);
    }
    if !root.key.is_strong() {
        return Err(RootError::WeakKey);
    }
    if now > root.not_after {
        return Err(RootError::Expired);
    }
    if now < root.not_before {
        return Err(RootError::NotYetValid);
    }
    Ok(())
}

/// Why a certificate can be no maker's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// It has ended.
    #[error("it has ended")]
    Expired,
    /// It was issued by somebody else, or may not issue others.
    #[error("it was issued by somebody else, or must not issue others")]
    NoAuthority,
    /// It has not begun.
    #[error("it has not begun")]
    NotYetValid,
    /// Its key is too weak.
    #[error("its key is too weak")]
    WeakKey,
}

/// The text is no [`MakerId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a maker's id is lower-case letters, digits and hyphens")]
pub struct MakerIdError;

impl fmt::Display for MakerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MakerId {
    type Err = MakerIdError;

    fn from_str(text: &str) -> Result<Self, MakerIdError> {
        let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        if starts_well && text.len() <= MAX_ID_BYTES && text.bytes().all(is_letter) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MakerIdError)
        }
    }
}

impl TryFrom<String> for MakerId {
    type Error = MakerIdError;

    fn try_from(text: String) -> Result<Self, MakerIdError> {
        text.parse()
    }
}

impl From<MakerId> for String {
    fn from(id: MakerId) -> Self {
        id.0
    }
}

const ADDED: &str = "added-";
/// 64 bits: nobody makes a second root for the id of one that is there already.
const ADDED_BYTES: usize = 8;
const MAX_ID_BYTES: usize = 40;
/// Devices send one root, if any.
const MAX_CANDIDATES: usize = 9;
