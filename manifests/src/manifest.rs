//! A browser's manifest: the base, with that browser's overlay laid over it.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::archive::Files;
use crate::browser::Browser;
use crate::workspace::Workspace;

/// The extension's manifest for one browser, as `manifest.json` holds it.
///
/// # Errors
///
/// When a part can't be read or is not a JSON object.
pub(crate) fn for_browser(workspace: &Workspace, browser: Browser) -> Result<Vec<u8>> {
    let mut manifest = part(workspace, "base")?;
    lay_over(&mut manifest, part(workspace, browser.manifest())?);
    manifest.insert("version".to_owned(), Workspace::VERSION.into());
    text(&manifest)
}

/// Takes out of the files of an extension what Chrome's store does not accept: the `key`, by which
/// an extension that is loaded unpacked has the id that the helper knows. The store has its own.
///
/// # Errors
///
/// When there is no manifest in them.
pub(crate) fn prepare_for_store(files: &mut Files) -> Result<()> {
    let manifest = files.get_mut(NAME).context("there is no manifest")?;
    let mut object: Map<String, Value> = serde_json::from_slice(manifest)?;
    object.remove("key");
    *manifest = text(&object)?;
    Ok(())
}

/// Every file of the extension that a manifest names.
///
/// # Errors
///
/// When it is not JSON.
pub(crate) fn named_files(manifest: &[u8]) -> Result<BTreeSet<String>> {
    let mut named = BTreeSet::new();
    collect_files(&serde_json::from_slice(manifest)?, &mut named);
    Ok(named)
}

fn text(manifest: &Map<String, Value>) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    Ok(text)
}

fn part(workspace: &Workspace, name: &str) -> Result<Map<String, Value>> {
    let path = workspace
        .extension_manifests()
        .join(name)
        .with_extension("json");
    let shown = path.display();
    let text = fs::read(&path).with_context(|| format!("can't read {shown}"))?;
    match serde_json::from_slice(&text).with_context(|| format!("{shown} is not JSON"))? {
        Value::Object(object) => Ok(object),
        _ => bail!("{shown} is not a JSON object"),
    }
}

fn collect_files(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_files(item, named)),
        Value::Object(members) => members.values().for_each(|item| collect_files(item, named)),
        Value::String(text) if FILES.iter().any(|ending| text.ends_with(ending)) => {
            named.insert(text.clone());
        }
        _ => {}
    }
}

/// The overlay wins; objects merge, everything else (arrays too) is replaced.
fn lay_over(base: &mut Map<String, Value>, overlay: Map<String, Value>) {
    for (name, above) in overlay {
        match (base.get_mut(&name), above) {
            (Some(Value::Object(below)), Value::Object(above)) => lay_over(below, above),
            (_, above) => {
                base.insert(name, above);
            }
        }
    }
}

/// The file's name in an extension.
pub(crate) const NAME: &str = "manifest.json";

/// What the names of files end in that a manifest can name.
const FILES: [&str; 4] = [".html", ".js", ".json", ".png"];

// The helper's own file, so that the two cannot come apart.
#[cfg(test)]
#[expect(
    unreachable_pub,
    reason = "in the helper it is a module of the library"
)]
#[path = "../../native-host/src/extension_id.rs"]
mod extension_id;

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn overlay_wins_objects_merge_and_arrays_are_replaced() {
        let mut base = object(json!({
            "background": { "type": "module", "scripts": ["base.js"] },
            "name": "base",
            "kept": 1,
            "permissions": ["storage", "tabs"],
        }));
        lay_over(
            &mut base,
            object(json!({
                "background": { "scripts": ["overlay.js"], "more": { "deep": true } },
                "name": "overlay",
                "permissions": ["proxy"],
            })),
        );
        let expected = json!({
            "background": { "type": "module", "scripts": ["overlay.js"], "more": { "deep": true } },
            "name": "overlay",
            "kept": 1,
            "permissions": ["proxy"],
        });
        assert_eq!(Value::Object(base), expected);
    }

    #[test]
    fn overlay_replaces_what_is_of_another_kind() {
        let mut base = object(json!({ "a": { "b": 1 }, "c": [1] }));
        lay_over(&mut base, object(json!({ "a": null, "c": { "d": 2 } })));
        assert_eq!(Value::Object(base), json!({ "a": null, "c": { "d": 2 } }));
    }

    #[test]
    fn files_are_found_wherever_a_manifest_names_them() {
        let manifest = json!({
            "action": { "default_icon": { "16": "icons/a.png" } },
            "background": { "scripts": ["b.js"] },
            "description": "no file",
        });
        let named = named_files(&serde_json::to_vec(&manifest).unwrap()).unwrap();
        assert_eq!(Vec::from_iter(named), ["b.js", "icons/a.png"]);
    }

    #[test]
    fn helper_knows_the_ids_of_the_manifests() {
        let key = merged(Browser::Chromium)["key"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            chrome_id(&BASE64.decode(key.as_bytes()).unwrap()),
            extension_id::CHROME
        );
        let gecko = &merged(Browser::Firefox)["browser_specific_settings"]["gecko"];
        assert_eq!(gecko["id"], extension_id::FIREFOX);
    }

    #[test]
    fn the_store_gets_everything_but_the_key() {
        let manifest = for_browser(&Workspace::here().unwrap(), Browser::Chromium).unwrap();
        let mut files = Files::from([(NAME.to_owned(), manifest)]);
        prepare_for_store(&mut files).unwrap();
        let prepared = object(serde_json::from_slice(&files[NAME]).unwrap());
        let mut expected = merged(Browser::Chromium);
        assert!(expected.remove("key").is_some());
        assert_eq!(prepared, expected);
    }

    #[test]
    fn chrome_id_is_derived_as_chrome_does() {
        // Chromium's own vectors: components/crx_file/id_util_unittest.cc
        assert_eq!(chrome_id(b"test"), "jpignaibiiemhngfjkcpokkamffknabf");
        assert_eq!(chrome_id(b"_"), "ncocknphbhhlhkikpnnlmbcnbgdempcd");
    }

    #[test]
    fn manifests_differ_only_in_what_one_browser_alone_knows() {
        let names = |browser| merged(browser).keys().cloned().collect::<BTreeSet<_>>();
        let (chromium, firefox) = (names(Browser::Chromium), names(Browser::Firefox));
        let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
            one.difference(other).cloned().collect()
        };
        assert_eq!(only(&chromium, &firefox), ["key", "minimum_chrome_version"]);
        assert_eq!(only(&firefox, &chromium), ["browser_specific_settings"]);

        let permissions = |browser| -> BTreeSet<String> {
            serde_json::from_value(merged(browser)["permissions"].clone()).unwrap()
        };
        let (chromium, firefox) = (
            permissions(Browser::Chromium),
            permissions(Browser::Firefox),
        );
        assert_eq!(only(&chromium, &firefox), ["webRequestAuthProvider"]);
        assert_eq!(only(&firefox, &chromium), ["webRequestBlocking"]);
    }

    #[test]
    fn nothing_of_the_extension_is_open_to_web_pages() {
        for browser in Browser::ALL {
            let manifest = merged(browser);
            for open in [
                "web_accessible_resources",
                "externally_connectable",
                "content_scripts",
            ] {
                assert!(!manifest.contains_key(open), "{open} in {browser:?}");
            }
        }
    }

    fn merged(browser: Browser) -> Map<String, Value> {
        let manifest = for_browser(&Workspace::here().unwrap(), browser).unwrap();
        object(serde_json::from_slice(&manifest).unwrap())
    }

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("not an object: {other}"),
        }
    }

    /// <https://developer.chrome.com/docs/extensions/reference/manifest/key>
    fn chrome_id(public_key: &[u8]) -> String {
        let digest = Sha256::digest(public_key);
        let nibbles = digest[..16]
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0x0f]);
        nibbles.map(|nibble| char::from(b'a' + nibble)).collect()
    }
}
