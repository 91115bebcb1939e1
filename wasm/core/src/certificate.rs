//! What a certificate says, from DER to values that are safe to keep and to show.
//!
//! Reading is not believing: nothing here verifies a signature.

mod name;
mod string;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

pub use name::{
    Attribute, AttributeKind, DistinguishedName, MAX_NAMES, MAX_ORGANISATIONS, MAX_WHOLE,
    WholeNames,
};

use crate::fingerprint::{CertificateSha1, CertificateSha256, SpkiSha256};
use crate::tagged::read_tagged;
use crate::text::SafeText;
use crate::time::Timestamp;

/// The parts of an X.509 certificate (RFC 5280) that Housekey decides by or shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// SHA-256 of the whole certificate.
    pub sha256: CertificateSha256,
    /// SHA-1 of the whole certificate, to compare with an older device's label.
    pub sha1: CertificateSha1,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki_sha256: SpkiSha256,
    /// Who it was issued to.
    pub subject: DistinguishedName,
    /// Who issued it.
    pub issuer: DistinguishedName,
    /// Serial number in lower-case hexadecimal digits.
    pub serial: String,
    /// First second of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// Kind and size of the key.
    pub key: KeyKind,
    /// DNS names and addresses of the subject alternative name, at most [`MAX_NAMES`].
    pub names: Vec<SafeText>,
    /// Peculiarities that a careful maker's certificate does not have.
    pub oddities: Vec<Oddity>,
    /// Whether subject and issuer are the same name.
    pub self_issued: bool,
}

/// The kind of a public key, and whether it is strong enough to be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "algorithm", rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum KeyKind {
    /// An elliptic curve of NIST: P-256, P-384 or P-521.
    Ec {
        /// Size of the curve.
        bits: u32,
    },
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA.
    Rsa {
        /// Size of the modulus.
        bits: u32,
    },
    /// DSA, GOST, another curve, or what nobody knows.
    Other,
}

read_tagged!(KeyKind by "algorithm" {
    Ec { bits },
    Ed25519,
    Rsa { bits },
    Other,
});

/// What is odd about a leaf, without making it worthless as the holder of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Oddity {
    /// It claims to be a certificate authority (`basicConstraints` `CA:TRUE`).
    Authority,
    /// X.509 version 1 or 2, which have no extensions.
    OldVersion,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] for what is too large or is not exactly one certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = parse(der)?;
        let mut oddities = Vec::new();
        if parsed.is_ca() {
            oddities.push(Oddity::Authority);
        }
        if parsed.version() != X509Version::V3 {
            oddities.push(Oddity::OldVersion);
        }
        Ok(Self {
            sha256: CertificateSha256::of(der),
            sha1: CertificateSha1::of(der),
            spki_sha256: SpkiSha256::of(parsed.public_key().raw),
            subject: DistinguishedName::read(parsed.subject()),
            issuer: DistinguishedName::read(parsed.issuer()),
            serial: HEXLOWER.encode(
                parsed
                    .raw_serial()
                    .get(..MAX_SERIAL_BYTES)
                    .unwrap_or(parsed.raw_serial()),
            ),
            not_before: Timestamp(parsed.validity().not_before.timestamp()),
            not_after: Timestamp(parsed.validity().not_after.timestamp()),
            key: KeyKind::read(parsed.public_key()),
            names: name::subject_names(&parsed),
            oddities,
            self_issued: parsed.subject().as_raw() == parsed.issuer().as_raw(),
        })
    }

    /// The organisation that issued it, or whatever its issuer calls itself.
    #[must_use]
    pub fn issuing_company(&self) -> Option<&SafeText> {
        self.issuer.company()
    }
}

/// The SubjectPublicKeyInfo of a certificate, in DER, of any X.509 version.
///
/// # Errors
///
/// As [`Certificate::from_der`].
pub fn spki(der: &[u8]) -> Result<&[u8], CertificateError> {
    Ok(parse(der)?.tbs_certificate.subject_pki.raw)
}

/// Exactly one certificate, whatever it says.
fn parse(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    if der.len() > MAX_DER_BYTES {
        return Err(CertificateError::TooLarge);
    }
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(CertificateError::Malformed),
    }
}

/// Why bytes are not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The peer sent no certificate at all.
    #[error("the device presented no certificate")]
    Missing,
    /// It is not one certificate in DER.
    #[error("that is not a certificate")]
    Malformed,
    /// It is larger than Housekey reads.
    #[error("the certificate is too large")]
    TooLarge,
}

impl CertificateError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "certificate_missing",
            Self::Malformed => "certificate_malformed",
            Self::TooLarge => "certificate_too_large",
        }
    }
}

impl KeyKind {
    /// Whether browsers and rustls would take this key (CA/Browser Forum BR section 6.1.5).
    #[must_use]
    pub const fn is_strong(self) -> bool {
        match self {
            Self::Ec { .. } | Self::Ed25519 => true,
            Self::Rsa { bits } => bits >= 2_048,
            Self::Other => false,
        }
    }

    fn read(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        let algorithm = &spki.algorithm.algorithm;
        if *algorithm == OID_SIG_ED25519 {
            return Self::Ed25519;
        }
        if *algorithm == OID_PKCS1_RSAENCRYPTION {
            return match spki.parsed() {
                Ok(PublicKey::RSA(key)) => Self::Rsa {
                    bits: bits(key.modulus),
                },
                _ => Self::Other,
            };
        }
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|curve| curve.as_oid().ok());
        match curve {
            Some(curve) if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY => {
                let bits = [
                    (OID_EC_P256, 256),
                    (OID_NIST_EC_P384, 384),
                    (OID_NIST_EC_P521, 521),
                ];
                let known = bits.into_iter().find(|(oid, _)| *oid == curve);
                known.map_or(Self::Other, |(_, bits)| Self::Ec { bits })
            }
            _ => Self::Other,
        }
    }
}

/// The exact size of an unsigned big-endian number, so that a 2,047-bit modulus is not rounded up.
fn bits(modulus: &[u8]) -> u32 {
    let start = modulus
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(modulus.len());
    let significant = &modulus[start..];
    let leading = significant.first().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(significant.len())
        .unwrap_or(u32::MAX / 8)
        .saturating_mul(8)
        - leading
}

/// A leaf with 1,000 names is about 30 KB.
const MAX_DER_BYTES: usize = 65_536;
/// RFC 5280 section 4.1.2.2 allows 20.
const MAX_SERIAL_BYTES: usize = 32;
