//! The one date that everything handed out carries.

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::process;
use crate::workspace::Workspace;

/// When the source was last changed, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceDate(u64);

impl SourceDate {
    /// `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>), else the
    /// date of the last commit.
    ///
    /// # Errors
    ///
    /// When neither is there.
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let said = match env::var(VARIABLE) {
            Ok(said) => said,
            Err(_) => process::output(
                Command::new("git")
                    .args(["log", "--max-count=1", "--format=%ct"])
                    .current_dir(workspace.root()),
            )
            .with_context(|| format!("this is no git repository; set {VARIABLE}"))?,
        };
        let seconds = said.trim().parse();
        Ok(Self(seconds.with_context(|| {
            format!("{VARIABLE} is no number: {said}")
        })?))
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(self) -> u64 {
        self.0
    }

    /// Such as `2026-11-22T10:00:00Z`.
    pub(crate) fn rfc3339(self) -> Result<String> {
        Ok(self.time()?.format(&Rfc3339)?)
    }

    /// As Debian's changelogs write it (deb-changelog(5)).
    pub(crate) fn debian(self) -> Result<String> {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] +0000"
        );
        Ok(self.time()?.format(format)?)
    }

    fn time(self) -> Result<OffsetDateTime> {
        Ok(OffsetDateTime::from_unix_timestamp(self.0.try_into()?)?)
    }
}

/// Its name in the environment.
pub(crate) const VARIABLE: &str = "SOURCE_DATE_EPOCH";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_each_format_wants_them() {
        let date = SourceDate(1_700_000_000);
        assert_eq!(date.rfc3339().unwrap(), "2023-11-14T22:13:20Z");
        assert_eq!(date.debian().unwrap(), "Tue, 14 Nov 2023 22:13:20 +0000");
        assert!(SourceDate(u64::MAX).rfc3339().is_err());
    }
}
