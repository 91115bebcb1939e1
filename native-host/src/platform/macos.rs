//! macOS: the user's Library, the login keychain, permission bits.
//!
//! Chrome and its relatives, Safari, and Firefox since 120 (`security.enterprise_roots.enabled`)
//! read what the user trusts in the login keychain. It is changed with the system's own command
//! `security` (security(1)), which asks the person for their password or finger by itself.

mod keychain;

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Place, Platform, World};
use crate::browsers::{Family, HOST_NAME};
use crate::paths::PathsError;
use crate::trust_store::TrustStore;
use keychain::Keychain;

/// macOS, for one user.
#[derive(Clone, Debug)]
pub struct MacOs {
    world: Rc<dyn World>,
}

impl MacOs {
    /// The system behind this world.
    pub fn new(world: impl World + 'static) -> Self {
        let world = Rc::new(world);
        Self { world }
    }

    /// `~/Library`, where a user's programs keep their files.
    fn library(&self) -> Result<PathBuf, PathsError> {
        let home = self.world.variable("HOME").filter(|home| !home.is_empty());
        Ok(PathBuf::from(home.ok_or(PathsError::NoHome)?).join("Library"))
    }
}

impl Platform for MacOs {
    fn data_directory(&self) -> Result<PathBuf, PathsError> {
        Ok(self.library()?.join("Application Support").join("housekey"))
    }

    fn program_name(&self) -> &'static str {
        "housekey"
    }

    fn browsers(&self) -> Result<Vec<Place>, PathsError> {
        let support = self.library()?.join("Application Support");
        let mut places = Vec::new();
        for &(browser, family, betrayed_by, hosts) in &KNOWN {
            if self.world.is_directory(&support.join(betrayed_by)) {
                let directory = support.join(hosts).join("NativeMessagingHosts");
                places.push(Place {
                    browser: browser.into(),
                    family,
                    manifest: directory.join(format!("{HOST_NAME}.json")),
                    registry_key: None,
                });
            }
        }
        Ok(places)
    }

    /// The manifest's place is all that a browser looks at.
    fn point_at(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn is_pointed_at(&self, _: &Place) -> io::Result<bool> {
        Ok(true)
    }

    fn point_away(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn trust_stores(&self) -> Result<Vec<Box<dyn TrustStore>>, PathsError> {
        let file = self.library()?.join("Keychains").join("login.keychain-db");
        Ok(vec![Box::new(Keychain::new(Rc::clone(&self.world), file))])
    }

    fn make_private(&self, path: &Path) -> Result<(), PathsError> {
        super::Linux.make_private(path)
    }

    fn check_private(&self, path: &Path) -> Result<(), PathsError> {
        super::Linux.check_private(path)
    }
}

/// A browser, its family, the directory that betrays it, and the one that holds its hosts, both
/// below `~/Library/Application Support`
/// (<https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>,
/// <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests>).
const KNOWN: [(&str, Family, &str, &str); 7] = [
    ("Firefox", Family::Firefox, "Firefox", "Mozilla"),
    ("LibreWolf", Family::Firefox, "LibreWolf", "LibreWolf"),
    (
        "Google Chrome",
        Family::Chromium,
        "Google/Chrome",
        "Google/Chrome",
    ),
    ("Chromium", Family::Chromium, "Chromium", "Chromium"),
    (
        "Microsoft Edge",
        Family::Chromium,
        "Microsoft Edge",
        "Microsoft Edge",
    ),
    (
        "Brave",
        Family::Chromium,
        "BraveSoftware/Brave-Browser",
        "BraveSoftware/Brave-Browser",
    ),
    ("Vivaldi", Family::Chromium, "Vivaldi", "Vivaldi"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::stand_ins::FakeWorld;

    #[test]
    fn browsers_are_found_by_their_directories() {
        let world = FakeWorld::default()
            .with("HOME", "/Users/me")
            .having("/Users/me/Library/Application Support/Firefox")
            .having("/Users/me/Library/Application Support/Google/Chrome");
        let mac = MacOs::new(world);
        let found = mac.browsers().unwrap();
        let manifests: Vec<_> = found
            .iter()
            .map(|place| place.manifest.to_str().unwrap())
            .collect();
        let support = "/Users/me/Library/Application Support";
        assert_eq!(
            manifests,
            [
                format!("{support}/Mozilla/NativeMessagingHosts/app.housekey.helper.json"),
                format!("{support}/Google/Chrome/NativeMessagingHosts/app.housekey.helper.json"),
            ]
        );
        assert_eq!(
            mac.data_directory().unwrap(),
            Path::new(support).join("housekey")
        );
    }

    #[test]
    fn without_a_home_there_is_nothing() {
        let mac = MacOs::new(FakeWorld::default());
        assert_eq!(mac.data_directory().unwrap_err().code(), "path_no_home");
        assert!(mac.browsers().is_err() && mac.trust_stores().is_err());
    }
}
