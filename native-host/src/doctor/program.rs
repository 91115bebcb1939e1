//! Whether the program that browsers start is there, this user's alone, and as new as it can be.

use std::cmp::Ordering;
use std::env;
use std::fs;
use std::path::Path;

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
        Looker::Person => {
            let version = version_of(&program);
            let age = version.map(|version| compare_versions(&version, VERSION));
            check(match age {
                Some(Ordering::Less) => Found::ProgramOutdated,
                // The one before looks at what it has just put into its own place.
                Some(Ordering::Greater) if is_packaged(platform, &program) => Found::ProgramGood,
                _ => Found::ProgramOther,
            })
        }
    }
}

fn is_packaged(platform: &dyn Platform, program: &Path) -> bool {
    let packaged = platform.packaged_program();
    packaged.is_some_and(|packaged| is_same_program(&packaged, program))
}
