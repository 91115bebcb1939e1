//! What must hold of a certificate so that a maker's root vouches for a device with it.

use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;
use crate::text::SafeText;

/// What must hold of a certificate so that a maker's root vouches for a device with it.
///
/// A leaf that names another company than [`NameRule::company`], or whose identifier does not fit
/// the [`NameRule::pattern`], was signed for something else than a device: a server, an app, a
/// developer. The root then vouches for nothing, and the device is as unverified as any.
/// Where no pattern is known and the leaf holds no identifier, it is the maker's, but nobody knows
/// which device it is: no other key can then ever be taken for the same device's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct NameRule {
    /// Where the device identifier stands.
    pub device_id: DeviceIdRule,
    /// What it looks like; anything where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<IdPattern>,
    /// Which company the leaf has to name; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyRule>,
}

/// Where a manufacturer writes the identifier of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum DeviceIdRule {
    /// In the subject's common name.
    #[default]
    SubjectCommonName,
    /// In the subject's `serialNumber` attribute.
    SubjectSerialNumber,
    /// Nowhere, or nobody knows where.
    Unknown,
}

impl DeviceIdRule {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 3] = [
        Self::SubjectCommonName,
        Self::SubjectSerialNumber,
        Self::Unknown,
    ];
}

/// What the identifiers of a maker's devices look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct IdPattern {
    /// What it is written with.
    pub alphabet: IdAlphabet,
    /// The fewest characters.
    pub min: u8,
    /// The most characters.
    pub max: u8,
}

/// What an identifier is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum IdAlphabet {
    /// ASCII letters and digits.
    Alphanumeric,
    /// Hexadecimal digits of either case.
    Hexadecimal,
}

/// Which company a leaf has to name, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct CompanyRule {
    /// In which of its names.
    #[serde(rename = "in")]
    pub place: CompanyPlace,
    /// An organisation (`O`) of that name has to be exactly one of these.
    pub any_of: Vec<SafeText>,
}

/// Which name of a leaf has to name the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum CompanyPlace {
    /// Its issuer: some makers name themselves only there.
    Issuer,
    /// Its subject.
    Subject,
}

impl NameRule {
    /// The rule of which nothing is known but where the identifier stands.
    #[must_use]
    pub const fn with_device_id(device_id: DeviceIdRule) -> Self {
        Self {
            device_id,
            pattern: None,
            company: None,
        }
    }

    /// Whether a leaf is a device's of this maker.
    #[must_use]
    pub fn is_about(&self, leaf: &Certificate) -> bool {
        let names_the_company = self.company.as_ref().is_none_or(|company| {
            let name = match company.place {
                CompanyPlace::Issuer => &leaf.issuer,
                CompanyPlace::Subject => &leaf.subject,
            };
            let mut named = name.organisations.iter();
            named.any(|name| company.any_of.contains(name))
        });
        names_the_company && (self.pattern.is_none() || self.device_id(leaf).is_some())
    }

    /// The identifier of the device, if the leaf holds one that fits.
    #[must_use]
    pub fn device_id(&self, leaf: &Certificate) -> Option<SafeText> {
        let id = match self.device_id {
            DeviceIdRule::SubjectCommonName => leaf.subject.common_name.as_ref(),
            DeviceIdRule::SubjectSerialNumber => leaf.subject.serial_number.as_ref(),
            DeviceIdRule::Unknown => None,
        };
        let fits = |id: &&SafeText| self.pattern.is_none_or(|it| it.fits(id.as_str()));
        id.filter(fits).cloned()
    }
}

impl IdPattern {
    /// Whether an identifier looks like this.
    #[must_use]
    pub fn fits(self, id: &str) -> bool {
        let is_letter = |byte: u8| match self.alphabet {
            IdAlphabet::Alphanumeric => byte.is_ascii_alphanumeric(),
            IdAlphabet::Hexadecimal => byte.is_ascii_hexdigit(),
        };
        (usize::from(self.min)..=usize::from(self.max)).contains(&id.len())
            && id.bytes().all(is_letter)
    }
}
