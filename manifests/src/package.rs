//! `cargo xtask package`: everything that is handed out, the same bytes each time.

mod clean_root;
mod date;
mod deb;
mod helper_files;
mod libraries;
mod notices;
mod release_notes;
mod sbom;
mod source;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use self::date::SourceDate;
use self::helper_files::{HelperFiles, NOTICES};
use self::libraries::{EXTENSION, Libraries};
use crate::archive::{self, Files, TarFiles};
use crate::browser::Browser;
use crate::dist;
use crate::helper;
use crate::manifest;
use crate::need::Need;
use crate::process;
use crate::workspace::Workspace;

/// Makes everything that is handed out, into dist/packages
#[derive(Debug, Args)]
pub(crate) struct Package {
    /// Then builds the source archive in another directory, and compares every byte; holds the
    /// Debian package against Debian's policy; installs, uses and purges it in a clean root
    #[arg(long)]
    check: bool,
    /// Check what was packed last
    #[arg(long, requires = "check")]
    pub(crate) as_built: bool,
    /// Of the checks, make these only
    #[arg(long, value_enum, value_delimiter = ',', requires = "check")]
    only: Vec<Check>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// The source archive is built in another directory
    Build,
    /// The Debian package is held against Debian's policy
    Lintian,
    /// The Debian package is installed, used and purged in a clean root
    Root,
}

impl Package {
    /// What must be installed for it.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let mut needs = vec![Need::WasmTarget];
        needs.extend(self.checks(Check::Lintian).then_some(Need::Lintian));
        if self.checks(Check::Root) {
            needs.extend([Need::Debootstrap, Need::Iproute2]);
        }
        needs
    }

    /// Packs; the extension is built.
    ///
    /// # Errors
    ///
    /// When something can't be built or packed, or a check finds something.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        let directory = directory(workspace);
        let packages = if self.as_built {
            dist::read(&directory)?
        } else {
            make(workspace)?
        };
        dist::mirror(&packages, &directory)?;
        process::heading("packages");
        for (name, content) in &packages {
            println!(
                "{}  {}",
                directory.join(name).display(),
                dist::bytes(content.len() as u64)
            );
        }
        if self.checks(Check::Lintian) {
            process::heading("Debian's policy");
            let package = directory.join(deb::name()?);
            process::run(
                Command::new("lintian")
                    .args(["--fail-on", "error"])
                    .arg(package),
            )?;
        }
        if self.checks(Check::Root) {
            clean_root::check(workspace, &directory.join(deb::name()?))?;
        }
        if self.checks(Check::Build) {
            build_again(workspace, &packages)?;
        }
        Ok(())
    }

    fn checks(&self, check: Check) -> bool {
        self.check && (self.only.is_empty() || self.only.contains(&check))
    }
}

/// Every package by its name, and the checksums of all.
fn make(workspace: &Workspace) -> Result<Files> {
    process::heading("helper, for others");
    let program = helper::build_for_others(workspace)?;
    process::heading("packing");
    source::remark_changes(workspace)?;
    let date = SourceDate::of(workspace)?;
    let compiler = process::output(Command::new("rustc").arg("--version"))?;
    let libraries = Libraries::of(workspace)?;
    let version = Workspace::VERSION;
    let mut packages = Files::new();

    for browser in Browser::ALL {
        let mut files = dist::extension(workspace, browser)?;
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            files.insert(licence.into(), fs::read(workspace.root().join(licence))?);
        }
        files.insert(
            NOTICES.into(),
            notices::write(&libraries, EXTENSION)?.into(),
        );
        packages.insert(browser.archive_name(), archive::pack(&files)?);
        if browser == Browser::Chromium {
            manifest::prepare_for_store(&mut files)?;
            let name = browser.archive_name().replace("chrome-", "chrome-store-");
            packages.insert(name, archive::pack(&files)?);
        }
    }

    let changelog = fs::read_to_string(workspace.root().join("CHANGELOG.md"))?;
    let helper = HelperFiles::collect(workspace, &program, &libraries)?;
    let deb = deb::pack(&helper, changelog.as_bytes(), date)?;
    packages.insert(deb::name()?, deb);
    let name = format!("housekey-{version}-{}-linux", std::env::consts::ARCH);
    let files = helper.below(&name, changelog.as_bytes())?;
    let tar = archive::pack_tar(&files, date.seconds())?;
    packages.insert(format!("{name}.tar.gz"), tar);

    let source = source::files(workspace, date, &compiler)?;
    let below = source
        .into_iter()
        .map(|(path, file)| (format!("housekey-{version}/{path}"), file));
    let tar = archive::pack_tar(&below.collect::<TarFiles>(), date.seconds())?;
    packages.insert(source_archive(), tar);
    let sbom = sbom::write(&libraries, date, &compiler)?;
    packages.insert(format!("housekey-{version}.cdx.json"), sbom.into());
    let notes = release_notes::cut(&changelog, version)?;
    packages.insert("RELEASE-NOTES.md".into(), notes.into());

    let sums: String = packages
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", HEXLOWER.encode(&Sha256::digest(content))))
        .collect();
    packages.insert("SHA256SUMS".into(), sums.into());
    Ok(packages)
}

/// Builds what the source archive holds, elsewhere, and compares every byte.
fn build_again(workspace: &Workspace, packages: &Files) -> Result<()> {
    process::heading("the source archive, built elsewhere");
    let elsewhere = workspace.target().join("package").join("elsewhere");
    if elsewhere.exists() {
        fs::remove_dir_all(&elsewhere)?;
    }
    let source = packages
        .get(&source_archive())
        .context("there is no source archive")?;
    tar::Archive::new(GzDecoder::new(&source[..])).unpack(&elsewhere)?;
    let root = elsewhere.join(format!("housekey-{}", Workspace::VERSION));
    let mut cargo = process::cargo(workspace);
    cargo.args(["xtask", "package"]).current_dir(&root);
    cargo
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_MANIFEST_DIR");
    cargo.env(
        date::VARIABLE,
        SourceDate::of(workspace)?.seconds().to_string(),
    );
    process::run(&mut cargo)?;

    let again = dist::read(&root.join("dist").join("packages"))?;
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    ensure!(
        names(&again) == names(packages),
        "other packages came out: {:?}",
        names(&again)
    );
    let differ: Vec<_> = again
        .iter()
        .filter(|(name, content)| packages.get(*name) != Some(content))
        .map(|(name, _)| name.as_str())
        .collect();
    ensure!(
        differ.is_empty(),
        "not the same bytes: {}; what was built elsewhere is in {}",
        differ.join(", "),
        root.display()
    );
    println!("every byte of {} packages is the same", again.len());
    Ok(fs::remove_dir_all(&elsewhere)?)
}

fn directory(workspace: &Workspace) -> PathBuf {
    workspace.dist().join("packages")
}

fn source_archive() -> String {
    format!("housekey-{}-source.tar.gz", Workspace::VERSION)
}
