//! Which browsers this user has, where each looks for native-messaging hosts, and where it keeps
//! the authorities it trusts.
//!
//! A browser counts as found if it has a directory in the user's home or a program on `PATH`.
//! Everything derives from the environment, so that a test's home is the whole world to it.

mod profiles;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use directories::BaseDirs;
use native_messaging::Scope;

use crate::paths::PathsError;

/// What was found, and what the person named besides.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The places where native-messaging manifests belong.
    pub hosts: Vec<HostPlace>,
    /// The certificate databases that the browsers read.
    pub databases: Vec<Database>,
    /// What a person should know about browsers that cannot be served, or not yet.
    pub remarks: Vec<String>,
}

/// A place where a browser looks for native-messaging hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPlace {
    /// The browser's name, as people know it.
    pub browser: String,
    /// Whose format the manifest has.
    pub family: Family,
    /// The browser's key in the `native_messaging` library; `None` for a directory of its own.
    pub key: Option<&'static str>,
    /// The manifest.
    pub manifest: PathBuf,
}

/// A certificate database of a browser or of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Whose it is, as people know it.
    pub owner: String,
    /// The directory that holds `cert9.db`, or would.
    pub directory: PathBuf,
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

/// Looks for browsers.
///
/// # Errors
///
/// [`PathsError::NoHome`], or [`PathsError::Io`] if the environment names no usable place.
pub fn survey(explicit: &Explicit) -> Result<Survey, PathsError> {
    let home = Home::of_this_user()?;
    let mut survey = Survey::default();
    let mut chromium = !explicit.chromium_user_data_dirs.is_empty();
    for known in &KNOWN {
        if !home.has(known) {
            continue;
        }
        survey.hosts.push(known.host_place(&home)?);
        chromium |= known.family == Family::Chromium;
    }
    for directory in &explicit.chromium_user_data_dirs {
        survey.hosts.push(HostPlace {
            browser: format!("Chromium at {}", directory.display()),
            family: Family::Chromium,
            key: None,
            manifest: manifest_below(directory),
        });
    }
    if !explicit.firefox_profiles.is_empty() && !survey.knows("Firefox") {
        survey.hosts.push(FIREFOX.host_place(&home)?);
    }
    if chromium {
        survey.databases.extend(home.chromium_databases());
    }
    survey.databases.extend(home.firefox_databases());
    for directory in &explicit.firefox_profiles {
        let owner = format!("Firefox profile {}", directory.display());
        survey.databases.push(Database {
            owner,
            directory: directory.clone(),
        });
    }
    let mut seen = Vec::new();
    survey.databases.retain(|database| {
        let new = !seen.contains(&database.directory);
        seen.push(database.directory.clone());
        new
    });
    survey.remarks = home.remarks(&survey);
    Ok(survey)
}

impl Survey {
    fn knows(&self, browser: &str) -> bool {
        self.hosts.iter().any(|host| host.browser == browser)
    }
}

/// A browser that can be found.
struct Known {
    name: &'static str,
    family: Family,
    /// Its key in the `native_messaging` library, where that knows it.
    key: Option<&'static str>,
    /// Its directories, below the home directory (`~`) or the configuration directory (`@`).
    directories: &'static [&'static str],
    programs: &'static [&'static str],
}

impl Known {
    fn host_place(&self, home: &Home) -> Result<HostPlace, PathsError> {
        let usual = self
            .key
            .filter(|_| self.family == Family::Firefox || home.config_is_usual());
        let manifest = match (usual, self.directories.first()) {
            (Some(key), _) => library_manifest(key)?,
            (None, Some(directory)) => manifest_below(&home.resolve(directory)),
            (None, None) => return Err(PathsError::NoHome),
        };
        Ok(HostPlace {
            browser: self.name.into(),
            family: self.family,
            key: usual,
            manifest,
        })
    }
}

/// The user's directories.
struct Home {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
}

impl Home {
    fn of_this_user() -> Result<Self, PathsError> {
        let base = BaseDirs::new().ok_or(PathsError::NoHome)?;
        Ok(Self {
            home: base.home_dir().into(),
            config: base.config_dir().into(),
            data: base.data_dir().into(),
        })
    }

    fn has(&self, known: &Known) -> bool {
        known
            .directories
            .iter()
            .any(|directory| self.resolve(directory).is_dir())
            || known
                .programs
                .iter()
                .any(|program| on_path(program).is_some())
    }

    /// The `native_messaging` library knows `~/.config` and no `XDG_CONFIG_HOME`.
    fn config_is_usual(&self) -> bool {
        self.config == self.home.join(".config")
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
    fn chromium_databases(&self) -> Vec<Database> {
        let (old, new) = (self.home.join(".pki/nssdb"), self.data.join("pki/nssdb"));
        let wanted = match (old.is_dir(), new.is_dir()) {
            (true, true) => vec![old, new],
            (true, false) => vec![old],
            (false, _) => vec![new],
        };
        let owner = "Chrome, Chromium and their relatives";
        wanted
            .into_iter()
            .map(|directory| Database {
                owner: owner.into(),
                directory,
            })
            .collect()
    }

    fn firefox_databases(&self) -> Vec<Database> {
        let roots = FIREFOX_ROOTS
            .iter()
            .map(|(owner, root)| (*owner, self.resolve(root)));
        roots
            .flat_map(|(owner, root)| {
                profiles::below(&root).into_iter().map(move |directory| {
                    let name = directory.file_name().unwrap_or_default().to_string_lossy();
                    Database {
                        owner: format!("{owner} profile {name}"),
                        directory,
                    }
                })
            })
            .collect()
    }

    fn remarks(&self, survey: &Survey) -> Vec<String> {
        let sandboxed = SANDBOXED
            .iter()
            .filter(|(_, place)| self.resolve(place).is_dir());
        let mut remarks: Vec<String> = sandboxed
            .map(|(name, _)| {
                format!(
                    "{name} cannot start helpers outside its sandbox, so Housekey cannot serve it"
                )
            })
            .collect();
        let is_profile = |database: &Database| database.owner.contains("profile");
        if survey.knows("Firefox") && !survey.databases.iter().any(is_profile) {
            remarks.push(
                "Firefox has no profile yet: start it once, then run `housekey install` again"
                    .into(),
            );
        }
        remarks
    }
}

/// The program of this name on `PATH`.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// The keys that the `native_messaging` library has for browsers of which this module knows.
pub fn library_keys() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter_map(|known| known.key)
}

fn library_manifest(key: &str) -> Result<PathBuf, PathsError> {
    let failed = |source: io::Error| PathsError::Io {
        path: key.into(),
        source,
    };
    let paths = native_messaging::manifest_paths(key, Scope::User, HOST_NAME).map_err(failed)?;
    paths.into_iter().next().ok_or(PathsError::NoHome)
}

fn manifest_below(user_data_dir: &Path) -> PathBuf {
    user_data_dir
        .join("NativeMessagingHosts")
        .join(format!("{HOST_NAME}.json"))
}

/// The name by which the extension asks its browser for the helper.
pub const HOST_NAME: &str = "app.housekey.helper";

const FIREFOX: Known = Known {
    name: "Firefox",
    family: Family::Firefox,
    key: Some("firefox"),
    directories: &[
        "~.mozilla/firefox",
        "@mozilla/firefox",
        "~snap/firefox/common",
    ],
    programs: &["firefox", "firefox-esr"],
};

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
    }
}

static KNOWN: [Known; 10] = [
    FIREFOX,
    Known {
        name: "LibreWolf",
        family: Family::Firefox,
        key: Some("librewolf"),
        directories: &["~.librewolf"],
        programs: &["librewolf"],
    },
    chromium(
        "Chromium",
        Some("chromium"),
        &["@chromium"],
        &["chromium", "chromium-browser"],
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
    chromium(
        "Microsoft Edge",
        Some("edge"),
        &["@microsoft-edge"],
        &["microsoft-edge", "microsoft-edge-stable"],
    ),
    chromium(
        "Brave",
        Some("brave"),
        &["@BraveSoftware/Brave-Browser"],
        &["brave", "brave-browser"],
    ),
    chromium(
        "Vivaldi",
        Some("vivaldi"),
        &["@vivaldi"],
        &["vivaldi", "vivaldi-stable"],
    ),
];

/// Where profiles are listed. Firefox 153 makes new ones below the configuration directory and
/// keeps those it finds in the old place.
const FIREFOX_ROOTS: [(&str, &str); 4] = [
    ("Firefox", "~.mozilla/firefox"),
    ("Firefox", "@mozilla/firefox"),
    ("LibreWolf", "~.librewolf"),
    ("Firefox (snap)", "~snap/firefox/common/.mozilla/firefox"),
];

/// Browsers whose sandbox keeps helpers out, by the directory that betrays them.
const SANDBOXED: [(&str, &str); 5] = [
    ("Chromium from snap", "~snap/chromium"),
    ("Chromium from Flatpak", "~.var/app/org.chromium.Chromium"),
    ("Chrome from Flatpak", "~.var/app/com.google.Chrome"),
    ("Firefox from Flatpak", "~.var/app/org.mozilla.firefox"),
    (
        "LibreWolf from Flatpak",
        "~.var/app/io.gitlab.librewolf-community",
    ),
];
