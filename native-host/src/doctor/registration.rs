//! Whether each browser knows where the helper is, and lets this extension alone start it.

use std::fs;

use housekey_core::checkup::{Check, Found, Whose};
use serde_json::Value;

use crate::browsers::{Peculiarity, Place, Survey};
use crate::extension_id;
use crate::install::chrome_origin;
use crate::paths::Paths;
use crate::platform::Platform;

pub(super) fn check(platform: &dyn Platform, paths: &Paths, survey: &Survey) -> Vec<Check> {
    let hosts = survey.hosts.iter();
    let mut checks: Vec<Check> = hosts.map(|host| one(platform, paths, host)).collect();
    let remarks = survey.remarks.iter().map(|remark| {
        let found = match remark.what {
            Peculiarity::Asks => Found::BrowserAsks,
            Peculiarity::NeedsProxy => Found::BrowserNeedsProxy,
            Peculiarity::NoProfile => Found::BrowserUnused,
            Peculiarity::Sandboxed => Found::BrowserSandboxed,
        };
        Check::new(found).of(Whose::browser(&remark.browser))
    });
    checks.extend(remarks);
    if survey.hosts.is_empty() {
        checks.push(Check::new(Found::BrowserNone));
    }
    checks
}

fn one(platform: &dyn Platform, paths: &Paths, host: &Place) -> Check {
    let check = |found| {
        let check = Check::new(found).of(host.whose());
        check.at(&host.shown())
    };
    if !host.manifest.exists() {
        return check(Found::RegistrationMissing);
    }
    if host.is_open_to_others(platform) {
        return check(Found::RegistrationOpen);
    }
    if host.is_right(platform, &paths.installed_binary()) {
        return check(Found::RegistrationGood);
    }
    match lets_strangers_in(host) {
        true => check(Found::RegistrationStranger),
        false => check(Found::RegistrationWrong),
    }
}

/// Whether the manifest names an extension that is not Housekey's.
fn lets_strangers_in(host: &Place) -> bool {
    let written = fs::read(&host.manifest).ok();
    let manifest = written.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let ours = [Value::from(chrome_origin()), extension_id::FIREFOX.into()];
    let allowed = manifest.iter().flat_map(|manifest| {
        let lists = ["allowed_origins", "allowed_extensions"];
        lists
            .into_iter()
            .filter_map(|list| manifest[list].as_array())
    });
    allowed.flatten().any(|id| !ours.contains(id))
}
