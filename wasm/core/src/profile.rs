//! Profiles: a browser's separate stores of cookies, each of which has to be told on its own when
//! an address goes over to another device.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A browser profile's own random name for itself, a UUID (RFC 9562) in lower case.
///
/// The helper is started by each profile; by this it knows which of them still holds the session
/// of a device that the person has replaced in another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct ProfileId(String);

/// The text is not a UUID in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a profile is named by a UUID in lower case")]
pub struct ProfileIdError;

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProfileId {
    type Err = ProfileIdError;

    fn from_str(text: &str) -> Result<Self, ProfileIdError> {
        let lengths = text.split('-').map(str::len);
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
        if lengths.eq(UUID_GROUPS) && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProfileIdError)
        }
    }
}

impl TryFrom<String> for ProfileId {
    type Error = ProfileIdError;

    fn try_from(text: String) -> Result<Self, ProfileIdError> {
        text.parse()
    }
}

impl From<ProfileId> for String {
    fn from(profile: ProfileId) -> Self {
        profile.0
    }
}

/// The lengths of a UUID's groups of digits.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_a_uuid_and_nothing_else() {
        let name = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f";
        assert_eq!(name.parse::<ProfileId>().unwrap().to_string(), name);
        for text in [
            "",
            "profile",
            "3F1C2A5E-9D7B-4C1A-8E2F-0A1B2C3D4E5F",
            "3f1c2a5e9d7b4c1a8e2f0a1b2c3d4e5f",
            "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f-",
            "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5\u{b2}",
        ] {
            assert_eq!(text.parse::<ProfileId>(), Err(ProfileIdError), "{text}");
        }
    }
}
