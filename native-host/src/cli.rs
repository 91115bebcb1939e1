//! The command line.

mod checkup;
mod doctor;
mod gateway;
mod history;
mod install;
mod look;
mod makers;
mod manual;
mod output;
mod pins;
mod probe;
mod settings;
mod sites;
mod transfer;
mod trust;
mod uninstall;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use housekey_core::scope::ScopeOptions;
use housekey_core::time::Timestamp;

use crate::authority::{AuthorityError, parse_local_name};
use crate::browsers::Explicit;
use crate::chain::timestamp;
use crate::extension_id;
use crate::install::local_names;
use crate::log;
use crate::paths::Paths;
use crate::store::{Store, StoreError};

/// What a browser says about the extension for which it started this program, if one did.
///
/// Chrome gives the extension's origin as the first argument; Firefox the path of the manifest and
/// then the add-on's id.
#[must_use]
pub fn browser_origin(arguments: &[String]) -> Option<&str> {
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    argument(1)
        .filter(|origin| origin.starts_with("chrome-extension://"))
        .or_else(|| argument(2).filter(|id| *id == extension_id::FIREFOX))
}

/// Runs the command that the process was started with.
///
/// The exit code is 0 if it did what it should, 1 if not, and 2 if it was not understood.
#[must_use]
pub fn run() -> ExitCode {
    log::begin();
    match Cli::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("housekey: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Real HTTPS for the devices in your home.
///
/// This is the helper of the Housekey browser extension: it speaks TLS to your devices, remembers
/// the key of each, and refuses a device that comes with another one.
/// The browser starts it by itself; these commands are for you.
#[derive(Debug, Parser)]
#[command(name = "housekey", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put the helper into daily use: tells browsers where it is, and asks for your consent before
    /// they are given a local authority to trust
    ///
    /// Run it again whenever something changed, such as a new browser: what is right is left alone.
    #[command(after_help = install::EXAMPLES)]
    Install(InstallArguments),
    /// Take everything out again, and read everything back to prove it
    #[command(after_help = uninstall::EXAMPLES)]
    Uninstall(UninstallArguments),
    /// Check every link between your browsers and your devices, and say how to mend what is broken
    ///
    /// Nothing is changed without --fix, and nothing outside this computer is asked. Ends with code
    /// 0 if no link is broken.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(DoctorArguments),
    /// Look at a device as the gateway would, and say who it is; nothing is sent to it
    ///
    /// Ends with code 0 if the device was met, and with --expect only if that proves to be it.
    Probe(probe::Arguments),
    /// Trust a device from here: shows who answers, and asks you, or compares it with a fingerprint
    Trust(trust::Arguments),
    /// Open your devices to curl, scripts and other programs: the same pins, the same checks
    ///
    /// Runs a gateway of its own until Ctrl-C, until whoever started it ends, or for as long as one
    /// COMMAND runs. It serves devices only, and nothing is asked: what is not trusted is refused.
    Gateway(gateway::Arguments),
    /// List the devices that you trust, and rename, move, block or forget them
    #[command(after_help = pins::EXAMPLES)]
    Pins {
        #[command(subcommand)]
        command: pins::PinsCommand,
    },
    /// Say what happened to your devices and when, the latest first
    History(history::Arguments),
    /// Write the devices that you trust into a file, to keep or to take to another computer
    ///
    /// Only you can read the file. It opens no device to anybody, but it tells which you have.
    Export(transfer::ExportArguments),
    /// Take over the devices of such a file, after saying what that would change
    ///
    /// A file never replaces a key that you trust and never unblocks a device: those are left out.
    Import(transfer::ImportArguments),
    /// Show or change settings, each with what it leads to
    Settings(settings::Arguments),
    /// List the sites whose pages may reach a device, and shut them out again
    ///
    /// A site is let in from the extension's popup, on the page that wants a device.
    Sites {
        #[command(subcommand)]
        command: sites::SitesCommand,
    },
    /// List, show, add or remove manufacturers that vouch for their devices
    ///
    /// Some makers sign their devices' certificates themselves. With the maker's root, a device is
    /// shown as proven to be theirs.
    #[command(after_help = makers::EXAMPLES)]
    Makers {
        #[command(subcommand)]
        command: makers::MakersCommand,
    },
    /// Write the manual pages and the completions for shells, as packages bring them
    #[command(hide = true)]
    Manual(manual::Arguments),
}

#[derive(Debug, Args)]
struct InstallArguments {
    /// Consent to everything without being asked
    #[arg(long, short)]
    yes: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Leave certificate stores as they are
    #[arg(long)]
    helper_only: bool,
    /// A name that only your own network answers, such as fritz.box; it and every name below it
    /// become local
    #[arg(long, value_name = "NAME", value_parser = local_name)]
    local_name: Vec<String>,
    /// A Firefox profile besides those that are found
    #[arg(long, value_name = "DIR")]
    firefox_profile: Vec<PathBuf>,
    /// A directory that Chromium is started with as --user-data-dir
    #[arg(long, value_name = "DIR")]
    chromium_user_data_dir: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct UninstallArguments {
    /// Consent to everything without being asked; the devices that you trust are forgotten too
    #[arg(long, short)]
    yes: bool,
    /// Keep the list of devices that you trust
    #[arg(long)]
    keep_pins: bool,
    /// First write the devices that you trust into this new file
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Args)]
struct JsonArgument {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
struct DoctorArguments {
    /// Mend what can be mended, also in browser profiles that were made later; asks before a
    /// browser is given an authority to trust
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// With --fix, consent to everything without being asked
    #[arg(long, short, requires = "fix")]
    yes: bool,
}

impl Command {
    fn run(self) -> anyhow::Result<ExitCode> {
        let paths = Paths::of_this_user()?;
        match self {
            Self::Doctor(arguments) => doctor::run(&paths, &arguments),
            Self::Export(arguments) => transfer::export(&paths, &arguments),
            Self::Gateway(arguments) => gateway::run(&paths, &arguments),
            Self::History(arguments) => history::run(&paths, &arguments),
            Self::Import(arguments) => transfer::import(&paths, &arguments),
            Self::Install(arguments) => install::run(&paths, arguments),
            Self::Makers { command } => makers::run(&paths, command),
            Self::Manual(arguments) => manual::run(Cli::command(), &arguments),
            Self::Pins { command } => pins::run(&paths, command),
            Self::Probe(arguments) => probe::run(&paths, &arguments),
            Self::Settings(arguments) => settings::run(&paths, &arguments),
            Self::Sites { command } => sites::run(&paths, command),
            Self::Trust(arguments) => trust::run(&paths, &arguments),
            Self::Uninstall(arguments) => uninstall::run(&paths, &arguments),
        }
    }
}

impl InstallArguments {
    /// The named places, as absolute paths: browsers are started elsewhere.
    fn explicit(&self) -> anyhow::Result<Explicit> {
        let absolute = |paths: &[PathBuf]| paths.iter().map(std::path::absolute).collect();
        let firefox_profiles: Result<_, std::io::Error> = absolute(&self.firefox_profile);
        Ok(Explicit {
            firefox_profiles: firefox_profiles?,
            chromium_user_data_dirs: absolute(&self.chromium_user_data_dir)?,
        })
    }
}

/// What counts as a device.
fn scope(paths: &Paths, store: &Store) -> Result<ScopeOptions, StoreError> {
    Ok(ScopeOptions {
        shared_address_space: store.settings()?.shared_address_space,
        local_names: local_names(paths),
    })
}

fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

fn local_name(text: &str) -> Result<String, AuthorityError> {
    parse_local_name(text)
}

const EXAMPLES: &str = "\
Examples:
  housekey install                         put it into daily use
  housekey install --local-name fritz.box  the same, and names at fritz.box are local
  housekey doctor                          something does not work?
  housekey doctor --fix                    mend it, and set up what is new
  housekey probe 192.168.1.20              who answers there?
  housekey trust 192.168.1.20              it is mine: trust it
  housekey gateway -- curl https://192.168.1.20/
                                           open it without a browser
  housekey pins list                       which devices do I trust?
  housekey history 192.168.1.20            what happened to this one?
  housekey export devices.json             keep a copy of the list
  housekey uninstall                       take it all out again

`housekey help COMMAND` has examples of each.

Exit codes:
  0  it was done, or it is as it should be
  1  it was not, and why
  2  the command was not understood
  `housekey gateway -- COMMAND` ends with the code of that command.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_browser_is_told_from_a_person() {
        let origin = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            browser_origin(&arguments).map(ToOwned::to_owned)
        };
        let chrome = "chrome-extension://abcdefghijklmnop/";
        assert_eq!(origin(&["housekey", chrome]).as_deref(), Some(chrome));
        assert_eq!(
            origin(&["housekey", chrome, "--parent-window=0"]).as_deref(),
            Some(chrome)
        );
        let firefox = [
            "housekey",
            "/home/me/app.housekey.helper.json",
            extension_id::FIREFOX,
        ];
        assert_eq!(origin(&firefox).as_deref(), Some(extension_id::FIREFOX));
        assert_eq!(origin(&["housekey"]), None);
        assert_eq!(origin(&["housekey", "pins", "list"]), None);
        assert_eq!(origin(&["housekey", "probe", "192.168.1.20"]), None);
    }
}
