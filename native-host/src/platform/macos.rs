//! macOS: the user's Library, the login keychain, permission bits.
//!
//! Chrome and its relatives, Safari, and Firefox since 120 (`security.enterprise_roots.enabled`)
//! read what the user trusts in the login keychain. It is changed with the system's own command
//! `security` (security(1)), which asks the person for their password or finger by itself.

mod keychain;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use housekey_core::checkup::Whose;

use super::{Others, Platform, World, files};
use crate::browsers::{Explicit, Family, HOST_NAME, Peculiarity, Place, Remark, Survey};
use crate::paths::{self, PathsError};
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
}

impl Platform for MacOs {
    fn data_directory(&self) -> Result<PathBuf, PathsError> {
        Ok(self.library()?.join("Application Support").join("housekey"))
    }

    fn program_name(&self) -> &'static str {
        "housekey"
    }

    /// No package brings one here.
    fn packaged_program(&self) -> Option<PathBuf> {
        None
    }

    fn command_place(&self) -> Option<PathBuf> {
        None
    }

    fn survey(&self, explicit: &Explicit) -> Result<Survey, PathsError> {
        let support = self.support()?;
        let mut survey = Survey::default();
        for known in KNOWN.iter() {
            let data = support.join(known.data);
            if !self.world.is_directory(&data) {
                continue;
            }
            survey.add_host(known.place(&support));
            match known.family {
                Family::Chromium => survey.user_data.push((Whose::browser(known.name), data)),
                Family::Firefox => {
                    let roots = [data.join("Profiles"), data];
                    if !survey.add_profiles(known.name, roots.into_iter()) {
                        let (browser, what) = (known.name.into(), Peculiarity::NoProfile);
                        survey.remarks.push(Remark { browser, what });
                    }
                }
            }
        }
        for directory in &explicit.chromium_user_data_dirs {
            let place = Place::elsewhere(directory, manifest_below(directory));
            survey.hosts.push(place);
        }
        if !explicit.firefox_profiles.is_empty() {
            survey.add_host(FIREFOX.place(&support));
        }
        survey.add_named(explicit);
        survey.stores = vec![self.keychain()?];
        Ok(survey)
    }

    fn places(&self) -> Vec<Place> {
        let support = self.support().into_iter();
        let places = support.flat_map(|it| KNOWN.iter().map(move |known| known.place(&it)));
        places.collect()
    }

    fn store_at(&self, location: &Path) -> Rc<dyn TrustStore> {
        Rc::new(Keychain::new(Rc::clone(&self.world), location.into()))
    }

    /// The manifest's place is all that a browser looks at.
    fn point_at(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn is_pointed_at(&self, place: &Place) -> io::Result<bool> {
        Ok(place.manifest.exists())
    }

    fn point_away(&self, _: &Place) -> io::Result<()> {
        Ok(())
    }

    fn others(&self, path: &Path) -> Option<Others> {
        files::others(path)
    }

    fn make_private(&self, path: &Path) -> Result<(), PathsError> {
        files::make_private(path).map_err(|source| paths::io_error(path, source))
    }

    /// As lsof(8) writes them for programs: `n127.0.0.1:54321`.
    fn ports_of(&self, program: &Path) -> BTreeSet<u16> {
        let processes = self.all_of(program);
        let processes: Vec<String> = processes.iter().map(ToString::to_string).collect();
        if processes.is_empty() {
            return BTreeSet::new();
        }
        let processes = processes.join(",");
        let arguments = [
            "-nP",
            "-a",
            "-iTCP",
            "-sTCP:LISTEN",
            "-Fn",
            "-p",
            &processes,
        ];
        let said = self.run("/usr/sbin/lsof", &arguments);
        let names = said.lines().filter_map(|line| line.strip_prefix('n'));
        let ports = names.filter_map(|name| name.rsplit_once(':')?.1.parse().ok());
        ports.collect()
    }

    fn processes_of(&self, program: &Path) -> BTreeSet<u32> {
        let mut processes = self.all_of(program);
        processes.remove(&std::process::id());
        processes
    }
}

impl MacOs {
    /// `~/Library`, where a user's programs keep their files.
    fn library(&self) -> Result<PathBuf, PathsError> {
        let home = self.world.variable("HOME").filter(|home| !home.is_empty());
        Ok(PathBuf::from(home.ok_or(PathsError::NoHome)?).join("Library"))
    }

    fn support(&self) -> Result<PathBuf, PathsError> {
        Ok(self.library()?.join("Application Support"))
    }

    fn keychain(&self) -> Result<Rc<dyn TrustStore>, PathsError> {
        let file = self.library()?.join("Keychains").join("login.keychain-db");
        Ok(self.store_at(&file))
    }

    /// ps(1) has whole paths as the names of commands here.
    fn all_of(&self, program: &Path) -> BTreeSet<u32> {
        let said = self.run("/bin/ps", &["-axo", "pid=,comm="]);
        let all = said
            .lines()
            .filter_map(|line| line.trim_start().split_once(' '));
        let theirs = all.filter(|(_, command)| Path::new(command.trim()) == program);
        theirs
            .filter_map(|(number, _)| number.parse().ok())
            .collect()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let said = self.world.run(program, &arguments).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// A browser, its family, the directory that betrays it and holds what it keeps, and the one that
/// holds its hosts, both below `~/Library/Application Support`
/// (<https://developer.chrome.com/docs/extensions/develop/concepts/native-messaging>,
/// <https://developer.mozilla.org/docs/Mozilla/Add-ons/WebExtensions/Native_manifests>).
struct Known {
    name: &'static str,
    family: Family,
    data: &'static str,
    hosts: &'static str,
}

impl Known {
    fn place(&self, support: &Path) -> Place {
        Place {
            browser: self.name.into(),
            family: self.family,
            manifest: manifest_below(&support.join(self.hosts)),
            registry_key: None,
            data: None,
        }
    }
}

fn manifest_below(directory: &Path) -> PathBuf {
    let hosts = directory.join("NativeMessagingHosts");
    hosts.join(format!("{HOST_NAME}.json"))
}

const FIREFOX: Known = Known {
    name: "Firefox",
    family: Family::Firefox,
    data: "Firefox",
    hosts: "Mozilla",
};

/// Chrome and its relatives have both in one place.
const fn chromium(name: &'static str, data: &'static str) -> Known {
    Known {
        name,
        family: Family::Chromium,
        data,
        hosts: data,
    }
}

static KNOWN: [Known; 7] = [
    FIREFOX,
    Known {
        name: "LibreWolf",
        data: "LibreWolf",
        hosts: "LibreWolf",
        ..FIREFOX
    },
    chromium("Google Chrome", "Google/Chrome"),
    chromium("Chromium", "Chromium"),
    chromium("Microsoft Edge", "Microsoft Edge"),
    chromium("Brave", "BraveSoftware/Brave-Browser"),
    chromium("Vivaldi", "Vivaldi"),
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
        let found = mac.survey(&Explicit::default()).unwrap().hosts;
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
        assert!(mac.survey(&Explicit::default()).is_err() && mac.places().is_empty());
    }

    #[test]
    fn processes_and_their_ports_are_what_the_systems_commands_say() {
        let program = "/Users/me/Library/Application Support/housekey/bin/housekey";
        let world = FakeWorld::default().answering(move |command, arguments| {
            Ok(match command {
                "/bin/ps" => format!("    1 /sbin/launchd\n  412 {program}\n  413 housekey\n"),
                "/usr/sbin/lsof" if arguments.ends_with(&["-p".into(), "412".into()]) => {
                    "p412\nf9\nn127.0.0.1:54321\nf10\nn[::1]:54322\n".into()
                }
                _ => return Err(io::Error::other("no such command")),
            }
            .into())
        });
        let mac = MacOs::new(world);
        assert_eq!(mac.processes_of(Path::new(program)), [412].into());
        assert_eq!(mac.ports_of(Path::new(program)), [54_321, 54_322].into());
        assert!(mac.ports_of(Path::new("/another")).is_empty());
    }
}
