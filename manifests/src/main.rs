//! `cargo xtask`: sets up the computer, builds, packs, installs, shows and tests Housekey.

mod archive;
mod audit;
mod bench;
mod browser;
mod checks;
mod dist;
mod fidelity;
mod fuzz;
mod gallery;
mod helper;
mod limbo;
mod manifest;
mod need;
mod package;
mod private_paths;
mod process;
mod setup;
#[cfg(test)]
mod store;
mod testssl;
mod wasm;
mod wasm_compiler;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::browser::Browser;
use crate::fuzz::Fuzz;
use crate::gallery::Gallery;
use crate::helper::Profile;
use crate::need::Need;
use crate::package::Package;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds, packs, installs, shows and tests Housekey.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures what Housekey costs beside other proxies, for some minutes, on a quiet computer
    Bench {
        /// Instead, how fast pages open and questions appear in both browsers; --rounds N is passed on
        #[arg(long)]
        browsers: bool,
        /// Passed on to the load tool: --quick, --rounds N, --only NAME
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Brings what building, showing and testing need; installs only what is missing
    Setup {
        /// Do not ask before installing
        #[arg(long)]
        yes: bool,
    },
    /// Builds the extension for both browsers into dist/, and the helper
    Build {
        /// Build the helper optimised, as it is installed
        #[arg(long)]
        release: bool,
    },
    /// Builds Housekey, puts the helper into daily use, and says how to load the extension
    Install {
        /// Passed on to `housekey install`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    Package(Package),
    /// Starts a browser of its own profile with Housekey in it, on the real network
    Run {
        /// Which browser
        #[arg(long, value_enum)]
        browser: Browser,
        /// Consent to what `housekey install` would ask
        #[arg(long)]
        yes: bool,
        /// Passed on to the browser, after `--`
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Shows Housekey in a browser on a small home network of sample devices
    Demo {
        /// Walk through alone, without a window, and leave screenshots and a transcript
        #[arg(long)]
        headless: bool,
        /// Which browser
        #[arg(long, value_enum, default_value_t = Browser::Firefox)]
        browser: Browser,
        /// Where to leave screenshots and transcript.json
        #[arg(long, value_name = "DIR")]
        out: Option<OsString>,
    },
    /// Compares what passes through the gateway with what passes directly: the Autobahn test suite
    /// case by case, and bodies above 4 GiB byte by byte, for some minutes
    Fidelity {
        /// Passed on: --cases 1.*, --compressing 12.*, --body BYTES
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Takes a picture of every state of every page in both browsers, and checks each
    Gallery(Gallery),
    /// Checks libraries' licences, sources and known holes, the extension as Mozilla does, and the
    /// gateway's TLS with testssl.sh
    Audit,
    /// Feeds what strangers write to libFuzzer
    Fuzz(Fuzz),
    /// Runs the helper's chain validation against the public x509-limbo suite
    Limbo {
        /// x509-limbo's limbo.json, packed with xz or not (https://github.com/C2SP/x509-limbo)
        path: PathBuf,
    },
    /// Checks and tests everything, in real browsers too
    Test {
        /// Run only the tests whose name contains this, and leave the other checks out
        filter: Option<String>,
    },
}

fn dispatch(cli: Cli) -> Result<()> {
    let workspace = Workspace::here()?;
    match cli.command {
        Task::Bench {
            browsers: true,
            arguments,
        } => {
            setup::bring(&Need::of_gallery(&Browser::ALL), false)?;
            build(&workspace, Profile::Release)?;
            bench::browsers(&workspace, &arguments)
        }
        Task::Bench { arguments, .. } => {
            setup::bring(&[Need::Iproute2], false)?;
            if let Err(error) = setup::bring(&Need::peers(), false) {
                // The table names whom it leaves out.
                eprintln!("{error:#}");
            }
            bench::run(&workspace, &arguments)
        }
        Task::Setup { yes } => setup::bring(&Need::all(), yes),
        Task::Build { release } => {
            setup::bring(&[Need::WasmTarget], false)?;
            build(&workspace, Profile::from_release(release))
        }
        Task::Install { arguments } => {
            setup::bring(&[Need::WasmTarget, Need::Certutil], false)?;
            build(&workspace, Profile::Release)?;
            helper::install(&workspace, &arguments)?;
            browser::explain_loading(&workspace);
            Ok(())
        }
        Task::Package(package) => {
            setup::bring(&package.needs(), false)?;
            if !package.as_built {
                build_extension(&workspace)?;
            }
            package.run(&workspace)
        }
        Task::Run {
            browser,
            yes,
            arguments,
        } => {
            setup::bring(&[Need::WasmTarget, Need::Certutil, browser.need()], false)?;
            build(&workspace, Profile::Release)?;
            browser::run(&workspace, browser, yes, &arguments)
        }
        Task::Demo {
            headless,
            browser,
            out,
        } => {
            setup::bring(&Need::of_demo(browser), false)?;
            build(&workspace, Profile::Debug)?;
            checks::demo(&workspace, headless, browser, out.as_deref())
        }
        Task::Fidelity { arguments } => {
            setup::bring(&[Need::Iproute2], false)?;
            fidelity::run(&workspace, &arguments)
        }
        Task::Gallery(gallery) => {
            setup::bring(&Need::of_gallery(&gallery.browsers()), false)?;
            gallery::bring_missing_packages(&workspace)?;
            if !gallery.as_built {
                build_extension(&workspace)?;
            }
            gallery.show(&workspace)
        }
        Task::Audit => {
            setup::bring(&Need::of_audit(), false)?;
            build(&workspace, Profile::Debug)?;
            audit::run(&workspace)
        }
        Task::Fuzz(fuzz) => {
            setup::bring(&[Need::CargoFuzz], false)?;
            fuzz.run(&workspace)
        }
        Task::Limbo { path } => limbo::run(&workspace, &path),
        Task::Test { filter } => {
            setup::bring(&Need::all(), false)?;
            // `cargo test` builds the helper too, with what the whole workspace wants of the
            // libraries; built alone first, most of them would be compiled twice.
            build_extension(&workspace)?;
            checks::all(&workspace, filter.as_deref())
        }
    }
}

/// Everything that a browser and this computer need to run Housekey.
fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    build_extension(workspace)?;
    process::heading("helper");
    helper::build(workspace, profile)
}

/// What browsers need of it.
fn build_extension(workspace: &Workspace) -> Result<()> {
    process::heading("WebAssembly module");
    wasm::build(workspace)?;
    process::heading("extension");
    dist::write(workspace)
}
