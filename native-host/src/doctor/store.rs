//! Whether the list of devices is sound, and whether the clock went back since.

use std::fs;
use std::time::SystemTime;

use housekey_core::checkup::{Check, Found, Why};
use housekey_core::time::Timestamp;

use super::files::why;
use crate::chain::timestamp;
use crate::paths::Paths;
use crate::store::{Glance, Store, StoreError};

/// Whether the list of devices is sound, and when something last happened in it.
pub(super) fn check(paths: &Paths) -> (Check, Option<Timestamp>) {
    match Store::glance(paths) {
        Ok(Glance { devices: 0, latest }) => (Check::new(Found::StoreNone), latest),
        Ok(Glance { devices, latest }) => {
            let check = Check::new(Found::StoreGood).at(&devices.to_string());
            (check, latest)
        }
        Err(error) => {
            let found = match &error {
                StoreError::Damaged | StoreError::Directory(_) => Found::StoreDamaged,
                StoreError::Gone | StoreError::Older { .. } | StoreError::Other => {
                    Found::StoreReplaced
                }
                StoreError::TooNew => Found::StoreTooNew,
                StoreError::Io(_) | StoreError::Paths(_) | StoreError::Sqlite(_) => {
                    Found::StoreUnusable
                }
            };
            let check = Check::new(found);
            let check = match &error {
                StoreError::Io(error) => check.because(Why::system(error)),
                StoreError::Paths(error) => check.because(why(error)),
                StoreError::Sqlite(error) => check.because(Why::system(error)),
                // These say it themselves.
                StoreError::Damaged
                | StoreError::Directory(_)
                | StoreError::Gone
                | StoreError::Older { .. }
                | StoreError::Other
                | StoreError::TooNew => check,
            };
            (check, None)
        }
    }
}

/// Time does not run backwards: what was written down, was written down before now.
pub(super) fn clock(paths: &Paths, latest: Option<Timestamp>, now: SystemTime) -> Check {
    let written = fs::metadata(paths.root_certificate()).and_then(|metadata| metadata.modified());
    let written = written.ok().map(timestamp);
    match latest.max(written) {
        Some(then) if then > timestamp(now).plus_days(1) => Check::new(Found::ClockBack),
        _ => Check::new(Found::ClockGood),
    }
}
