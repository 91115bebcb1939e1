//! Installing and taking out again, without any browser.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use housekey_tests::browser::{Account, Kind};
use housekey_tests::home::Authorities;
use housekey_tests::lan::Lan;

pub(crate) async fn uninstalling_leaves_nothing(lan: Lan) -> Result<()> {
    let account = Account::new(lan, &Authorities::generate()?)?;
    let before = State::of(&account)?;
    account.install_housekey()?;
    account.add_makers()?;
    let installed = State::of(&account)?;
    ensure!(
        installed.files.len() > before.files.len(),
        "nothing was installed"
    );
    for kind in [Kind::Chromium, Kind::Firefox] {
        let roots = |state: &State| state.roots.iter().filter(|(k, _)| *k == kind).count();
        ensure!(
            roots(&installed) > roots(&before),
            "{kind} does not trust the authority"
        );
    }
    // Twice is as good as once.
    account.install_housekey()?;
    ensure!(
        State::of(&account)? == installed,
        "installing again changed something"
    );

    account.housekey(["uninstall", "--yes"])?;
    let after = State::of(&account)?;
    ensure!(after == before, "{:#?}", after.difference(&before));
    Ok(())
}

/// What an installation may touch.
#[derive(Debug, PartialEq, Eq)]
struct State {
    files: BTreeSet<PathBuf>,
    roots: BTreeSet<(Kind, String)>,
}

impl State {
    fn of(account: &Account) -> Result<Self> {
        let mut files = BTreeSet::new();
        collect(account.directory(), &mut files)?;
        let mut roots = BTreeSet::new();
        for kind in [Kind::Chromium, Kind::Firefox] {
            roots.extend(account.trusted(kind)?.into_iter().map(|line| (kind, line)));
        }
        Ok(Self { files, roots })
    }

    fn difference<'a>(&'a self, other: &'a Self) -> impl std::fmt::Debug + 'a {
        let files: Vec<_> = self.files.symmetric_difference(&other.files).collect();
        let roots: Vec<_> = self.roots.symmetric_difference(&other.roots).collect();
        (files, roots)
    }
}

fn collect(directory: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}
