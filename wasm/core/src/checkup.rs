//! A checkup: every link between a browser and a device, how it is, and what mends it.
//!
//! The helper finds out, in codes; what a code means for a person, which link it is about and what
//! mends it stands here, so that a terminal and a page say the same.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

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
    /// Whose link it is: a browser, a profile, a version. Empty where there is but one.
    #[serde(default)]
    pub whose: WholeText,
    /// The file, number or address that it is about. Empty where there is none.
    #[serde(default)]
    pub place: WholeText,
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

/// A link of the chain, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Link {
    /// The program that browsers start.
    Program,
    /// Its files, and who may read them.
    Files,
    /// That each browser knows where it is.
    Registration,
    /// That each browser has the extension, and which version.
    Extension,
    /// The local authority itself.
    Authority,
    /// That each browser trusts it.
    Trust,
    /// The gateway on this computer.
    Gateway,
    /// That the browser sends devices' traffic there.
    Proxy,
    /// The list of devices.
    Store,
    /// The clock.
    Clock,
    /// That names of devices can be asked for.
    Names,
    /// A whole connection.
    Connection,
}

/// What mends a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Fix {
    /// Allow the extension to start the helper, when the browser asks.
    Allow,
    /// Install the extension, or switch it on.
    Extension,
    /// Look into the system: a firewall, or another program.
    Firewall,
    /// `housekey install`.
    Install,
    /// Use the browser that the distribution packages, not the one in a sandbox.
    NoSandbox,
    /// Install the proxy with which sandboxed browsers may start helpers.
    Portal,
    /// Change what the toolbar button names: the computer's proxy settings, or a policy.
    ProxySettings,
    /// Restart the browser.
    Restart,
    /// Put a copy of the list of devices back, or move it away.
    Restore,
    /// Set the clock.
    SetClock,
    /// Start the browser once, so that there is something to set up.
    StartBrowser,
    /// Switch the other extension off.
    SwitchOff,
    /// Install the tool for certificate stores.
    Tool,
    /// Close the browser, and check again.
    TryAgain,
    /// Move away what is in the place, and install again.
    MoveAway,
    /// Update the older of the two parts.
    Update,
    /// `housekey doctor --fix`.
    Mend,
}

impl Fix {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 17] = [
        Self::Allow,
        Self::Extension,
        Self::Firewall,
        Self::Install,
        Self::NoSandbox,
        Self::Portal,
        Self::ProxySettings,
        Self::Restart,
        Self::Restore,
        Self::SetClock,
        Self::StartBrowser,
        Self::SwitchOff,
        Self::Tool,
        Self::TryAgain,
        Self::MoveAway,
        Self::Update,
        Self::Mend,
    ];
}

impl Link {
    /// All of them, in the order of the chain.
    pub const ALL: [Self; 12] = [
        Self::Program,
        Self::Files,
        Self::Registration,
        Self::Extension,
        Self::Authority,
        Self::Trust,
        Self::Gateway,
        Self::Proxy,
        Self::Store,
        Self::Clock,
        Self::Names,
        Self::Connection,
    ];
}

macro_rules! findings {
    ($($(#[$doc:meta])* $found:ident: $link:ident, $state:ident $(, $fix:ident)?;)*) => {
        /// What a check found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
        pub enum Found {
            $($(#[$doc])* $found,)*
        }

        impl Found {
            /// All of them, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$found,)*];

            /// Which link it is about.
            #[must_use]
            pub const fn link(self) -> Link {
                match self {
                    $(Self::$found => Link::$link,)*
                }
            }

            /// How that link is.
            #[must_use]
            pub const fn state(self) -> State {
                match self {
                    $(Self::$found => State::$state,)*
                }
            }

            /// What mends it.
            #[must_use]
            pub const fn fix(self) -> Option<Fix> {
                let fixes: &[Fix] = match self {
                    $(Self::$found => &[$(Fix::$fix)?],)*
                };
                match fixes {
                    [fix] => Some(*fix),
                    _ => None,
                }
            }
        }
    };
}

findings! {
    /// The helper is in its place.
    ProgramGood: Program, Good;
    /// It is not.
    ProgramMissing: Program, Bad, Mend;
    /// It is another build than the one that looks.
    ProgramOther: Program, Bad, Mend;
    /// A newer one is here, and browsers still start the one before.
    ProgramOutdated: Program, Bad, Mend;
    /// It was replaced while a browser runs the one before.
    ProgramReplaced: Program, Open, Restart;
    /// What is there is no program, or others may change it.
    ProgramUnsafe: Program, Bad, Mend;

    /// All files are this user's alone.
    FilesGood: Files, Good;
    /// There are none yet.
    FilesMissing: Files, Bad, Mend;
    /// Others may read or change one.
    FilesOpen: Files, Bad, Mend;
    /// One is another user's, a link, or cannot be read.
    FilesUnusable: Files, Bad, MoveAway;

    /// The browser knows where the helper is, and that this extension alone may start it.
    RegistrationGood: Registration, Good;
    /// It does not.
    RegistrationMissing: Registration, Bad, Mend;
    /// The file that tells it says something else.
    RegistrationWrong: Registration, Bad, Mend;
    /// The file lets another extension start the helper.
    RegistrationStranger: Registration, Bad, Mend;
    /// Other users may change the file.
    RegistrationOpen: Registration, Bad, Mend;
    /// No browser was found.
    BrowserNone: Registration, Bad, StartBrowser;
    /// The browser's sandbox keeps helpers out.
    BrowserSandboxed: Registration, Open, NoSandbox;
    /// The browser's sandbox lets helpers in by way of a proxy that is not installed.
    BrowserNeedsProxy: Registration, Open, Portal;
    /// The browser's sandbox asks before it lets the helper in.
    BrowserAsks: Registration, Open, Allow;
    /// The browser has no profile yet.
    BrowserUnused: Registration, Open, StartBrowser;

    /// The profile has the extension, of the helper's version.
    ExtensionGood: Extension, Good;
    /// It has one of an older version.
    ExtensionOlder: Extension, Open, Update;
    /// It has one of a newer version.
    ExtensionNewer: Extension, Open, Update;
    /// It has it switched off.
    ExtensionOff: Extension, Open, Extension;
    /// No profile has it for good; it may have been loaded until the browser ends.
    ExtensionMissing: Extension, Open, Extension;

    /// The extension in the browser that asks has the helper's version.
    RunningGood: Extension, Good;
    /// It is older.
    RunningOlder: Extension, Open, Update;
    /// It is newer.
    RunningNewer: Extension, Open, Update;

    /// The authority is sound.
    AuthorityGood: Authority, Good;
    /// There is none.
    AuthorityMissing: Authority, Bad, Mend;
    /// Its files are not what was written, or not with their limits.
    AuthorityDamaged: Authority, Bad, Mend;
    /// Its time is over, or has not begun.
    AuthorityEnded: Authority, Bad, Mend;
    /// It ends soon.
    AuthorityEndsSoon: Authority, Bad, Mend;
    /// It does not permit a name that was called local.
    AuthorityNarrow: Authority, Bad, Mend;

    /// The store trusts the authority, for servers alone.
    TrustGood: Trust, Good;
    /// It does not have it.
    TrustMissing: Trust, Bad, Mend;
    /// It has another one of Housekey's.
    TrustOther: Trust, Bad, Mend;
    /// It trusts it for more than it should, or for less.
    TrustWrong: Trust, Bad, Mend;
    /// It cannot be read.
    TrustUnreadable: Trust, Bad, TryAgain;
    /// The tool that reads it is not installed.
    TrustTool: Trust, Bad, Tool;

    /// The gateway answers, and lets nobody in without its secret.
    GatewayGood: Gateway, Good;
    /// It does not answer as it should.
    GatewayDeaf: Gateway, Bad, Restart;
    /// No browser runs it now.
    GatewayNone: Gateway, Open;

    /// The browser's proxy settings are Housekey's.
    ProxyGood: Proxy, Good;
    /// They are a policy's, or what the computer uses cannot be repeated.
    ProxyHeld: Proxy, Bad, ProxySettings;
    /// They are another extension's.
    ProxyTaken: Proxy, Bad, SwitchOff;
    /// Only the browser knows.
    ProxyUnknown: Proxy, Open;

    /// The list of devices is sound.
    StoreGood: Store, Good;
    /// There is none yet.
    StoreNone: Store, Good;
    /// It is damaged.
    StoreDamaged: Store, Bad, Restore;
    /// It is gone, or not the one that was here before.
    StoreReplaced: Store, Bad, Restore;
    /// A newer Housekey wrote it.
    StoreTooNew: Store, Bad, Update;
    /// It cannot be opened.
    StoreUnusable: Store, Bad, TryAgain;

    /// The clock agrees with everything that was written down.
    ClockGood: Clock, Good;
    /// It shows a time before what was written down.
    ClockBack: Clock, Bad, SetClock;

    /// Names at `.local` can be asked for on this computer.
    NamesGood: Names, Good;
    /// They cannot.
    NamesMute: Names, Open, Firewall;

    /// A device of the checkup's own was reached through the gateway, and another key was not.
    ConnectionGood: Connection, Good;
    /// It was not reached.
    ConnectionFailed: Connection, Bad, Mend;
    /// Another key in its place received something. That must never be.
    ConnectionLeaks: Connection, Bad, Update;
    /// Without an authority there is nothing to try.
    ConnectionUntried: Connection, Open;
}

impl Check {
    /// A finding about nothing in particular.
    #[must_use]
    pub fn new(found: Found) -> Self {
        Self {
            found,
            whose: WholeText::default(),
            place: WholeText::default(),
        }
    }

    /// The same, of this browser, profile or version.
    #[must_use]
    pub fn of(self, whose: &str) -> Self {
        let whose = WholeText::new(whose);
        Self { whose, ..self }
    }

    /// The same, about this file, number or address.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        let place = WholeText::new(place);
        Self { place, ..self }
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
            found.state() == State::Open && check.whose.is_empty() && told.contains(&found.link())
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

    /// How many links are so.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        let so = |check: &&Check| check.found.state() == state;
        self.checks.iter().filter(so).count()
    }
}

/// Which of two versions such as `0.10.2` is the newer one. What is no number counts as 0.
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u32> {
        let parts = version.split('.').take(MAX_VERSION_PARTS);
        let mut numbers: Vec<_> = parts.map(|part| part.parse().unwrap_or(0)).collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        numbers
    };
    numbers(one).cmp(&numbers(other))
}

/// Browsers allow four.
const MAX_VERSION_PARTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (one, order, other) in [
            ("0.1.0", Ordering::Equal, "0.1"),
            ("0.10.0", Ordering::Greater, "0.9.9"),
            ("1", Ordering::Less, "1.0.0.1"),
            ("x", Ordering::Equal, ""),
        ] {
            assert_eq!(compare_versions(one, other), order, "{one} {other}");
        }
    }

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
