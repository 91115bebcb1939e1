//! A user's directories on Linux, and the browsers that they betray.
//!
//! A browser counts as found if it has a directory in the user's home or a program on `PATH`.
//! Everything derives from the environment, so that a test's home is the whole world to it.

use std::env;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use directories::BaseDirs;
use housekey_core::checkup::Whose;
use native_messaging::Scope;

use super::known::{FIREFOX, KNOWN, Known, Sandbox};
use crate::browsers::{Explicit, Family, HOST_NAME, Peculiarity, Place, Profile, Remark, Survey};
use crate::paths::{self, PathsError};
use crate::platform::on_path;
use crate::trust_store::TrustStore;
use crate::trust_store::nss::NssDatabase;

/// Looks for browsers.
///
/// # Errors
///
/// [`PathsError::NoHome`], or [`PathsError::Io`] if the environment names no usable place.
pub(super) fn survey(explicit: &Explicit) -> Result<Survey, PathsError> {
    let home = Home::of_this_user()?;
    let mut survey = Survey::default();
    for known in KNOWN.iter().filter(|known| home.has(known)) {
        meet(&mut survey, known, &home)?;
    }
    for directory in &explicit.chromium_user_data_dirs {
        let place = Place::elsewhere(directory, manifest_below(directory));
        survey.hosts.push(place);
    }
    if !explicit.firefox_profiles.is_empty() {
        survey.add_host(home.place(&FIREFOX)?);
    }
    survey.add_named(explicit);
    let mut databases = Vec::new();
    if (survey.hosts.iter()).any(|host| host.family == Family::Chromium) {
        databases.extend(home.chromium_databases());
    }
    let of_profile =
        |profile: &Profile| NssDatabase::new(profile.whose.clone(), &profile.directory);
    databases.extend(survey.profiles.iter().map(of_profile));
    for database in databases {
        let is_same = |known: &Rc<dyn TrustStore>| known.location() == database.location();
        if !survey.stores.iter().any(is_same) {
            survey.stores.push(Rc::new(database));
        }
    }
    Ok(survey)
}

/// Takes in a browser that is there.
fn meet(survey: &mut Survey, known: &Known, home: &Home) -> Result<(), PathsError> {
    let mut remark = |what| {
        let browser = known.name.into();
        survey.remarks.push(Remark { browser, what });
    };
    match known.sandbox {
        Some(Sandbox::Closed) => {
            remark(Peculiarity::Sandboxed);
            return Ok(());
        }
        Some(Sandbox::Proxy) if !home.has_messaging_proxy() => {
            remark(Peculiarity::NeedsProxy);
            return Ok(());
        }
        Some(Sandbox::Asks) => remark(Peculiarity::Asks),
        Some(Sandbox::Proxy) | None => {}
    }
    let roots = known.profiles.iter().map(|root| home.resolve(root));
    let has_profiles = survey.add_profiles(known.name, roots);
    if known.family == Family::Firefox && !has_profiles {
        let browser = known.name.into();
        let what = Peculiarity::NoProfile;
        survey.remarks.push(Remark { browser, what });
    }
    if known.family == Family::Chromium {
        let directories = known.directories.iter().map(|it| home.resolve(it));
        let named = directories.map(|directory| (Whose::browser(known.name), directory));
        survey.user_data.extend(named);
    }
    survey.add_host(home.place(known)?);
    Ok(())
}

impl Known {
    fn place_at(&self, manifest: PathBuf) -> Place {
        Place {
            browser: self.name.into(),
            family: self.family,
            manifest,
            registry_key: None,
            data: None,
        }
    }
}

/// The user's directories.
pub(super) struct Home {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
}

impl Home {
    pub(super) fn of_this_user() -> Result<Self, PathsError> {
        let base = BaseDirs::new().ok_or(PathsError::NoHome)?;
        Ok(Self {
            home: base.home_dir().into(),
            config: base.config_dir().into(),
            data: base.data_dir().into(),
        })
    }

    /// Where a browser looks for the helper.
    pub(super) fn place(&self, known: &Known) -> Result<Place, PathsError> {
        match known.directories.first() {
            Some(directory) if !self.is_usual_for(known) => {
                Ok(known.place_at(manifest_below(&self.resolve(directory))))
            }
            _ => usual_place(known),
        }
    }

    /// The `native_messaging` library knows `~/.config` and no `XDG_CONFIG_HOME`.
    fn is_usual_for(&self, known: &Known) -> bool {
        let is_usual = self.config == self.home.join(".config");
        known.key.is_some() && (is_usual || known.family == Family::Firefox)
    }

    fn has(&self, known: &Known) -> bool {
        let mut directories = known.directories.iter();
        let is_snap = known.sandbox_is_snap();
        directories.any(|directory| self.resolve(directory).is_dir())
            || (known.programs.iter())
                .filter_map(|program| on_path(program))
                .any(|program| leads_to_snap(&program) == is_snap)
    }

    fn resolve(&self, place: &str) -> PathBuf {
        match place.split_at_checked(1) {
            Some(("@", rest)) => self.config.join(rest),
            Some(("~", rest)) => self.home.join(rest),
            _ => self.home.join(place),
        }
    }

    /// Since version 146 Chromium uses `$XDG_DATA_HOME/pki/nssdb`, except where `~/.pki/nssdb`
    /// exists, which older relatives made.
    fn chromium_databases(&self) -> Vec<NssDatabase> {
        let (old, new) = (self.home.join(".pki/nssdb"), self.data.join("pki/nssdb"));
        let wanted = match (old.is_dir(), new.is_dir()) {
            (true, true) => vec![old, new],
            (true, false) => vec![old],
            (false, _) => vec![new],
        };
        let database = |directory: PathBuf| NssDatabase::new(Whose::Chromiums, &directory);
        wanted.into_iter().map(database).collect()
    }

    /// Whether sandboxed browsers can ask for helpers outside: the D-Bus service that starts them
    /// (<https://github.com/flatpak/xdg-native-messaging-proxy>).
    fn has_messaging_proxy(&self) -> bool {
        let shared = env::var_os("XDG_DATA_DIRS").filter(|it| !it.is_empty());
        let shared = shared.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        let mut directories = env::split_paths(&shared).chain([self.data.clone()]);
        directories.any(|directory| {
            directory
                .join("dbus-1/services")
                .join("org.freedesktop.NativeMessagingProxy.service")
                .is_file()
        })
    }
}

/// Whether a program starts the snap of its name: Ubuntu puts links to `snap`, and scripts, where
/// the browser's own program would be.
fn leads_to_snap(program: &Path) -> bool {
    if program.parent().is_some_and(|it| it.ends_with("snap/bin")) {
        return true;
    }
    let real = fs::canonicalize(program).unwrap_or_else(|_| program.into());
    if real.file_name().is_some_and(|name| name == "snap") {
        return true;
    }
    let mut beginning = Vec::new();
    let read =
        fs::File::open(&real).map(|file| file.take(SCRIPT_BYTES).read_to_end(&mut beginning));
    read.is_ok()
        && beginning.starts_with(b"#!")
        && String::from_utf8_lossy(&beginning).contains("/snap/bin/")
}

/// Where a browser looks whose configuration is in its usual place.
pub(super) fn usual_place(known: &Known) -> Result<Place, PathsError> {
    let key = known.key.ok_or(PathsError::NoHome)?;
    let failed = |source: io::Error| paths::io_error(Path::new(key), source);
    let paths = native_messaging::manifest_paths(key, Scope::User, HOST_NAME).map_err(failed)?;
    let manifest = paths.into_iter().next().ok_or(PathsError::NoHome)?;
    Ok(known.place_at(manifest))
}

fn manifest_below(user_data_dir: &Path) -> PathBuf {
    user_data_dir
        .join("NativeMessagingHosts")
        .join(format!("{HOST_NAME}.json"))
}

/// Enough of a script to see what it starts.
const SCRIPT_BYTES: u64 = 4_096;
