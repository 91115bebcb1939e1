//! Whether every link between a browser and a device holds, and what to do where one does not.

mod authority;
mod connection;
mod extension;
mod files;
mod gateway;
mod mend;
mod names;
mod program;
mod registration;
mod store;

use std::time::SystemTime;

use housekey_core::checkup::{Check, Checkup, Found, Trouble};

use crate::chain::timestamp;
use crate::install::{Record, RecordError};
use crate::paths::{Paths, shown};
use crate::platform::Platform;

pub use mend::tighten;

/// Who looks: what there is to see differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looker {
    /// A helper that a browser runs, and the port of its gateway, if that is open.
    Helper(Option<u16>),
    /// A person at a terminal.
    Person,
}

/// Checks every link. Nothing is changed, and nothing outside this computer is asked.
///
/// It takes a second or two, and blocks.
#[must_use]
pub fn examine(platform: &dyn Platform, paths: &Paths, looker: Looker, now: SystemTime) -> Checkup {
    let mut checks = vec![program::check(platform, paths, looker), files::check(paths)];
    let record = match Record::load(paths) {
        Ok(record) => record,
        Err(error) => {
            let place = paths.install_record();
            let check = Check::new(Found::FilesUnusable).at(&shown(&place));
            checks.push(check.because(match &error {
                RecordError::Damaged(_) => Trouble::Altered.into(),
                RecordError::Paths(error) => files::why(error),
            }));
            Record::default()
        }
    };
    let survey = platform.survey(&record.explicit()).unwrap_or_default();
    checks.extend(registration::check(platform, paths, &survey));
    checks.extend(extension::check(&survey));
    checks.extend(authority::check(paths, &record, &survey, now));
    checks.push(gateway::check(platform, paths, looker));
    checks.push(Check::new(Found::ProxyUnknown));
    let (store, latest) = store::check(paths);
    checks.push(store);
    checks.push(store::clock(paths, latest, now));
    checks.push(names::check());
    checks.push(connection::check(paths, now));
    Checkup::new(timestamp(now), checks)
}
