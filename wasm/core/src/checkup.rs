//! A checkup: every link between a browser and a device, how it is, and what mends it.
//!
//! The helper finds out, in codes; what a code means for a person, which link it is about and what
//! mends it stands here, so that a terminal and a page say the same.

mod fix;
mod found;
mod link;
mod version;
mod whose;
mod why;

use serde::{Deserialize, Serialize};

pub use self::fix::Fix;
pub use self::found::Found;
pub use self::link::Link;
pub use self::version::compare_versions;
pub use self::whose::Whose;
pub use self::why::{Trouble, Why};
use crate::text::WholeText;
use crate::time::Timestamp;

/// What a checkup found, link by link in the order of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Checkup {
    /// When.
    pub at: Timestamp,
    /// Each check.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Check {
    /// What was found.
    pub found: Found,
    /// Whose link it is, where there may be several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
    /// The file, number or address that it is about. Empty where there is none.
    #[serde(default)]
    pub place: WholeText,
    /// Why it is so, where what was found does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum State {
    /// It holds.
    Good,
    /// It is no fault of the chain, but a person should know of it, or it could not be checked.
    Open,
    /// It is broken.
    Bad,
}

impl Check {
    /// A finding about nothing in particular.
    #[must_use]
    pub fn new(found: Found) -> Self {
        Self {
            found,
            whose: None,
            place: WholeText::default(),
            why: None,
        }
    }

    /// The same, of this browser or profile.
    #[must_use]
    pub fn of(self, whose: Whose) -> Self {
        let whose = Some(whose);
        Self { whose, ..self }
    }

    /// The same, about this file, number or address.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        let place = WholeText::new(place);
        Self { place, ..self }
    }

    /// The same, for this reason.
    #[must_use]
    pub fn because(self, why: Why) -> Self {
        let why = Some(why);
        Self { why, ..self }
    }
}

impl Checkup {
    /// The most checks that one holds; a home has far fewer profiles.
    pub const MAX_CHECKS: usize = 200;

    /// The checks in the order of the chain, and of each link what is wrong with it first.
    #[must_use]
    pub fn new(at: Timestamp, mut checks: Vec<Check>) -> Self {
        let worst_first = |check: &Check| std::cmp::Reverse(check.found.state());
        checks.sort_by_key(|check| (check.found.link(), worst_first(check)));
        checks.truncate(Self::MAX_CHECKS);
        Self { at, checks }
    }

    /// The same with what the extension knows besides.
    #[must_use]
    pub fn with(self, more: impl IntoIterator<Item = Check>) -> Self {
        let mut checks = self.checks;
        // What only a browser knows is known now.
        let more: Vec<Check> = more.into_iter().collect();
        let told: Vec<Link> = more.iter().map(|check| check.found.link()).collect();
        let is_guess = |check: &Check| {
            let found = check.found;
            found.state() == State::Open && check.whose.is_none() && told.contains(&found.link())
        };
        checks.retain(|check| !is_guess(check));
        checks.extend(more);
        Self::new(self.at, checks)
    }

    /// Whether no link is broken.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.count(State::Bad) == 0
    }

    /// The first broken link of the chain: until it is mended, those after it can hardly hold.
    #[must_use]
    pub fn first_broken(&self) -> Option<&Check> {
        let is_broken = |check: &&Check| check.found.state() == State::Bad;
        self.checks.iter().find(is_broken)
    }

    /// How many links are so.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        let so = |check: &&Check| check.found.state() == state;
        self.checks.iter().filter(so).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_broken_can_be_mended_and_stands_first() {
        for found in Found::ALL {
            let is_bad = found.state() == State::Bad;
            assert!(!is_bad || found.fix().is_some(), "{found:?}");
            assert!(
                found.state() != State::Good || found.fix().is_none(),
                "{found:?}"
            );
            assert!(Link::ALL.contains(&found.link()));
            assert!(found.fix().is_none_or(|fix| Fix::ALL.contains(&fix)));
        }
        let checks = [
            Found::ClockGood,
            Found::TrustGood,
            Found::TrustMissing,
            Found::ProgramGood,
        ];
        let checkup = Checkup::new(Timestamp(0), checks.map(Check::new).into());
        let order: Vec<_> = checkup.checks.iter().map(|check| check.found).collect();
        let [clock, trust, missing, program] = checks;
        assert_eq!(order, [program, missing, trust, clock]);
        assert!(!checkup.is_good());
        assert_eq!(
            checkup.first_broken().map(|check| check.found),
            Some(missing)
        );
    }

    #[test]
    fn what_the_extension_knows_takes_the_place_of_what_nobody_knew() {
        let checks = [Found::ProxyUnknown, Found::ExtensionOlder].map(Check::new);
        let checkup = Checkup::new(Timestamp(0), checks.into());
        let checkup = checkup.with([Check::new(Found::ProxyTaken)]);
        let found: Vec<_> = checkup.checks.iter().map(|check| check.found).collect();
        assert_eq!(found, [Found::ExtensionOlder, Found::ProxyTaken]);
    }
}
