//! The installer's single steps.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use anyhow::Context as _;

use super::{Record, command};
use crate::authority::Authority;
use crate::browsers::Place;
use crate::paths::{self, Paths, shown};
use crate::platform::Platform;
use crate::renewal;
use crate::trust_store::{Entry, TrustStore};

/// Something that the installer does. Its text says what, for people.
#[derive(Debug)]
pub enum Step {
    /// Copies this program to where browsers start it.
    CopyProgram {
        /// Where it is now.
        from: PathBuf,
        /// Where browsers start it.
        to: PathBuf,
    },
    /// Takes an authority of Housekey's out of a store: an old one, or one that is not trusted
    /// as it should be.
    Distrust(Rc<dyn TrustStore>, Entry),
    /// Makes the helper a command, by a link here.
    Link(PathBuf),
    /// Makes a new authority in place of what is there.
    MakeAuthority {
        /// Why one is needed.
        why: String,
    },
    /// Tells a browser where the helper is.
    Register(Place),
    /// Adds the authority to a store.
    Trust(Rc<dyn TrustStore>),
}

impl Step {
    /// The files that it writes or removes.
    pub(super) fn files(&self, paths: &Paths) -> Vec<PathBuf> {
        match self {
            Self::CopyProgram { to, .. } => vec![to.clone()],
            Self::Distrust(store, _) | Self::Trust(store) => store.files(),
            Self::Link(link) => vec![link.clone()],
            Self::MakeAuthority { .. } => vec![
                paths.root_certificate(),
                paths.issuer_certificate(),
                paths.issuer_key(),
            ],
            Self::Register(host) => vec![host.manifest.clone()],
        }
    }

    pub(super) fn execute(
        &self,
        platform: &dyn Platform,
        paths: &Paths,
        record: &Record,
        now: SystemTime,
    ) -> anyhow::Result<()> {
        match self {
            Self::CopyProgram { from, to } => copy_program(from, to)?,
            Self::Distrust(store, entry) => store.remove(entry)?,
            Self::Link(link) => command::link(link, &paths.installed_binary())?,
            Self::MakeAuthority { .. } => {
                let local_names: Vec<String> = record.local_names.iter().cloned().collect();
                Authority::destroy(paths)?;
                renewal::forget(paths)?;
                Authority::create(paths, &local_names, now)?;
            }
            Self::Register(host) => host.register(platform, &paths.installed_binary())?,
            Self::Trust(store) => store.add(Authority::load(paths, now)?.root())?,
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CopyProgram { to, .. } => write!(f, "copy the helper to {}", shown(to)),
            Self::Distrust(store, entry) => {
                write!(f, "take the old “{}” out of {}", entry.name, store.title())
            }
            Self::Link(link) => write!(f, "make it a command, by a link at {}", shown(link)),
            Self::MakeAuthority { why } => write!(f, "make a local authority, for {why}"),
            Self::Register(host) => {
                write!(
                    f,
                    "tell {} where the helper is ({})",
                    host.browser,
                    host.shown()
                )
            }
            Self::Trust(store) => write!(f, "add the local authority to {}", store.title()),
        }
    }
}

fn copy_program(from: &Path, to: &Path) -> anyhow::Result<()> {
    let program = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    let directory = to.parent().context("the helper has no place to go")?;
    paths::create_private_directory(directory)?;
    paths::write_whole(to, &program, PROGRAM_MODE)?;
    Ok(())
}

const PROGRAM_MODE: u32 = 0o700;
