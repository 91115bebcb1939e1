//! One case, put before the helper's own validator.

use std::fmt;
use std::time::Duration;

use housekey::chain::{Roots, timestamp};
use housekey_core::certificate::Certificate;
use housekey_core::chain::{ChainVerdict, Flaw};
use housekey_core::endpoint::Host;
use housekey_core::identity::Identity;
use rustix::time::{ClockId, clock_gettime};

use crate::suite::Case;

/// What became of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// The leaf is of a kind that no chain can verify.
    Odd,
    Refused(Flaw),
    /// Nobody known vouches for it.
    Unknown,
    /// Chain validation accepts, and the core does not: one of them has a hole.
    Disagreement,
}

/// An [`Outcome`], as far as it is decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Accepted,
    Odd,
    Refused,
}

/// What one case showed.
pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    /// Whether a browser would take it for the name that the case wants, if it wants one.
    pub(crate) with_name: Option<bool>,
    /// Of the processor, so that what else the computer does is not counted.
    pub(crate) took: Duration,
}

impl Outcome {
    /// Odd leaves and strangers are verified by nobody, which is what a refusal is to a validator.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Accepted | Self::Disagreement => Kind::Accepted,
            Self::Odd => Kind::Odd,
            Self::Refused(_) | Self::Unknown => Kind::Refused,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Odd => f.write_str("odd leaf"),
            Self::Refused(flaw) => write!(f, "refused: {flaw:?}"),
            Self::Unknown => f.write_str("unknown issuer"),
            Self::Disagreement => f.write_str("ACCEPTED, AND REFUSED BY THE CORE"),
        }
    }
}

/// Judges one case, with its own roots and at its own time.
pub(crate) fn judge(case: &Case) -> Judgement {
    let roots = Roots::these(&case.roots);
    let start = processor_time();
    let verdict = roots.verdict(&case.chain, &[], None, case.at);
    let took = processor_time().saturating_sub(start);
    Judgement {
        outcome: outcome(case, &verdict),
        with_name: with_name(case, &roots),
        took,
    }
}

fn outcome(case: &Case, verdict: &ChainVerdict) -> Outcome {
    let leaf = case.chain.first().map(|der| Certificate::from_der(der));
    match (verdict, leaf) {
        (ChainVerdict::Refused { flaw }, _) => Outcome::Refused(*flaw),
        (ChainVerdict::Verified { .. }, Some(Ok(leaf))) => {
            match Identity::of(&leaf, verdict, timestamp(case.at)) {
                Ok(identity) if identity.is_verified() => Outcome::Accepted,
                _ => Outcome::Disagreement,
            }
        }
        (ChainVerdict::Verified { .. }, _) => Outcome::Disagreement,
        (ChainVerdict::UnknownIssuer, Some(Ok(leaf))) if !leaf.oddities.is_empty() => Outcome::Odd,
        (ChainVerdict::UnknownIssuer, _) => Outcome::Unknown,
    }
}

fn with_name(case: &Case, roots: &Roots) -> Option<bool> {
    let name = case.name.as_ref()?;
    let host = match name.kind.as_str() {
        "DNS" => Host::Name(name.value.clone()),
        "IP" => Host::Ip(name.value.parse().ok()?),
        _ => return None,
    };
    Some(roots.accepts(&case.chain, &host, case.at))
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
