//! What a check found, which link that is about, how that link then is, and what mends it.

use serde::{Deserialize, Serialize};

use super::{Fix, Link, State};

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
    /// The browser did not know any more how far it had come.
    StoreForgotten: Store, Open;
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
