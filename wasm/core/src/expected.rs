//! What a person expects of a device, typed or pasted, compared here and not by eye.
//!
//! People skip digits when they compare ([Dechand et al., USENIX Security 2016][study]), so the
//! whole of a fingerprint fits or nothing does.
//!
//! A device chooses its own identifier, and its maker's name is anybody's.
//! So what looks like a fingerprint is never compared with an identifier: a device that calls
//! itself by another's fingerprint would pass for it.
//!
//! [study]: https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/dechand

mod typed;

use serde::{Deserialize, Serialize};

use self::typed::{DeviceCode, HEX_SHA256, Typed};
use crate::certificate::Certificate;
use crate::identity::{Identity, Tier};
use crate::tagged::read_tagged;
use crate::words::{Words, WordsError};

/// What comparing a person's word with a device's says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Comparison {
    /// It is another device's.
    Differs {
        /// What it was compared with.
        what: Mark,
    },
    /// Nothing was typed.
    Empty,
    /// It is this device's.
    Matches {
        /// What of it.
        what: Mark,
        /// What follows from that.
        strength: Strength,
    },
    /// Some of it is missing. Whether what is there would fit is not said.
    TooShort {
        /// What it seems to be the beginning of.
        what: Mark,
        /// Digits or letters that are there; words, for [`Mark::Words`].
        has: usize,
        /// And that have to be.
        needs: usize,
    },
    /// It seems to be a key's words, but one of them is none of the list.
    UnknownWord {
        /// Which one, counted from one.
        at: usize,
    },
    /// It is nothing that a device could be known by, or more than one thing.
    Unreadable,
    /// It is an MD5 fingerprint: two certificates that share one are made in seconds
    /// (Stevens, Lenstra and de Weger, EUROCRYPT 2007).
    Worthless,
}

read_tagged!(Comparison by "type" {
    Differs { what },
    Empty,
    Matches { what, strength },
    TooShort { what, has, needs },
    UnknownWord { at },
    Unreadable,
    Worthless,
});

/// What a device can be known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Mark {
    /// SHA-1 of the certificate.
    CertificateSha1,
    /// SHA-256 of the certificate. Where nothing matches, 64 digits may be meant for the key too.
    CertificateSha256,
    /// The whole identifier of the device.
    DeviceId,
    /// The end of it, at least [`MIN_ENDING`] letters or digits, as labels have it.
    DeviceIdEnding,
    /// SHA-256 of the key.
    KeySha256,
    /// The key's words.
    Words,
}

/// What follows from a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Strength {
    /// Nothing but that the device says so. Everybody on the network can know its identifier.
    Claim,
    /// It is this device, as whoever told the expected value knows it.
    Proof,
    /// It may be another one: SHA-1, or the end of an identifier that its maker vouches for.
    Weak,
}

/// Compares what a person typed with what a device presented.
#[must_use]
pub fn compare(typed: &str, leaf: &Certificate, identity: &Identity) -> Comparison {
    match Typed::read(typed) {
        Typed::Code(code) => compare_code(&code, identity),
        Typed::Empty => Comparison::Empty,
        Typed::Md5 => Comparison::Worthless,
        Typed::Sha1(hash) if hash == *leaf.sha1.as_bytes() => matches(Mark::CertificateSha1),
        Typed::Sha1(_) => differs(Mark::CertificateSha1),
        Typed::Sha256(hash) if hash == *leaf.spki_sha256.as_bytes() => matches(Mark::KeySha256),
        Typed::Sha256(hash) if hash == *leaf.sha256.as_bytes() => matches(Mark::CertificateSha256),
        Typed::Sha256(_) => differs(Mark::CertificateSha256),
        Typed::TooShort { what, has, needs } => Comparison::TooShort { what, has, needs },
        Typed::Unreadable => Comparison::Unreadable,
        Typed::Words(Ok(words)) if words == Words::of(leaf.spki_sha256) => matches(Mark::Words),
        Typed::Words(Ok(_)) => differs(Mark::Words),
        Typed::Words(Err(WordsError::TooFew { has })) => Comparison::TooShort {
            what: Mark::Words,
            has,
            needs: Words::COUNT,
        },
        Typed::Words(Err(WordsError::TooMany)) => Comparison::Unreadable,
        Typed::Words(Err(WordsError::Unknown { at })) => Comparison::UnknownWord { at },
    }
}

/// Compares with the identifier, letters and digits only, in either case.
fn compare_code(code: &DeviceCode, identity: &Identity) -> Comparison {
    let id = identity.device_id.as_ref().and_then(DeviceCode::of_device);
    let too_short = |what, needs| Comparison::TooShort {
        what,
        has: code.len(),
        needs,
    };
    match id {
        None if code.is_hex() => too_short(Mark::CertificateSha256, HEX_SHA256),
        None => Comparison::Unreadable,
        Some(_) if code.len() < MIN_ENDING => too_short(Mark::DeviceIdEnding, MIN_ENDING),
        Some(id) if id == *code => Comparison::Matches {
            what: Mark::DeviceId,
            strength: match identity.tier {
                Tier::Company | Tier::Manufacturer => Strength::Proof,
                Tier::Domain | Tier::Unverified => Strength::Claim,
            },
        },
        Some(id) if id.ends_with(code) => Comparison::Matches {
            what: Mark::DeviceIdEnding,
            strength: match identity.tier {
                Tier::Company | Tier::Manufacturer => Strength::Weak,
                Tier::Domain | Tier::Unverified => Strength::Claim,
            },
        },
        // More digits than the identifier has are the beginning of something longer.
        Some(id) if code.is_hex() && code.len() > id.len() => {
            too_short(Mark::CertificateSha256, HEX_SHA256)
        }
        Some(id) if code.could_be(&id) => differs(Mark::DeviceId),
        Some(_) => Comparison::Unreadable,
    }
}

const fn differs(what: Mark) -> Comparison {
    Comparison::Differs { what }
}

const fn matches(what: Mark) -> Comparison {
    let strength = match what {
        Mark::CertificateSha256 | Mark::KeySha256 | Mark::Words => Strength::Proof,
        Mark::CertificateSha1 => Strength::Weak,
        // Which one it is depends on who vouches for the identifier; never more than this here.
        Mark::DeviceId | Mark::DeviceIdEnding => Strength::Claim,
    };
    Comparison::Matches { what, strength }
}

/// What labels and apps print of an identifier, as the last digits of a Hue bridge's.
pub const MIN_ENDING: usize = 4;
