//! The browsers that people have on Windows, as a table.

use crate::browsers::Family;

/// A browser, the directory below one of the user's folders that betrays it, and its key below
/// `HKEY_CURRENT_USER\Software`
/// (<https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>,
/// <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests>).
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) family: Family,
    pub(super) folder: &'static str,
    pub(super) betrayed_by: &'static str,
    pub(super) key: &'static str,
}

pub(super) const FIREFOX: Known = Known {
    name: "Firefox",
    family: Family::Firefox,
    folder: ROAMING,
    betrayed_by: "Mozilla/Firefox",
    key: "Mozilla",
};

pub(super) const CHROMIUM: Known = chromium("Chromium", "Chromium", "Chromium");

pub(super) static KNOWN: [Known; 7] = [
    FIREFOX,
    // It reads Mozilla's key.
    Known {
        name: "LibreWolf",
        betrayed_by: "librewolf",
        ..FIREFOX
    },
    chromium("Google Chrome", "Google/Chrome", r"Google\Chrome"),
    CHROMIUM,
    chromium("Microsoft Edge", "Microsoft/Edge", r"Microsoft\Edge"),
    chromium(
        "Brave",
        "BraveSoftware/Brave-Browser",
        r"BraveSoftware\Brave-Browser",
    ),
    chromium("Vivaldi", "Vivaldi", "Vivaldi"),
];

const fn chromium(name: &'static str, betrayed_by: &'static str, key: &'static str) -> Known {
    Known {
        name,
        family: Family::Chromium,
        folder: LOCAL,
        betrayed_by,
        key,
    }
}

/// The variables that name the user's folders.
pub(super) const LOCAL: &str = "LOCALAPPDATA";
const ROAMING: &str = "APPDATA";
