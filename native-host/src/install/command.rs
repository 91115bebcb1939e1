//! The link that makes the helper a command of the person's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::paths;
use crate::platform::{Platform, files, on_path};

/// What is known of the command `housekey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A package brought it, or the person did.
    Brought,
    /// There is none, and a link here would make one.
    Missing(PathBuf),
    /// The system has no place for a link, or something else is there.
    None,
    /// A link of ours makes it one.
    Ours(PathBuf),
}

impl Command {
    /// Looks for it.
    #[must_use]
    pub fn survey(platform: &dyn Platform, program: &Path) -> Self {
        let Some(link) = platform.command_place() else {
            return Self::None;
        };
        match fs::symlink_metadata(&link) {
            Ok(_) if leads_to(&link, program) => Self::Ours(link),
            _ if on_path(platform.program_name()).is_some() => Self::Brought,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing(link),
            _ => Self::None,
        }
    }
}

/// Makes the link, and the directories that are missing on the way.
pub(super) fn link(link: &Path, program: &Path) -> io::Result<()> {
    link.parent().map_or(Ok(()), paths::create_directories)?;
    files::link(link, program)
}

/// Whether a link leads to this program, be it there or not.
pub(crate) fn leads_to(link: &Path, program: &Path) -> bool {
    fs::read_link(link).is_ok_and(|it| it == program)
}
