//! The gallery: a picture of every state of every page.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::browser::Browser;
use crate::checks;
use crate::process;
use crate::workspace::Workspace;

/// What to take pictures of.
#[derive(Debug, Args)]
pub(crate) struct Gallery {
    /// Where to leave the pictures and index.html
    #[arg(long, value_name = "DIR")]
    out: OsString,
    /// Only states whose name, such as trust/changed, contains this
    #[arg(long, value_name = "PATTERN")]
    only: Option<OsString>,
    /// Only in this browser
    #[arg(long, value_enum)]
    browser: Option<Browser>,
    /// Only in this language: en, de, long or rtl
    #[arg(long)]
    language: Vec<String>,
    /// Only in these colours: light or dark
    #[arg(long)]
    scheme: Vec<String>,
    /// Take what was built last
    #[arg(long)]
    pub(crate) as_built: bool,
}

impl Gallery {
    /// The browsers that it takes.
    pub(crate) fn browsers(&self) -> Vec<Browser> {
        self.browser
            .map_or_else(|| Browser::ALL.to_vec(), |browser| vec![browser])
    }

    /// Takes the pictures, and fails where a page does not hold what it must.
    ///
    /// # Errors
    ///
    /// When something was found, or a browser fails.
    pub(crate) fn show(&self, workspace: &Workspace) -> Result<()> {
        process::heading("gallery");
        let mut cargo = checks::with_what_was_built(workspace);
        cargo.args(["run", "--quiet", "--locked", "--package", "housekey-tests"]);
        // The person means their own directory, the gallery runs in the repository's.
        let out = std::path::absolute(&self.out)?;
        cargo.args(["--bin", "gallery", "--", "--out"]).arg(out);
        if let Some(pattern) = &self.only {
            cargo.arg("--only").arg(pattern);
        }
        if let Some(browser) = self.browser {
            cargo.args(["--browser", browser.argument()]);
        }
        for language in &self.language {
            cargo.args(["--language", language]);
        }
        for scheme in &self.scheme {
            cargo.args(["--scheme", scheme]);
        }
        process::run(&mut cargo)
    }
}

/// Brings what the extension's checks need from npm: its type checker, and axe-core.
///
/// # Errors
///
/// When npm fails.
pub(crate) fn bring_packages(workspace: &Workspace) -> Result<()> {
    let npm = ["ci", "--no-audit", "--no-fund"];
    process::run(
        Command::new("npm")
            .args(npm)
            .current_dir(workspace.extension()),
    )
}

/// The same, unless they are there.
///
/// # Errors
///
/// When npm fails.
pub(crate) fn bring_missing_packages(workspace: &Workspace) -> Result<()> {
    let axe = workspace.extension().join("node_modules/axe-core");
    if axe.is_dir() {
        return Ok(());
    }
    bring_packages(workspace)
}
