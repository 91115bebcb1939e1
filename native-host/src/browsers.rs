//! Which browsers this user has, where each looks for native-messaging hosts, and where it keeps
//! the authorities it trusts: what [`Platform::survey`](crate::platform::Platform::survey) finds.

pub(crate) mod profiles;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use housekey_core::checkup::Whose;

use crate::paths::shown;
use crate::trust_store::TrustStore;

/// What was found, and what the person named besides.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The places where native-messaging manifests belong.
    pub hosts: Vec<Place>,
    /// The stores of trusted authorities that the browsers read.
    pub stores: Vec<Rc<dyn TrustStore>>,
    /// The profiles of Firefox and its relatives.
    pub profiles: Vec<Profile>,
    /// The Chromium browsers' user-data directories, and whose they are.
    pub user_data: Vec<(Whose, PathBuf)>,
    /// What a person should know about browsers that cannot be served, or not yet.
    pub remarks: Vec<Remark>,
}

/// Where one browser looks for the helper, or several do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The browser's name, as people know it.
    pub browser: String,
    /// Whose format the manifest has.
    pub family: Family,
    /// The manifest.
    pub manifest: PathBuf,
    /// Below the user's part of Windows' registry: the key whose value names the manifest.
    pub registry_key: Option<String>,
    /// Where the browser keeps its data, if a person named that.
    pub data: Option<PathBuf>,
}

/// A profile of Firefox or one of its relatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub whose: Whose,
    /// Its directory.
    pub directory: PathBuf,
}

impl Survey {
    /// Takes in a place. Several browsers may look at the same.
    pub fn add_host(&mut self, place: Place) {
        let is_same = |known: &&mut Place| {
            known.manifest == place.manifest && known.registry_key == place.registry_key
        };
        match self.hosts.iter_mut().find(is_same) {
            Some(known) if known.browser.contains(&place.browser) => {}
            Some(known) => known.browser = format!("{}, {}", known.browser, place.browser),
            None => self.hosts.push(place),
        }
    }

    /// Takes in the profiles of a relative of Firefox that are listed in or beside one of these
    /// directories, and says whether there are any.
    pub fn add_profiles(&mut self, browser: &str, roots: impl Iterator<Item = PathBuf>) -> bool {
        let found: BTreeSet<_> = roots.flat_map(|root| profiles::below(&root)).collect();
        let before = self.profiles.len();
        self.profiles.extend(found.into_iter().map(|directory| {
            let name = directory.file_name().unwrap_or_default().to_string_lossy();
            let whose = Whose::profile(browser, &name);
            Profile { whose, directory }
        }));
        self.profiles.len() > before
    }

    /// Takes in the profiles and directories that a person named.
    pub fn add_named(&mut self, explicit: &Explicit) {
        let profiles = explicit.firefox_profiles.iter().map(|directory| Profile {
            whose: Whose::profile(FIREFOX, &shown(directory)),
            directory: directory.clone(),
        });
        self.profiles.extend(profiles);
        let user_data = explicit.chromium_user_data_dirs.iter();
        let user_data = user_data.map(|directory| (elsewhere(directory), directory.clone()));
        self.user_data.extend(user_data);
    }
}

impl Place {
    /// Where a Chromium looks that is started with this directory for its data.
    pub(crate) fn elsewhere(directory: &Path, manifest: PathBuf) -> Self {
        Self {
            browser: in_words(&elsewhere(directory)),
            family: Family::Chromium,
            manifest,
            registry_key: None,
            data: Some(directory.into()),
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match &self.data {
            Some(directory) => elsewhere(directory),
            None => Whose::browser(&self.browser),
        }
    }

    /// Where it is, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let manifest = shown(&self.manifest);
        match &self.registry_key {
            Some(key) => format!(r"{manifest}, HKEY_CURRENT_USER\{key}"),
            None => manifest,
        }
    }
}

fn elsewhere(directory: &Path) -> Whose {
    Whose::elsewhere(CHROMIUM, &shown(directory))
}

/// Whose something is, in the words of the terminal.
pub(crate) fn in_words(whose: &Whose) -> String {
    match whose {
        Whose::Browser { name } => name.to_string(),
        Whose::Chromiums => "Chrome, Chromium and their relatives".into(),
        Whose::Elsewhere { browser, directory } => format!("{browser} at {directory}"),
        Whose::Profile { browser, name } => format!("{browser} profile {name}"),
    }
}

/// Something that a person should know about a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Which browser.
    pub browser: String,
    /// What.
    pub what: Peculiarity,
}

/// What is special about a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peculiarity {
    /// It asks the person once before it starts the helper.
    Asks,
    /// It has no profile yet.
    NoProfile,
    /// Its sandbox lets helpers in through a proxy that is not installed.
    NeedsProxy,
    /// Its sandbox keeps helpers out.
    Sandboxed,
}

impl Remark {
    /// What it means, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { browser, what } = self;
        match what {
            Peculiarity::Asks => {
                format!("{browser} asks once whether the extension may start the helper: allow it")
            }
            Peculiarity::NoProfile => format!(
                "{browser} has no profile yet: start it once, then run `housekey install` again"
            ),
            Peculiarity::NeedsProxy => format!(
                "{browser} runs in a sandbox, and starts helpers only through \
                 xdg-native-messaging-proxy: install that package, \
                 then run `housekey install` again"
            ),
            Peculiarity::Sandboxed => format!(
                "{browser} runs in a sandbox that lets no helper in, so Housekey cannot serve it: \
                 install the browser from its maker or your distribution instead"
            ),
        }
    }
}

/// The two formats of native-messaging manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Chrome and its relatives.
    Chromium,
    /// Firefox and its relatives.
    Firefox,
}

/// Places that a person names besides those that are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explicit {
    /// Firefox profile directories.
    pub firefox_profiles: Vec<PathBuf>,
    /// What Chromium was or will be started with as `--user-data-dir`.
    pub chromium_user_data_dirs: Vec<PathBuf>,
}

/// The name by which the extension asks its browser for the helper.
pub const HOST_NAME: &str = "app.housekey.helper";
/// What Chromium is called.
pub const CHROMIUM: &str = "Chromium";
const FIREFOX: &str = "Firefox";
