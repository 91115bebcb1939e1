//! Which browsers this user has, where each looks for native-messaging hosts, and where it keeps
//! the authorities it trusts.
//!
//! A browser counts as found if it has a directory in the user's home or a program on `PATH`.
//! Everything derives from the environment, so that a test's home is the whole world to it.

mod known;
mod profiles;

use std::env;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use directories::BaseDirs;
use housekey_core::checkup::Whose;
use native_messaging::Scope;

use self::known::{FIREFOX, KNOWN, Known, Sandbox};
use crate::paths::PathsError;

/// What was found, and what the person named besides.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The places where native-messaging manifests belong.
    pub hosts: Vec<HostPlace>,
    /// The certificate databases that the browsers read.
    pub databases: Vec<Database>,
    /// The Chromium browsers' user-data directories, and whose they are.
    pub user_data: Vec<(Whose, PathBuf)>,
    /// What a person should know about browsers that cannot be served, or not yet.
    pub remarks: Vec<Remark>,
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
    /// Where the browser keeps its data, if a person named that.
    pub data: Option<PathBuf>,
}

/// A certificate database of a browser or of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Whose it is.
    pub whose: Whose,
    /// The directory that holds `cert9.db`, or would.
    pub directory: PathBuf,
    /// Whether it is a Firefox profile, and so holds more than certificates.
    pub is_profile: bool,
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

/// Looks for browsers.
///
/// # Errors
///
/// [`PathsError::NoHome`], or [`PathsError::Io`] if the environment names no usable place.
pub fn survey(explicit: &Explicit) -> Result<Survey, PathsError> {
    let home = Home::of_this_user()?;
    let mut survey = Survey::default();
    for known in KNOWN.iter().filter(|known| home.has(known)) {
        survey.meet(known, &home)?;
    }
    for directory in &explicit.chromium_user_data_dirs {
        let place = crate::paths::shown(directory);
        let whose = Whose::elsewhere(CHROMIUM, &place);
        survey.user_data.push((whose, directory.clone()));
        survey.hosts.push(HostPlace {
            browser: format!("{CHROMIUM} at {place}"),
            family: Family::Chromium,
            key: None,
            manifest: manifest_below(directory),
            data: Some(directory.clone()),
        });
    }
    if !explicit.firefox_profiles.is_empty() {
        survey.add_host(FIREFOX.host_place(&home)?);
    }
    if (survey.hosts.iter()).any(|host| host.family == Family::Chromium) {
        survey.databases.splice(0..0, home.chromium_databases());
    }
    for directory in &explicit.firefox_profiles {
        survey.databases.push(Database {
            whose: Whose::profile(FIREFOX.name, &crate::paths::shown(directory)),
            directory: directory.clone(),
            is_profile: true,
        });
    }
    let mut seen = Vec::new();
    survey.databases.retain(|database| {
        let new = !seen.contains(&database.directory);
        seen.push(database.directory.clone());
        new
    });
    Ok(survey)
}

impl Database {
    /// Whose it is, in the words of the terminal.
    #[must_use]
    pub fn owner(&self) -> String {
        match &self.whose {
            Whose::Browser { name } => name.to_string(),
            Whose::Chromiums => "Chrome, Chromium and their relatives".into(),
            Whose::Elsewhere { browser, directory } => format!("{browser} at {directory}"),
            Whose::Profile { browser, name } => format!("{browser} profile {name}"),
        }
    }
}

impl Survey {
    /// Takes in a browser that is there.
    fn meet(&mut self, known: &Known, home: &Home) -> Result<(), PathsError> {
        let mut remark = |what| {
            let browser = known.name.into();
            self.remarks.push(Remark { browser, what });
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
        let profiles = home.profiles(known);
        if known.family == Family::Firefox && profiles.is_empty() {
            remark(Peculiarity::NoProfile);
        }
        self.databases.extend(profiles);
        if known.family == Family::Chromium {
            let directories = known.directories.iter().map(|it| home.resolve(it));
            let named = directories.map(|directory| (Whose::browser(known.name), directory));
            self.user_data.extend(named);
        }
        self.add_host(known.host_place(home)?);
        Ok(())
    }

    /// Several browsers may read one manifest.
    fn add_host(&mut self, host: HostPlace) {
        match (self.hosts.iter_mut()).find(|known| known.manifest == host.manifest) {
            Some(known) if known.browser.contains(&host.browser) => {}
            Some(known) => known.browser = format!("{}, {}", known.browser, host.browser),
            None => self.hosts.push(host),
        }
    }
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
            data: None,
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
        let mut directories = known.directories.iter();
        let is_snap = known.sandbox_is_snap();
        directories.any(|directory| self.resolve(directory).is_dir())
            || (known.programs.iter())
                .filter_map(|program| on_path(program))
                .any(|program| leads_to_snap(&program) == is_snap)
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
        wanted
            .into_iter()
            .map(|directory| Database {
                whose: Whose::Chromiums,
                directory,
                is_profile: false,
            })
            .collect()
    }

    fn profiles(&self, known: &Known) -> Vec<Database> {
        let roots = known.profiles.iter().map(|root| self.resolve(root));
        let profiles = roots.flat_map(|root| profiles::below(&root));
        profiles
            .map(|directory| {
                let name = directory.file_name().unwrap_or_default().to_string_lossy();
                Database {
                    whose: Whose::profile(known.name, &name),
                    directory,
                    is_profile: true,
                }
            })
            .collect()
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

/// The program of this name on `PATH`.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
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
/// What a browser is called that is started with a directory of a person's own.
pub(crate) const CHROMIUM: &str = "Chromium";
/// Enough of a script to see what it starts.
const SCRIPT_BYTES: u64 = 4_096;
