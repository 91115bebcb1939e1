//! Fingerprints: hashes of a key or of a certificate, which must never be taken for each other.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER_PERMISSIVE as HEX, HEXUPPER};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

macro_rules! fingerprint {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
        pub struct $name([u8; 32]);

        impl $name {
            /// The fingerprint of this DER encoding.
            #[must_use]
            pub fn of(der: &[u8]) -> Self {
                Self(Sha256::digest(der).into())
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Upper-case digits in groups of four, which is what people can compare
            /// (Dechand et al., USENIX Security 2016).
            #[must_use]
            pub fn grouped(&self) -> String {
                let groups = self.0.chunks(2).map(|pair| HEXUPPER.encode(pair));
                groups.collect::<Vec<_>>().join(" ")
            }
        }

        impl fmt::Display for $name {
            /// 64 lower-case hexadecimal digits.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEX.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = FingerprintError;

            /// Parses 64 hexadecimal digits of either case.
            fn from_str(text: &str) -> Result<Self, FingerprintError> {
                let bytes = HEX.decode(text.as_bytes()).map_err(|_| FingerprintError)?;
                bytes.try_into().map(Self).map_err(|_| FingerprintError)
            }
        }

        impl TryFrom<String> for $name {
            type Error = FingerprintError;

            fn try_from(text: String) -> Result<Self, FingerprintError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(fingerprint: $name) -> Self {
                fingerprint.to_string()
            }
        }
    };
}

fingerprint! {
    /// SHA-256 of a whole certificate, as browsers show it.
    CertificateSha256
}

fingerprint! {
    /// SHA-256 of a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): the key that a pin holds.
    /// It survives a renewal that keeps the key.
    SpkiSha256
}

/// SHA-1 of a whole certificate, which older devices print and show.
///
/// It is only ever compared with what a person typed.
/// Nobody can make a second certificate to it yet, but its maker can make two at once
/// (Leurent and Peyrin, USENIX Security 2020).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CertificateSha1([u8; 20]);

impl CertificateSha1 {
    /// The fingerprint of this DER encoding.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        Self(Sha1::digest(der).into())
    }

    /// The 20 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for CertificateSha1 {
    /// 40 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEX.encode(&self.0))
    }
}

impl fmt::Debug for CertificateSha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateSha1({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits")]
pub struct FingerprintError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_nothing_is_the_known_one() {
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(SpkiSha256::of(b"").to_string(), known);
        assert_eq!(known.to_uppercase().parse(), Ok(SpkiSha256::of(b"")));
    }

    #[test]
    fn sha1_of_nothing_is_the_known_one() {
        let known = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        assert_eq!(CertificateSha1::of(b"").to_string(), known);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "e3b0",
            &"g".repeat(64),
            &"0".repeat(63),
            &"0".repeat(66),
        ] {
            assert_eq!(text.parse::<SpkiSha256>(), Err(FingerprintError), "{text}");
        }
    }
}
