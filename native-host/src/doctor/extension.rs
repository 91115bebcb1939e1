//! Whether the browsers have the extension, and of which version, as far as their files tell.
//!
//! The files are the browsers' own, read and never written. What they do not tell, such as an
//! extension that was loaded until the browser ends, is no fault.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use housekey_core::checkup::{Check, Found, Whose, compare_versions};
use serde_json::Value;

use crate::browsers::{CHROMIUM, Survey};
use crate::extension_id;
use crate::paths::shown;

pub(super) fn check(survey: &Survey) -> Vec<Check> {
    let firefox = (survey.databases.iter()).filter(|database| database.is_profile);
    let firefox = firefox.filter_map(|database| {
        let installed = in_firefox(&read(&database.directory.join("extensions.json"))?)?;
        Some(installed.check(database.whose.clone()))
    });
    let chromium = survey.user_data.iter().flat_map(|(whose, directory)| {
        profiles_of_chromium(directory)
            .into_iter()
            .filter_map(move |name| {
                let profile = directory.join(&name);
                let installed = ["Secure Preferences", "Preferences"]
                    .iter()
                    .find_map(|file| in_chromium(&read(&profile.join(file))?, &profile))?;
                Some(installed.check(match whose {
                    Whose::Browser { name: browser } => Whose::profile(browser.as_str(), &name),
                    _ => Whose::elsewhere(CHROMIUM, &shown(&profile)),
                }))
            })
    });
    let mut checks: Vec<Check> = firefox.chain(chromium).collect();
    if checks.is_empty() {
        checks.push(Check::new(Found::ExtensionMissing));
    }
    checks
}

struct Installed {
    version: String,
    is_on: bool,
}

impl Installed {
    fn check(&self, whose: Whose) -> Check {
        let found = match compare_versions(&self.version, env!("CARGO_PKG_VERSION")) {
            _ if !self.is_on => Found::ExtensionOff,
            Ordering::Equal => Found::ExtensionGood,
            Ordering::Greater => Found::ExtensionNewer,
            Ordering::Less => Found::ExtensionOlder,
        };
        Check::new(found).of(whose).at(&self.version)
    }
}

/// What `extensions.json` of a Firefox profile says.
fn in_firefox(extensions: &Value) -> Option<Installed> {
    let addons = extensions["addons"].as_array()?;
    let ours = addons
        .iter()
        .find(|addon| addon["id"] == extension_id::FIREFOX)?;
    Some(Installed {
        version: ours["version"].as_str()?.to_owned(),
        is_on: ours["active"].as_bool().unwrap_or(true),
    })
}

/// What the preferences of a Chromium profile say. Of an extension that is loaded from a directory
/// they hold only where that is.
fn in_chromium(preferences: &Value, profile: &Path) -> Option<Installed> {
    let ours = &preferences["extensions"]["settings"][extension_id::CHROME];
    let version = |manifest: &Value| manifest["version"].as_str().map(str::to_owned);
    let version = version(&ours["manifest"]).or_else(|| {
        let directory = profile.join("Extensions").join(ours["path"].as_str()?);
        version(&read(&directory.join("manifest.json"))?)
    })?;
    let reasons = &ours["disable_reasons"];
    let is_off = ours["state"] == 0
        || reasons
            .as_array()
            .is_some_and(|reasons| !reasons.is_empty())
        || reasons.as_u64().is_some_and(|reasons| reasons != 0);
    Some(Installed {
        version,
        is_on: !is_off,
    })
}

fn profiles_of_chromium(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_profile = |name: &String| name == "Default" || name.starts_with("Profile ");
    names.filter(is_profile).take(MAX_PROFILES).collect()
}

/// A file of JSON, if it is a file and no longer than such files are.
fn read(file: &Path) -> Option<Value> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let file = File::open(file).ok()?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Preferences of a full browser are a few megabytes.
const MAX_BYTES: u64 = 33_554_432;
const MAX_PROFILES: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(installed: Option<Installed>) -> Option<Found> {
        installed.map(|installed| installed.check(Whose::Chromiums).found)
    }

    #[test]
    fn browsers_files_tell_the_version() {
        let firefox = |version, active| {
            found(in_firefox(&json!({ "addons": [
                { "id": "another@example.org", "version": "9" },
                { "id": extension_id::FIREFOX, "version": version, "active": active },
            ]})))
        };
        let this = env!("CARGO_PKG_VERSION");
        assert_eq!(firefox(this, true), Some(Found::ExtensionGood));
        assert_eq!(firefox(this, false), Some(Found::ExtensionOff));
        assert_eq!(firefox("99.0", true), Some(Found::ExtensionNewer));
        assert_eq!(firefox("0.0.1", true), Some(Found::ExtensionOlder));

        let home = tempfile::tempdir().unwrap();
        let chromium = |ours: Value| {
            let settings = json!({ "extensions": { "settings": { extension_id::CHROME: ours } } });
            found(in_chromium(&settings, home.path()))
        };
        let manifest = json!({ "version": this });
        assert_eq!(
            chromium(json!({ "manifest": manifest, "state": 1 })),
            Some(Found::ExtensionGood)
        );
        assert_eq!(
            chromium(json!({ "manifest": manifest, "disable_reasons": [1] })),
            Some(Found::ExtensionOff)
        );
        fs::write(home.path().join("manifest.json"), manifest.to_string()).unwrap();
        let place = home.path().to_str().unwrap();
        assert_eq!(
            chromium(json!({ "path": place })),
            Some(Found::ExtensionGood)
        );
        assert_eq!(chromium(json!({ "path": 7 })), None);
        assert_eq!(found(in_firefox(&json!({ "addons": 7 }))), None);
    }
}
