//! Whether each browser knows where the helper is, and lets this extension alone start it.

use std::fs;

use housekey_core::checkup::{Check, Found, Whose};
use serde_json::Value;

use crate::browsers::{CHROMIUM, HostPlace, Peculiarity, Survey};
use crate::extension_id;
use crate::install::chrome_origin;
use crate::paths::{Paths, shown};

pub(super) fn check(paths: &Paths, survey: &Survey) -> Vec<Check> {
    let mut checks: Vec<Check> = survey.hosts.iter().map(|host| one(paths, host)).collect();
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

fn one(paths: &Paths, host: &HostPlace) -> Check {
    let check = |found| {
        let whose = match &host.data {
            Some(directory) => Whose::elsewhere(CHROMIUM, &shown(directory)),
            None => Whose::browser(&host.browser),
        };
        Check::new(found).of(whose).at(&shown(&host.manifest))
    };
    if !host.manifest.exists() {
        return check(Found::RegistrationMissing);
    }
    if host.is_open_to_others() {
        return check(Found::RegistrationOpen);
    }
    if host.is_right(&paths.installed_binary()) {
        return check(Found::RegistrationGood);
    }
    match lets_strangers_in(host) {
        true => check(Found::RegistrationStranger),
        false => check(Found::RegistrationWrong),
    }
}

/// Whether the manifest names an extension that is not Housekey's.
fn lets_strangers_in(host: &HostPlace) -> bool {
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
