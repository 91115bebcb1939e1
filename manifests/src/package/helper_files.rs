//! The helper as it lies in a package: program, manual, completions, licences.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::libraries::{self, Libraries};
use super::notices;
use crate::archive::{TarFile, TarFiles, gzip};
use crate::dist;
use crate::process;
use crate::workspace::Workspace;

/// What every package of the helper is made from.
pub(crate) struct HelperFiles {
    pub(crate) program: Vec<u8>,
    /// By the name of the file: `housekey.1`, `housekey-install.1`.
    manual: Vec<(String, Vec<u8>)>,
    bash: Vec<u8>,
    fish: Vec<u8>,
    zsh: Vec<u8>,
    /// By the name of the file.
    documents: Vec<(&'static str, Vec<u8>)>,
}

impl HelperFiles {
    /// Asks the program for its manual, and collects the rest.
    ///
    /// # Errors
    ///
    /// When the program does not run here, or a file can't be read.
    pub(crate) fn collect(
        workspace: &Workspace,
        program: &Path,
        libraries: &Libraries,
    ) -> Result<Self> {
        let written = workspace.target().join("package").join("manual");
        if written.exists() {
            fs::remove_dir_all(&written)?;
        }
        process::run(Command::new(program).arg("manual").arg(&written))?;
        let mut files = dist::read(&written)?;
        let mut take = |name: &str| {
            let found = files.remove(&format!("completions/{name}"));
            found.with_context(|| format!("the helper wrote no {name}"))
        };
        let (bash, fish, zsh) = (
            take("housekey.bash")?,
            take("housekey.fish")?,
            take("_housekey")?,
        );
        let pages = files
            .into_iter()
            .filter_map(|(path, page)| Some((path.strip_prefix("man1/")?.to_owned(), page)));
        let read = |name: &str| {
            let file = workspace.root().join(name);
            fs::read(file).with_context(|| format!("can't read {name}"))
        };
        Ok(Self {
            program: fs::read(program)?,
            manual: pages.collect(),
            bash,
            fish,
            zsh,
            documents: vec![
                ("LICENSE-APACHE", read("LICENSE-APACHE")?),
                ("LICENSE-MIT", read("LICENSE-MIT")?),
                ("README.md", read("README.md")?),
                ("SECURITY.md", read("SECURITY.md")?),
                (
                    NOTICES,
                    notices::write(libraries, libraries::HELPER)?.into(),
                ),
            ],
        })
    }

    /// Below a directory of its own, as it is unpacked anywhere.
    ///
    /// # Errors
    ///
    /// When it can't be compressed.
    pub(crate) fn below(&self, top: &str, changelog: &[u8]) -> Result<TarFiles> {
        let mut files = self.laid_out(&format!("{top}/"), "share/zsh/site-functions")?;
        let documents = format!("{top}/share/doc/housekey");
        for (name, content) in &self.documents {
            files.insert(
                format!("{documents}/{name}"),
                TarFile::plain(content.clone()),
            );
        }
        files.insert(
            format!("{documents}/CHANGELOG.md"),
            TarFile::plain(changelog),
        );
        files.insert(format!("{top}/INSTALL.md"), TarFile::plain(INSTALL));
        Ok(files)
    }

    /// Below `usr/`, as Debian's policy has it.
    ///
    /// # Errors
    ///
    /// When it can't be compressed.
    pub(crate) fn below_usr(&self) -> Result<TarFiles> {
        let mut files = self.laid_out("usr/", "share/zsh/vendor-completions")?;
        for (name, content) in &self.documents {
            // Debian has the Apache licence on every computer, and `copyright` for the others.
            if !name.starts_with("LICENSE") {
                let path = format!("usr/share/doc/housekey/{name}.gz");
                files.insert(path, TarFile::plain(gzip(content)?));
            }
        }
        Ok(files)
    }

    fn laid_out(&self, prefix: &str, zsh: &str) -> Result<TarFiles> {
        let mut files = TarFiles::new();
        let mut put = |path: &str, file| files.insert(format!("{prefix}{path}"), file);
        put("bin/housekey", TarFile::program(self.program.clone()));
        for (name, page) in &self.manual {
            put(
                &format!("share/man/man1/{name}.gz"),
                TarFile::plain(gzip(page)?),
            );
        }
        let plain = |content: &[u8]| TarFile::plain(content);
        put(
            "share/bash-completion/completions/housekey",
            plain(&self.bash),
        );
        put(
            "share/fish/vendor_completions.d/housekey.fish",
            plain(&self.fish),
        );
        put(&format!("{zsh}/_housekey"), plain(&self.zsh));
        Ok(files)
    }
}

/// The file that says what Housekey owes to others.
pub(crate) const NOTICES: &str = "THIRD-PARTY.txt";

const INSTALL: &str = include_str!("../../package/install.md");
