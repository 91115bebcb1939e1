//! A user's account on the test's computer: a home directory that nobody else has.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::{Kind, workspace};
use crate::home::{Authorities, Roots};
use crate::lan::Lan;

/// A home directory with a profile for each browser. All of it vanishes when dropped.
pub struct Account {
    directory: TempDir,
    roots: Roots,
    visible: bool,
    variables: Vec<(&'static str, String)>,
}

impl Account {
    /// Makes one whose computer and browsers trust the sample world's public root.
    pub fn new(lan: Lan, authorities: &Authorities) -> Result<Self> {
        let _proof_of_the_private_network = lan;
        let directory = tempfile::Builder::new().prefix("housekey-").tempdir()?;
        let roots = authorities.write(directory.path())?;
        let account = Self {
            directory,
            roots,
            visible: false,
            variables: Vec::new(),
        };
        for place in [
            account.firefox_profile(),
            account.chromium_data(),
            account.nss_database(),
        ] {
            std::fs::create_dir_all(place)?;
        }
        std::fs::create_dir(account.directory().join("tmp"))?;
        for database in [account.firefox_profile(), account.nss_database()] {
            account.make_nss_database(&database)?;
        }
        Ok(account)
    }

    /// Lets the browser find the screen of whoever sits here.
    pub fn visible(mut self) -> Self {
        self.visible = true;
        self
    }

    /// Sets a variable of the environment, for whatever is started from now on.
    pub fn set(&mut self, variable: &'static str, value: impl Into<String>) {
        self.variables.push((variable, value.into()));
    }

    /// Runs `housekey install`, as a person would.
    pub fn install_housekey(&self) -> Result<()> {
        self.install_housekey_of(&helper()?)
    }

    /// The same with another build of the helper.
    pub fn install_housekey_of(&self, program: &Path) -> Result<()> {
        let firefox = self.firefox_profile();
        let chromium = self.chromium_data();
        let mut arguments = [OsStr::new("install"), OsStr::new("--yes")].to_vec();
        arguments.extend([OsStr::new("--firefox-profile"), firefox.as_os_str()]);
        arguments.extend([OsStr::new("--chromium-user-data-dir"), chromium.as_os_str()]);
        printed(self.run(program, arguments)?).map(drop)
    }

    /// Tells Housekey the roots of the sample home's manufacturers.
    pub fn add_makers(&self) -> Result<()> {
        self.add_maker(&self.roots.hue, "Philips Hue")?;
        self.add_maker(&self.roots.bbl, "Bambu Lab")
    }

    /// Runs the helper as this user and returns what it printed.
    pub fn housekey(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<String> {
        printed(self.try_housekey(arguments)?)
    }

    /// Runs the helper as this user, whatever comes of it.
    pub fn try_housekey(&self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Output> {
        self.run(&helper()?, arguments)
    }

    fn run(
        &self,
        program: &Path,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> Result<Output> {
        let output = self.command(program).args(arguments).output();
        output.context("cannot start the helper")
    }

    /// A command with this account's environment and nothing else of the caller's.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let home = self.directory();
        let mut command = Command::new(program);
        command.env_clear().current_dir(home).env("HOME", home);
        let passed: &[_] = if self.visible {
            &[PASSED, PASSED_IF_VISIBLE].concat()
        } else {
            PASSED
        };
        for variable in passed {
            command.envs(std::env::var_os(variable).map(|value| (variable, value)));
        }
        command
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("TMPDIR", home.join("tmp"))
            .env("SSL_CERT_FILE", &self.roots.public)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The home directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The helper's data directory.
    pub fn data(&self) -> PathBuf {
        self.directory().join(".local/share/housekey")
    }

    /// Firefox's profile.
    pub fn firefox_profile(&self) -> PathBuf {
        self.directory().join("firefox")
    }

    /// Chromium's user data directory.
    pub fn chromium_data(&self) -> PathBuf {
        self.directory().join("chromium")
    }

    /// Adds a root to the browser's certificate store, as trusted for servers.
    pub fn trust(&self, kind: Kind, nickname: &str, root: &Path) -> Result<()> {
        let arguments = ["-A", "-t", "C,,", "-n", nickname, "-i"];
        self.certutil(&self.database(kind), &arguments, Some(root))
            .map(drop)
    }

    /// What the browser's certificate store lists: nicknames and trust.
    pub fn trusted(&self, kind: Kind) -> Result<Vec<String>> {
        let list = self.certutil(&self.database(kind), &["-L"], None)?;
        Ok(list.lines().map(str::to_owned).collect())
    }

    /// The certificate of this nickname in the browser's store, as PEM.
    pub fn certificate(&self, kind: Kind, nickname: &str) -> Result<String> {
        let arguments = ["-L", "-a", "-n", nickname];
        self.certutil(&self.database(kind), &arguments, None)
    }

    /// The log of a browser and its helper.
    pub(super) fn log(&self, browser: &str) -> PathBuf {
        self.directory().join(format!("{browser}.log"))
    }

    fn database(&self, kind: Kind) -> PathBuf {
        match kind {
            Kind::Chromium => self.nss_database(),
            Kind::Firefox => self.firefox_profile(),
        }
    }

    /// Where Chromium on Linux looks since version 146.
    fn nss_database(&self) -> PathBuf {
        self.directory().join(".local/share/pki/nssdb")
    }

    fn make_nss_database(&self, database: &Path) -> Result<()> {
        self.certutil(database, &["-N", "--empty-password"], None)?;
        let arguments = ["-A", "-t", "C,,", "-n", "Sample Public Root", "-i"];
        self.certutil(database, &arguments, Some(&self.roots.public))
            .map(drop)
    }

    fn certutil(&self, database: &Path, arguments: &[&str], file: Option<&Path>) -> Result<String> {
        let mut command = self.command("certutil");
        command
            .args(arguments)
            .args(file)
            .arg("-d")
            .arg(format!("sql:{}", database.display()));
        let output = command
            .output()
            .context("cannot start certutil (package libnss3-tools)")?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "certutil {arguments:?}: {message}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn add_maker(&self, root: &Path, name: &str) -> Result<()> {
        let arguments = ["makers", "add", &root.display().to_string(), "--name", name];
        self.housekey(arguments.iter().chain(&["--device-id", "subject-cn"]))
            .map(drop)
    }
}

/// What a helper that succeeded printed.
fn printed(output: Output) -> Result<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "housekey: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(text(&output.stdout))
}

fn helper() -> Result<PathBuf> {
    artefact("HOUSEKEY_BIN", "target/debug/housekey")
}

/// A thing that the packer built: where the variable says, else at this place in the workspace.
pub fn artefact(variable: &str, place: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| workspace().join(place), PathBuf::from);
    ensure!(
        path.exists(),
        "{} is not there; build it with `cargo xtask build`",
        path.display()
    );
    Ok(path)
}

/// A driver on PATH, or where cargo installs programs.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo/bin"));
    let mut places = std::env::split_paths(&path)
        .chain(cargo)
        .map(|place| place.join(name));
    let found = places.find(|path| path.exists());
    found.with_context(|| format!("{name} is not installed; `cargo xtask test` installs it"))
}

const PASSED: &[&str] = &["PATH", "RUST_LOG", "RUST_BACKTRACE"];

const PASSED_IF_VISIBLE: &[&str] = &[
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "LANG",
];
