//! Windows: the user's local application data, the registry, the user's store of root authorities,
//! access control lists.
//!
//! Chrome and its relatives read the user's root store, and Firefox since 120 does
//! (`security.enterprise_roots.enabled`). Windows itself asks the person before a root goes into
//! that store or comes out of it.

mod acl;
#[cfg(windows)]
pub(crate) mod files;
mod known;
#[cfg(windows)]
mod of_this_user;
#[cfg(windows)]
pub(crate) mod process;
mod processes;
mod root_store;
#[cfg(windows)]
pub(crate) mod sockets;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use housekey_core::checkup::Whose;

use self::known::{CHROMIUM, FIREFOX, KNOWN, Known, LOCAL};
use super::{Others, Platform, World};
use crate::browsers::{Explicit, Family, HOST_NAME, Peculiarity, Place, Remark, Survey};
use crate::paths::PathsError;
use crate::trust_store::TrustStore;

pub use root_store::{RootStore, Roots};
#[cfg(test)]
pub(super) use {root_store::tests::FakeRoots, tests::FakeRegistry};

/// The user's part of the registry, `HKEY_CURRENT_USER`: keys by their path, each with its default
/// value.
pub trait Registry: fmt::Debug {
    /// The default value of a key, if there is such a key.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn value(&self, key: &str) -> io::Result<Option<String>>;

    /// Makes the key if there is none, and sets its default value.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn set(&self, key: &str, value: &str) -> io::Result<()>;

    /// Deletes a key, if there is one.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn delete(&self, key: &str) -> io::Result<()>;
}

/// Windows, for one user.
#[derive(Clone, Debug)]
pub struct Windows {
    world: Rc<dyn World>,
    registry: Rc<dyn Registry>,
    roots: Rc<dyn Roots>,
}

impl Windows {
    /// The system behind these.
    #[must_use]
    pub fn new(world: Rc<dyn World>, registry: Rc<dyn Registry>, roots: Rc<dyn Roots>) -> Self {
        Self {
            world,
            registry,
            roots,
        }
    }

    /// The system that this process runs on.
    #[cfg(windows)]
    pub fn of_this_user(world: impl World + 'static) -> Self {
        Self::new(
            Rc::new(world),
            Rc::new(of_this_user::UsersRegistry),
            Rc::new(of_this_user::UsersRoots),
        )
    }
}

impl Platform for Windows {
    /// Not the roaming one: the authority is this computer's.
    fn data_directory(&self) -> Result<PathBuf, PathsError> {
        Ok(self.folder(LOCAL)?.join("Housekey"))
    }

    fn program_name(&self) -> &'static str {
        "housekey.exe"
    }

    /// No package brings one here.
    fn packaged_program(&self) -> Option<PathBuf> {
        None
    }

    fn command_place(&self) -> Option<PathBuf> {
        None
    }

    fn survey(&self, explicit: &Explicit) -> Result<Survey, PathsError> {
        let mut survey = Survey::default();
        for known in &KNOWN {
            let folder = self.folder(known.folder)?.join(known.betrayed_by);
            if !self.world.is_directory(&folder) {
                continue;
            }
            survey.add_host(self.place(known)?);
            match known.family {
                Family::Chromium => {
                    let data = folder.join("User Data");
                    survey.user_data.push((Whose::browser(known.name), data));
                }
                Family::Firefox => {
                    let roots = [folder.join("Profiles"), folder];
                    if !survey.add_profiles(known.name, roots.into_iter()) {
                        let (browser, what) = (known.name.into(), Peculiarity::NoProfile);
                        survey.remarks.push(Remark { browser, what });
                    }
                }
            }
        }
        for directory in &explicit.chromium_user_data_dirs {
            let Place {
                manifest,
                registry_key,
                ..
            } = self.place(&CHROMIUM)?;
            let named = Place::elsewhere(directory, manifest);
            survey.add_host(Place {
                registry_key,
                ..named
            });
        }
        if !explicit.firefox_profiles.is_empty() {
            survey.add_host(self.place(&FIREFOX)?);
        }
        survey.add_named(explicit);
        survey.stores = vec![self.root_store()];
        Ok(survey)
    }

    fn places(&self) -> Vec<Place> {
        KNOWN
            .iter()
            .filter_map(|known| self.place(known).ok())
            .collect()
    }

    /// There is one.
    fn store_at(&self, _: &Path) -> Rc<dyn TrustStore> {
        self.root_store()
    }

    fn point_at(&self, place: &Place) -> io::Result<()> {
        let (key, manifest) = pointer(place)?;
        self.registry.set(key, manifest)?;
        match self.is_pointed_at(place)? {
            true => Ok(()),
            false => Err(io::Error::other(
                "the registry did not keep what was written",
            )),
        }
    }

    fn is_pointed_at(&self, place: &Place) -> io::Result<bool> {
        let (key, manifest) = pointer(place)?;
        Ok(self.registry.value(key)?.as_deref() == Some(manifest))
    }

    fn point_away(&self, place: &Place) -> io::Result<()> {
        let (key, _) = pointer(place)?;
        if self.is_pointed_at(place)? {
            self.registry.delete(key)?;
        }
        match self.is_pointed_at(place)? {
            true => Err(io::Error::other("the registry still has it")),
            false => Ok(()),
        }
    }

    fn others(&self, path: &Path) -> Option<Others> {
        match acl::others(&*self.world, path) {
            Ok(others) => Some(others),
            Err(error) if error.is_absent() => None,
            Err(PathsError::WrongKind(_)) => None,
            Err(_) => Some(Others {
                enter: true,
                read: true,
                write: true,
            }),
        }
    }

    fn make_private(&self, path: &Path) -> Result<(), PathsError> {
        acl::make_private(&*self.world, path)
    }

    fn ports_of(&self, _: &Path) -> BTreeSet<u16> {
        processes::ports_of(&*self.world, self.program_name())
    }

    fn processes_of(&self, _: &Path) -> BTreeSet<u32> {
        let mut processes = processes::of(&*self.world, self.program_name());
        processes.remove(&std::process::id());
        processes
    }
}

impl Windows {
    fn folder(&self, variable: &str) -> Result<PathBuf, PathsError> {
        let folder = self.world.variable(variable);
        let folder = folder.filter(|folder| !folder.is_empty());
        Ok(PathBuf::from(folder.ok_or(PathsError::NoHome)?))
    }

    fn place(&self, known: &Known) -> Result<Place, PathsError> {
        let family = match known.family {
            Family::Chromium => "chromium",
            Family::Firefox => "firefox",
        };
        let data = self.data_directory()?;
        let key = format!(r"Software\{}\NativeMessagingHosts\{HOST_NAME}", known.key);
        Ok(Place {
            browser: known.name.into(),
            family: known.family,
            // Its place is free: browsers look it up in the registry.
            manifest: data.join(format!("{HOST_NAME}.{family}.json")),
            registry_key: Some(key),
            data: None,
        })
    }

    fn root_store(&self) -> Rc<dyn TrustStore> {
        Rc::new(RootStore::new(Rc::clone(&self.roots)))
    }
}

fn pointer(place: &Place) -> io::Result<(&str, &str)> {
    let key = place.registry_key.as_deref();
    let key = key.ok_or_else(|| io::Error::other("it has no key in the registry"))?;
    let manifest = place.manifest.to_str();
    let manifest = manifest.ok_or_else(|| io::Error::other("the manifest's path is no text"))?;
    Ok((key, manifest))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::root_store::tests::FakeRoots;
    use super::*;
    use crate::platform::stand_ins::FakeWorld;

    #[derive(Debug, Default)]
    pub(in crate::platform) struct FakeRegistry {
        keys: RefCell<BTreeMap<String, String>>,
        forgets: bool,
        keeps: bool,
    }

    impl Registry for FakeRegistry {
        fn value(&self, key: &str) -> io::Result<Option<String>> {
            Ok(self.keys.borrow().get(key).cloned())
        }

        fn set(&self, key: &str, value: &str) -> io::Result<()> {
            if !self.forgets {
                self.keys.borrow_mut().insert(key.into(), value.into());
            }
            Ok(())
        }

        fn delete(&self, key: &str) -> io::Result<()> {
            if !self.keeps {
                self.keys.borrow_mut().remove(key);
            }
            Ok(())
        }
    }

    fn windows(registry: FakeRegistry) -> (Windows, Rc<FakeRegistry>) {
        let world = FakeWorld::default()
            .with("LOCALAPPDATA", "/local")
            .with("APPDATA", "/roaming")
            .having("/roaming/Mozilla/Firefox")
            .having("/local/Google/Chrome")
            .having("/local/Microsoft/Edge");
        let registry = Rc::new(registry);
        let roots: Rc<dyn Roots> = Rc::new(FakeRoots::default());
        let known: Rc<dyn Registry> = Rc::clone(&registry) as _;
        (Windows::new(Rc::new(world), known, roots), registry)
    }

    #[test]
    fn each_browser_is_pointed_at_the_manifest_of_its_family() {
        let (windows, registry) = windows(FakeRegistry::default());
        let places = windows.survey(&Explicit::default()).unwrap().hosts;
        for place in &places {
            assert!(!windows.is_pointed_at(place).unwrap());
            windows.point_at(place).unwrap();
            assert!(windows.is_pointed_at(place).unwrap());
        }
        let expected = [
            (
                r"Software\Google\Chrome\NativeMessagingHosts\app.housekey.helper",
                "chromium",
            ),
            (
                r"Software\Microsoft\Edge\NativeMessagingHosts\app.housekey.helper",
                "chromium",
            ),
            (
                r"Software\Mozilla\NativeMessagingHosts\app.housekey.helper",
                "firefox",
            ),
        ];
        let keys = registry.keys.borrow().clone();
        assert_eq!(keys.len(), expected.len());
        for ((key, value), (expected, family)) in keys.iter().zip(expected) {
            assert_eq!(key, expected);
            assert_eq!(
                *value,
                format!("/local/Housekey/app.housekey.helper.{family}.json")
            );
        }
        places
            .iter()
            .for_each(|place| windows.point_away(place).unwrap());
        assert!(registry.keys.borrow().is_empty());
    }

    #[test]
    fn a_key_that_points_elsewhere_is_left_alone() {
        let (windows, registry) = windows(FakeRegistry::default());
        let place = &windows.survey(&Explicit::default()).unwrap().hosts[0];
        let key = place.registry_key.clone().unwrap();
        registry.set(&key, "/another.json").unwrap();
        windows.point_away(place).unwrap();
        assert_eq!(
            registry.value(&key).unwrap().as_deref(),
            Some("/another.json")
        );
    }

    #[test]
    fn what_the_registry_does_not_keep_or_give_up_is_an_error() {
        let (forgetful, _) = windows(FakeRegistry {
            forgets: true,
            ..FakeRegistry::default()
        });
        assert!(
            forgetful
                .point_at(&forgetful.survey(&Explicit::default()).unwrap().hosts[0])
                .is_err()
        );
        let (stubborn, _) = windows(FakeRegistry {
            keeps: true,
            ..FakeRegistry::default()
        });
        let place = &stubborn.survey(&Explicit::default()).unwrap().hosts[0];
        stubborn.point_at(place).unwrap();
        assert!(stubborn.point_away(place).is_err());
    }

    #[test]
    fn without_its_folders_there_is_nothing() {
        let world: Rc<dyn World> = Rc::new(FakeWorld::default());
        let registry = Rc::new(FakeRegistry::default());
        let windows = Windows::new(world, registry, Rc::new(FakeRoots::default()));
        assert_eq!(windows.data_directory().unwrap_err().code(), "path_no_home");
        assert!(windows.survey(&Explicit::default()).is_err() && windows.places().is_empty());
    }
}
