//! The browsers that people have on Linux, as a table.
//!
//! Places begin with `~` for the home directory and `@` for the configuration directory.

use crate::browsers::Family;

/// A browser that can be found.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) family: Family,
    /// Its key in the `native_messaging` library, where that knows it; without one, the manifest is
    /// below the first of its directories.
    pub(super) key: Option<&'static str>,
    /// The directories that show that somebody uses it.
    pub(super) directories: &'static [&'static str],
    /// The programs that show that it is installed.
    pub(super) programs: &'static [&'static str],
    /// Where a relative of Firefox lists its profiles.
    pub(super) profiles: &'static [&'static str],
    pub(super) sandbox: Option<Sandbox>,
}

/// What a sandbox makes of helpers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sandbox {
    /// Firefox (snap): Ubuntu's desktop portal starts the helper that the manifest in the home
    /// directory names, once the person has allowed it
    /// (<https://firefox-source-docs.mozilla.org/toolkit/components/extensions/webextensions/native-messaging-portal-design.html>).
    Asks,
    /// No helper gets in. What lets one in all the same, the right to start any program outside,
    /// takes the sandbox away, and is nothing to advise.
    Closed,
    /// Relatives of Firefox (Flatpak), from version 157: a proxy outside starts the helper that
    /// the manifest in the home directory names
    /// (<https://github.com/flatpak/xdg-native-messaging-proxy>).
    Proxy,
}

impl Known {
    /// Whether there is any way for a helper to get in.
    pub(super) fn is_served(&self) -> bool {
        self.sandbox != Some(Sandbox::Closed)
    }

    pub(super) fn sandbox_is_snap(&self) -> bool {
        self.sandbox.is_some() && self.directories.iter().any(|it| it.starts_with("~snap/"))
    }
}

/// Firefox reads manifests from `~/.mozilla` wherever its profiles are
/// (<https://bugzilla.mozilla.org/show_bug.cgi?id=2005167>). Since version 147 it makes new
/// profiles below the configuration directory and keeps those it finds in the old place.
pub(super) const FIREFOX: Known = Known {
    name: "Firefox",
    family: Family::Firefox,
    key: Some("firefox"),
    directories: &["~.mozilla/firefox", "@mozilla/firefox"],
    programs: &["firefox", "firefox-esr", "firefox-bin"],
    profiles: &["~.mozilla/firefox", "@mozilla/firefox"],
    sandbox: None,
};

pub(super) static KNOWN: [Known; 25] = [
    FIREFOX,
    Known {
        name: "Firefox (snap)",
        directories: &["~snap/firefox/common"],
        programs: &["firefox"],
        profiles: &[
            "~snap/firefox/common/.mozilla/firefox",
            "~snap/firefox/common/.config/mozilla/firefox",
        ],
        sandbox: Some(Sandbox::Asks),
        ..FIREFOX
    },
    Known {
        name: "Firefox (Flatpak)",
        directories: &["~.var/app/org.mozilla.firefox"],
        programs: &[],
        profiles: &[
            "~.var/app/org.mozilla.firefox/.mozilla/firefox",
            "~.var/app/org.mozilla.firefox/config/mozilla/firefox",
        ],
        sandbox: Some(Sandbox::Proxy),
        ..FIREFOX
    },
    Known {
        name: "LibreWolf",
        key: Some("librewolf"),
        directories: &["~.librewolf", "@librewolf"],
        programs: &["librewolf"],
        profiles: &["~.librewolf", "@librewolf", "@librewolf/librewolf"],
        ..FIREFOX
    },
    // The proxy outside knows Firefox's directory of manifests, and no relative's.
    Known {
        name: "LibreWolf (Flatpak)",
        directories: &["~.var/app/io.gitlab.librewolf-community"],
        programs: &[],
        profiles: &[
            "~.var/app/io.gitlab.librewolf-community/.librewolf",
            "~.var/app/io.gitlab.librewolf-community/config/librewolf/librewolf",
        ],
        sandbox: Some(Sandbox::Proxy),
        ..FIREFOX
    },
    chromium(
        "Chromium",
        Some("chromium"),
        &["@chromium"],
        &["chromium", "chromium-browser"],
    ),
    closed(
        "Chromium (snap)",
        &["~snap/chromium"],
        &["chromium", "chromium-browser"],
    ),
    closed(
        "Chromium (Flatpak)",
        &["~.var/app/org.chromium.Chromium"],
        &[],
    ),
    chromium(
        "Google Chrome",
        Some("chrome"),
        &["@google-chrome"],
        &["google-chrome", "google-chrome-stable"],
    ),
    chromium(
        "Google Chrome Beta",
        None,
        &["@google-chrome-beta"],
        &["google-chrome-beta"],
    ),
    chromium(
        "Google Chrome Dev",
        None,
        &["@google-chrome-unstable"],
        &["google-chrome-unstable"],
    ),
    chromium(
        "Chrome for Testing",
        Some("chrome_for_testing"),
        &["@google-chrome-for-testing"],
        &[],
    ),
    closed("Chrome (Flatpak)", &["~.var/app/com.google.Chrome"], &[]),
    chromium(
        "Microsoft Edge",
        Some("edge"),
        &["@microsoft-edge"],
        &["microsoft-edge", "microsoft-edge-stable"],
    ),
    chromium(
        "Microsoft Edge Beta",
        None,
        &["@microsoft-edge-beta"],
        &["microsoft-edge-beta"],
    ),
    chromium(
        "Microsoft Edge Dev",
        None,
        &["@microsoft-edge-dev"],
        &["microsoft-edge-dev"],
    ),
    closed("Edge (Flatpak)", &["~.var/app/com.microsoft.Edge"], &[]),
    chromium(
        "Brave",
        Some("brave"),
        &["@BraveSoftware/Brave-Browser"],
        &["brave", "brave-browser"],
    ),
    chromium(
        "Brave Beta",
        None,
        &["@BraveSoftware/Brave-Browser-Beta"],
        &["brave-browser-beta"],
    ),
    chromium(
        "Brave Nightly",
        None,
        &["@BraveSoftware/Brave-Browser-Nightly"],
        &["brave-browser-nightly"],
    ),
    closed("Brave (snap)", &["~snap/brave"], &["brave"]),
    closed("Brave (Flatpak)", &["~.var/app/com.brave.Browser"], &[]),
    chromium(
        "Vivaldi",
        Some("vivaldi"),
        &["@vivaldi"],
        &["vivaldi", "vivaldi-stable"],
    ),
    chromium(
        "Vivaldi Snapshot",
        None,
        &["@vivaldi-snapshot"],
        &["vivaldi-snapshot"],
    ),
    closed("Vivaldi (Flatpak)", &["~.var/app/com.vivaldi.Vivaldi"], &[]),
];

const fn chromium(
    name: &'static str,
    key: Option<&'static str>,
    directories: &'static [&'static str],
    programs: &'static [&'static str],
) -> Known {
    Known {
        name,
        family: Family::Chromium,
        key,
        directories,
        programs,
        profiles: &[],
        sandbox: None,
    }
}

const fn closed(
    name: &'static str,
    directories: &'static [&'static str],
    programs: &'static [&'static str],
) -> Known {
    Known {
        sandbox: Some(Sandbox::Closed),
        ..chromium(name, None, directories, programs)
    }
}
