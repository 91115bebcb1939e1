//! Decision: what a presented chain means for a person, given what they trusted before.

use serde::{Deserialize, Serialize};

use crate::certificate::CertificateError;
use crate::chain::{Flaw, Observation, UnverifiedChain};
use crate::endpoint::Endpoint;
use crate::identity::Identity;
use crate::pin::{Mismatch, Pin, PinMatch};
use crate::tagged::read_tagged;
use crate::time::Timestamp;

/// What to do with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let it through: the key is the pinned one.
    Connect(PinMatch),
    /// Send nothing, and tell the person this.
    Refuse(Finding),
}

/// Why nothing was sent to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Finding {
    /// The person blocked this endpoint.
    Blocked,
    /// The device is the trusted one, but the browser does not take what the gateway shows it:
    /// the local authority is not in this browser's store.
    BrowserDistrusts,
    /// Another key, and nothing verified says that it is the same device.
    Changed,
    /// The pinned key, but its certificate has ended.
    Expired,
    /// The device could not be met at all.
    Failed {
        /// Why not.
        failure: Failure,
    },
    /// The person's settings say no before there is anything to ask.
    Forbidden {
        /// Which setting.
        rule: Rule,
    },
    /// A key that is pinned at another endpoint.
    Moved {
        /// Where it is pinned.
        from: Endpoint,
    },
    /// Another key of the same verified manufacturer or company and the same device identifier.
    Rotated,
    /// The device is the trusted one, but this browser profile still holds the session of the one
    /// that was there before, which was replaced in another profile.
    StaleSession,
    /// No pin: the person has not been asked.
    Stranger,
    /// No pin, and what it presented can be nobody's identity.
    Unfit {
        /// What is wrong.
        flaw: Flaw,
    },
}

read_tagged!(Finding by "type" {
    Blocked,
    BrowserDistrusts,
    Changed,
    Expired,
    Failed { failure },
    Forbidden { rule },
    Moved { from },
    Rotated,
    StaleSession,
    Stranger,
    Unfit { flaw },
});

/// A setting that refuses what would else be a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Rule {
    /// Trusted keys whose certificate has ended are refused.
    Expired,
    /// Devices that nobody vouches for are refused.
    Unverified,
}

impl Rule {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 2] = [Self::Expired, Self::Unverified];
}

/// What a person set about questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Refuse trusted keys whose certificate has ended, and don't ask.
    pub refuse_expired: bool,
    /// Refuse devices that nobody vouches for, and don't ask.
    pub refuse_unverified: bool,
}

/// Why a device could not be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Failure {
    /// The device presented something that is no certificate, or no proof of its key.
    BadCertificate,
    /// The device asked for a certificate of the person's own.
    ClientCertificate,
    /// The device closed the connection in the middle of the handshake.
    Closed,
    /// The device and Housekey share no safe version or cipher.
    Outdated,
    /// The device broke the TLS protocol.
    Protocol,
    /// Nothing listens at this port.
    Refused,
    /// No answer in time.
    TimedOut,
    /// What answers does not speak TLS.
    NotTls,
    /// The name leads to a public address, which is none of Housekey's business.
    Public,
    /// It was not even looked for: too many new addresses were opened at once, as somebody does who
    /// wants to know what is there.
    TooMany,
    /// The name leads nowhere.
    UnknownName,
    /// There is no way to this address.
    Unreachable,
}

impl Failure {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 12] = [
        Self::BadCertificate,
        Self::ClientCertificate,
        Self::Closed,
        Self::Outdated,
        Self::Protocol,
        Self::Refused,
        Self::TimedOut,
        Self::NotTls,
        Self::Public,
        Self::TooMany,
        Self::UnknownName,
        Self::Unreachable,
    ];
}

/// Decides about what a device presented.
///
/// `elsewhere` are the pins of other endpoints that hold the presented key.
///
/// # Errors
///
/// [`CertificateError`] where the chain cannot be read: refuse, with nothing to show.
pub fn decide(
    observation: &Observation,
    pin: Option<&Pin>,
    elsewhere: &[Pin],
    policy: Policy,
    now: Timestamp,
) -> Result<Decision, CertificateError> {
    let chain = UnverifiedChain::new(observation.chain.clone())?;
    let identity = Identity::of(chain.leaf(), &observation.verdict, now);
    let Some(pin) = pin else {
        return Ok(Decision::Refuse(match identity {
            Err(flaw) => Finding::Unfit { flaw },
            // Its key is known, whoever vouches for it or does not.
            Ok(identity) => match moved(&chain, elsewhere) {
                Some(moved) => moved,
                None if policy.refuse_unverified && !identity.is_verified() => Finding::Forbidden {
                    rule: Rule::Unverified,
                },
                None => Finding::Stranger,
            },
        }));
    };
    Ok(match pin.check(&chain, now) {
        Ok(proof) => Decision::Connect(proof),
        Err(Mismatch::Blocked) => Decision::Refuse(Finding::Blocked),
        Err(Mismatch::Expired) if policy.refuse_expired => Decision::Refuse(Finding::Forbidden {
            rule: Rule::Expired,
        }),
        Err(Mismatch::Expired) => Decision::Refuse(Finding::Expired),
        Err(Mismatch::Key) => Decision::Refuse(match identity {
            Ok(identity) if identity.is_same_device_as(&pin.identity) => Finding::Rotated,
            _ => Finding::Changed,
        }),
    })
}

fn moved(chain: &UnverifiedChain, elsewhere: &[Pin]) -> Option<Finding> {
    let same_key = |pin: &&Pin| pin.spki_sha256 == chain.leaf().spki_sha256 && !pin.blocked;
    let from = elsewhere.iter().find(same_key)?.endpoint.clone();
    Some(Finding::Moved { from })
}
