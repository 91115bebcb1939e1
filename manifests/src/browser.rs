//! The browsers that Housekey is packed for, and starting one with Housekey in it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use directories::BaseDirs;

use crate::helper;
use crate::need::Need;
use crate::process;
use crate::workspace::Workspace;

/// A family of browsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
}

impl Browser {
    pub(crate) const ALL: [Self; 2] = [Self::Firefox, Self::Chromium];

    /// What must be installed to start it.
    pub(crate) fn need(self) -> Need {
        match self {
            Self::Chromium => Need::Chromium,
            Self::Firefox => Need::Firefox,
        }
    }

    /// What drives it.
    pub(crate) fn driver(self) -> Need {
        match self {
            Self::Chromium => Need::Chromedriver,
            Self::Firefox => Need::Geckodriver,
        }
    }

    /// Where it is installed.
    pub(crate) fn program(self) -> Option<PathBuf> {
        let names = match self {
            // Google's own build is not among them: it ignores `--load-extension` since 137.
            Self::Chromium => ["chromium", "chromium-browser"],
            Self::Firefox => ["firefox-esr", "firefox"],
        };
        names.into_iter().find_map(process::find)
    }

    /// The name of its overlay in `manifests/extension/`, and of its directory in `dist/`.
    pub(crate) fn manifest(self) -> &'static str {
        match self {
            Self::Chromium => "chrome",
            Self::Firefox => "firefox",
        }
    }

    /// The extension as a directory.
    pub(crate) fn unpacked(self, workspace: &Workspace) -> PathBuf {
        workspace.dist().join(self.manifest())
    }

    /// The extension as one file.
    pub(crate) fn archive(self, workspace: &Workspace) -> PathBuf {
        workspace.dist().join(self.archive_name())
    }

    /// What the extension as one file is called.
    pub(crate) fn archive_name(self) -> String {
        let ending = match self {
            Self::Chromium => "zip",
            Self::Firefox => "xpi",
        };
        let (browser, version) = (self.manifest(), Workspace::VERSION);
        format!("housekey-{browser}-{version}.{ending}")
    }

    /// As clap reads it.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }
}

impl std::fmt::Display for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.argument())
    }
}

/// Tells how the extension gets into the browsers that people use every day.
pub(crate) fn explain_loading(workspace: &Workspace) {
    process::heading("the extension");
    println!("How it gets into your browser:");
    println!();
    println!("Firefox, until it is closed:");
    println!("  open about:debugging#/runtime/this-firefox, \"Load Temporary Add-on...\", choose");
    println!(
        "  {}",
        Browser::Firefox
            .unpacked(workspace)
            .join("manifest.json")
            .display()
    );
    println!("Firefox ESR, Developer Edition or Nightly, for good:");
    println!("  set xpinstall.signatures.required to false in about:config, then open");
    println!("  {}", Browser::Firefox.archive(workspace).display());
    println!("Chromium, Chrome, Edge, Brave, Vivaldi:");
    println!("  open chrome://extensions, switch on \"Developer mode\", \"Load unpacked\", choose");
    println!("  {}", Browser::Chromium.unpacked(workspace).display());
}

/// Starts a browser with a profile of its own and Housekey in it, and waits until it is closed.
///
/// # Errors
///
/// When the profile can't be made, the helper can't be installed, or the browser fails.
pub(crate) fn run(
    workspace: &Workspace,
    browser: Browser,
    yes: bool,
    arguments: &[OsString],
) -> Result<()> {
    let program = browser
        .program()
        .with_context(|| format!("no {browser} is installed"))?;
    let profile = profile(browser)?;
    // Inside the helper's data directory, which the helper uses only if it is its owner's alone.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&profile)
        .with_context(|| format!("can't make the profile {}", profile.display()))?;
    let (option, mut command) = match browser {
        Browser::Chromium => (
            "--chromium-user-data-dir",
            chromium(workspace, &program, &profile),
        ),
        Browser::Firefox => {
            fill_firefox_profile(workspace, &profile)?;
            ("--firefox-profile", firefox(&program, &profile))
        }
    };
    let mut install: Vec<OsString> = vec![option.into(), profile.clone().into_os_string()];
    if yes {
        install.push("--yes".into());
    }
    helper::install(workspace, &install)?;

    process::heading(&format!("{browser}, profile {}", profile.display()));
    process::run(command.args(arguments))
}

/// The profile of `cargo xtask run`, apart from the one of every day.
fn profile(browser: Browser) -> Result<PathBuf> {
    let directories = BaseDirs::new().context("this user has no home directory")?;
    Ok(directories
        .data_dir()
        .join("housekey")
        .join("run")
        .join(browser.argument()))
}

fn chromium(workspace: &Workspace, program: &Path, profile: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(option("--user-data-dir=", profile));
    command.arg(option(
        "--load-extension=",
        &Browser::Chromium.unpacked(workspace),
    ));
    command.args(["--no-first-run", "--no-default-browser-check"]);
    if process::is_root() {
        println!("as root, Chromium only starts without its sandbox; better be another user");
        command.arg("--no-sandbox");
    }
    command
}

fn firefox(program: &Path, profile: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-no-remote", "-profile"]).arg(profile);
    command
}

/// Puts the extension into a Firefox profile, where it is loaded from at the next start.
fn fill_firefox_profile(workspace: &Workspace, profile: &Path) -> Result<()> {
    if firefox_insists_on_signatures()? {
        bail!(
            "this Firefox is a release build, which refuses extensions that Mozilla has not \
             signed; install Firefox ESR, Developer Edition or Nightly, or load {} for one \
             session in about:debugging",
            Browser::Firefox
                .unpacked(workspace)
                .join("manifest.json")
                .display()
        );
    }
    let extensions = profile.join("extensions");
    fs::create_dir_all(&extensions)?;
    fs::copy(
        Browser::Firefox.archive(workspace),
        extensions.join(FIREFOX_FILE),
    )
    .context("can't put the extension into the profile")?;
    fs::write(profile.join("user.js"), FIREFOX_PREFERENCES)
        .context("can't write the profile's preferences")
}

/// Firefox's release and beta builds load signed extensions only, whatever the preference says
/// (<https://support.mozilla.org/kb/add-on-signing-in-firefox>).
fn firefox_insists_on_signatures() -> Result<bool> {
    let program = Browser::Firefox
        .program()
        .context("no firefox is installed")?;
    let version = process::output(Command::new(program).arg("--version"))?;
    println!("{version}");
    Ok(is_release(&version))
}

/// `esr` ends an extended support release, `a1` a nightly, `b3` a beta or Developer Edition,
/// which the version does not tell apart: the latter gets the benefit of the doubt.
fn is_release(version: &str) -> bool {
    let number = version.rsplit(' ').next().unwrap_or(version);
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// An extension in a profile is named by its id.
const FIREFOX_FILE: &str = "housekey@housekey.app.xpi";

const FIREFOX_PREFERENCES: &str = "\
// Written by `cargo xtask run` at each start.
// Housekey is built here, so nobody has signed it.
user_pref(\"xpinstall.signatures.required\", false);
// Extensions found in the profile need no second yes, and are looked for at every start.
user_pref(\"extensions.autoDisableScopes\", 0);
user_pref(\"extensions.startupScanScopes\", 1);
user_pref(\"browser.aboutwelcome.enabled\", false);
user_pref(\"browser.shell.checkDefaultBrowser\", false);
user_pref(\"datareporting.policy.dataSubmissionEnabled\", false);
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_builds_of_firefox_are_told_by_their_version() {
        assert!(is_release("Mozilla Firefox 153.0.1"));
        assert!(!is_release("Mozilla Firefox 153.7.0esr"));
        assert!(!is_release("Mozilla Firefox 155.0a1"));
        assert!(!is_release("Mozilla Firefox 154.0b3"));
    }

    #[test]
    fn every_browser_reads_its_own_archive() {
        let workspace = Workspace::here().unwrap();
        let name = |browser: Browser| {
            browser
                .archive(&workspace)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            name(Browser::Firefox),
            format!("housekey-firefox-{}.xpi", Workspace::VERSION)
        );
        assert_eq!(
            name(Browser::Chromium),
            format!("housekey-chrome-{}.zip", Workspace::VERSION)
        );
    }
}
