//! A chain that a device presented, and what was found out about it.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateError};
use crate::endpoint::Endpoint;
use crate::fingerprint::SpkiSha256;
use crate::maker::{MakerId, NameRule};
use crate::tagged::read_tagged;
use crate::text::SafeText;
use crate::time::Timestamp;

/// A certificate in DER; base64 in messages.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct Der(pub Vec<u8>);

/// What a device presented in a handshake that proved that it holds the leaf's key,
/// before anybody compared that key with a pin.
///
/// It becomes a [`PinMatch`](crate::pin::PinMatch) only in [`Pin::check`](crate::pin::Pin::check).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedChain {
    ders: Vec<Der>,
    leaf: Certificate,
}

impl UnverifiedChain {
    /// Takes the chain of a handshake, leaf first.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] where there is no leaf, or it cannot be read, or the whole is too large.
    pub fn new(ders: Vec<Der>) -> Result<Self, CertificateError> {
        if ders.iter().map(|der| der.0.len()).sum::<usize>() > MAX_CHAIN_BYTES {
            return Err(CertificateError::TooLarge);
        }
        let leaf = Certificate::from_der(&ders.first().ok_or(CertificateError::Missing)?.0)?;
        Ok(Self { ders, leaf })
    }

    /// The leaf.
    #[must_use]
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// All certificates as they came, leaf first, never empty.
    #[must_use]
    pub fn ders(&self) -> &[Der] {
        &self.ders
    }
}

/// Everything that one look at a device told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Observation {
    /// Where it answered.
    pub endpoint: Endpoint,
    /// When.
    pub at: Timestamp,
    /// The chain that it presented, leaf first.
    pub chain: Vec<Der>,
    /// What chain validation without the host name says.
    pub verdict: ChainVerdict,
    /// The protocol version of the handshake.
    pub tls: TlsVersion,
    /// The application protocol that the device chose (RFC 7301), if any.
    pub alpn: Option<SafeText>,
}

impl Observation {
    /// The key that the device holds, if its leaf can be read.
    #[must_use]
    pub fn leaf_key(&self) -> Option<SpkiSha256> {
        Certificate::from_der(&self.chain.first()?.0)
            .ok()
            .map(|leaf| leaf.spki_sha256)
    }
}

/// The result of validating a chain in everything but the host name (RFC 5280 section 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ChainVerdict {
    /// Something about it is wrong whoever signed it.
    Refused {
        /// What is wrong.
        flaw: Flaw,
    },
    /// Nothing is wrong but nobody known vouches for it: self-signed, or an unknown issuer.
    UnknownIssuer,
    /// It ends in a root that is trusted.
    Verified {
        /// The root.
        anchor: Anchor,
    },
}

read_tagged!(ChainVerdict by "type" {
    Refused { flaw },
    UnknownIssuer,
    Verified { anchor },
});

/// The root that a verified chain ends in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Anchor {
    /// A manufacturer's own root, from the directory or added by the person.
    Manufacturer {
        /// Which manufacturer.
        id: MakerId,
        /// What the person or the directory calls it.
        name: SafeText,
        /// What must hold of its devices' certificates.
        rule: NameRule,
    },
    /// A root that this computer trusts.
    System {
        /// The company that runs it.
        name: SafeText,
    },
}

read_tagged!(Anchor by "type" {
    Manufacturer { id, name, rule },
    System { name },
});

/// What is wrong with a chain, whoever signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Flaw {
    /// A signature in the chain is wrong.
    BadSignature,
    /// A certificate has ended.
    Expired,
    /// A certificate cannot be read, or breaks a rule of RFC 5280.
    Malformed,
    /// It names what its issuer must not vouch for.
    NameConstraint,
    /// A certificate has not begun.
    NotYetValid,
    /// It comes from Housekey's own local authority: somebody plays a gateway to the gateway.
    OwnAuthority,
    /// The leaf's key is too weak or of a kind that is not used any more.
    WeakKey,
    /// The leaf is not meant for servers (`extendedKeyUsage`).
    WrongPurpose,
}

impl Flaw {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 8] = [
        Self::BadSignature,
        Self::Expired,
        Self::Malformed,
        Self::NameConstraint,
        Self::NotYetValid,
        Self::OwnAuthority,
        Self::WeakKey,
        Self::WrongPurpose,
    ];
}

/// What a device speaks that is too old to be safe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct OutdatedTls {
    /// The version that the device chose.
    pub version: LegacyVersion,
    /// The cipher suite that it chose, by its registered name or number.
    pub cipher: SafeText,
}

/// A version that a device may choose where it is offered everything there ever was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum LegacyVersion {
    /// SSL 3.0 (RFC 6101), forbidden by RFC 7568.
    #[serde(rename = "ssl3")]
    Ssl3,
    /// TLS 1.0 (RFC 2246), forbidden by RFC 8996.
    #[serde(rename = "1.0")]
    Tls1_0,
    /// TLS 1.1 (RFC 4346), forbidden by RFC 8996.
    #[serde(rename = "1.1")]
    Tls1_1,
    /// TLS 1.2 (RFC 5246), with a cipher that is not safe.
    #[serde(rename = "1.2")]
    Tls1_2,
}

impl LegacyVersion {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 4] = [Self::Ssl3, Self::Tls1_0, Self::Tls1_1, Self::Tls1_2];
}

/// A version of TLS that is still safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

impl std::fmt::Debug for Der {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Der({} bytes)", self.0.len())
    }
}

impl TryFrom<String> for Der {
    type Error = data_encoding::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        BASE64.decode(text.as_bytes()).map(Self)
    }
}

impl From<Der> for String {
    fn from(der: Der) -> Self {
        BASE64.encode(&der.0)
    }
}

/// Far above any honest chain, far below a native message's limit.
const MAX_CHAIN_BYTES: usize = 262_144;
