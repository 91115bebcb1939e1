//! Whether the program that browsers start is there, this user's alone, and as new as it can be.

use std::cmp::Ordering;
use std::env;
use std::fs;

use housekey_core::checkup::{Check, Found, compare_versions};

use super::Looker;
use crate::install::{VERSION, is_same_program, newer_package, version_of};
use crate::paths::{Paths, shown};
use crate::platform::{Platform, files, process};

pub(super) fn check(platform: &dyn Platform, paths: &Paths, looker: Looker) -> Check {
    let program = paths.installed_binary();
    let check = |found| Check::new(found).at(&shown(&program));
    if fs::symlink_metadata(&program).is_err() {
        return check(Found::ProgramMissing);
    }
    if !files::is_owners_program(&program) {
        return check(Found::ProgramUnsafe);
    }
    let this = match looker {
        Looker::Helper(_) => process::this_program(),
        Looker::Person => env::current_exe().unwrap_or_default(),
    };
    if is_same_program(&this, &program) {
        return match newer_package(platform) {
            Some(_) => check(Found::ProgramOutdated),
            None => check(Found::ProgramGood),
        };
    }
    match looker {
        Looker::Helper(_) => check(Found::ProgramReplaced),
        Looker::Person => match version_of(&program) {
            Some(version) if compare_versions(&version, VERSION) == Ordering::Less => {
                check(Found::ProgramOutdated)
            }
            _ => check(Found::ProgramOther),
        },
    }
}
