//! Every code has its words, in every language, and no words are left over.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use housekey_core::chain::{Flaw, LegacyVersion};
use housekey_core::checkup::{Fix, Found, Link, Trouble, Whose};
use housekey_core::decision::{Failure, Rule};
use housekey_core::effect::{Badge, HelperStatus};
use housekey_core::error::ErrorCode;
use housekey_core::maker::DeviceIdRule;
use housekey_core::meeting::MeetingStep;
use housekey_core::proxy::ProxyHolder;
use housekey_core::view::{Likely, Situation};
use serde::Serialize;
use serde_json::Value;

/// What every code needs, whoever shows it.
#[test]
fn every_code_has_a_text_in_every_locale() {
    let mut keys = BTreeSet::new();
    let mut need = |prefix: &str, codes: Vec<String>| {
        keys.extend(codes.iter().map(|code| format!("{prefix}_{code}")));
    };
    need("error", codes(ErrorCode::ALL));
    need("hint", codes(ErrorCode::ALL));
    need("flaw", codes(Flaw::ALL));
    need("flaw_hint", codes(Flaw::ALL));
    need("failure", codes(Failure::ALL));
    need("failure_hint", codes(Failure::ALL));
    need("helper", codes(HelperStatus::ALL));
    need("helper_hint", codes(HelperStatus::ALL));
    need("no_helper", codes(HelperStatus::ALL));
    need("no_helper_hint", codes(HelperStatus::ALL));
    need("proxy_why", codes(ProxyHolder::ALL));
    need("proxy_advice", codes(ProxyHolder::ALL));
    need("likely", codes(Likely::ALL));
    need("forbidden_lead", codes(Rule::ALL));
    need("meeting", codes(MeetingStep::ALL));
    need("badge", codes(Badge::ALL));
    need("outdated", codes(LegacyVersion::ALL));
    need("makers_rule", codes(DeviceIdRule::ALL));
    need(
        "check",
        Found::ALL.iter().flat_map(|it| codes([it])).collect(),
    );
    need("check_fix", codes(Fix::ALL));
    need("check_link", codes(Link::ALL));
    need("check_whose", Whose::CODES.map(str::to_owned).into());
    need("check_why", codes(Trouble::ALL));
    let english = locale("en");
    for key in &keys {
        assert!(english.contains_key(key), "en has no {key}");
    }
    let locales = fs::read_dir(root().join("extension/_locales")).unwrap();
    for directory in locales {
        let name = directory.unwrap().file_name().into_string().unwrap();
        let other = locale(&name);
        let lacks = |these: &BTreeMap<String, String>, those: &BTreeMap<String, String>| {
            let keys = these.keys().filter(|key| !those.contains_key(*key));
            keys.cloned().collect::<Vec<_>>()
        };
        let (missing, surplus) = (lacks(&english, &other), lacks(&other, &english));
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{name}: -{missing:?} +{surplus:?}"
        );
        for (key, message) in &other {
            assert_eq!(
                placeholders(message),
                placeholders(&english[key]),
                "{name}/{key} has other placeholders than English"
            );
        }
    }
}

#[test]
fn every_situation_has_a_page() {
    let page = read("extension/pages/trust/trust.html");
    for situation in Situation::ALL {
        let situation = serde_json::to_value(situation).unwrap();
        let template = format!("id=\"view-{}\"", situation.as_str().unwrap());
        assert!(page.contains(&template), "no template has {template}");
    }
}

/// What a page asks for is there, and asked for with as many values as it has placeholders.
#[test]
fn every_text_that_a_page_wants_is_there() {
    let english = locale("en");
    for (file, html) in pages() {
        for tag in html.split('<') {
            let values = attribute(tag, "data-values").unwrap_or_default();
            let values = values.split_whitespace().count();
            for wanted in wanted(tag) {
                let found: Vec<_> = english.keys().filter(|key| fits(&wanted, key)).collect();
                assert!(
                    !found.is_empty() || wanted.starts_with('{'),
                    "{file} wants {wanted}"
                );
                if !wanted.contains('{') {
                    let has = placeholders(&english[&wanted]).len();
                    assert_eq!(has, values, "{file} gives {wanted} {values} values");
                }
            }
        }
    }
}

/// A text that nobody shows is one that nobody proof-reads.
#[test]
fn every_text_is_wanted() {
    let tags: Vec<String> = pages()
        .iter()
        .flat_map(|(_, html)| html.split('<').flat_map(wanted).collect::<Vec<_>>())
        .collect();
    let mut sources = read("extension/background.js");
    for directory in ["wasm/src/pages", "extension/lib", "extension/pages"] {
        gather(&root().join(directory), &mut sources);
    }
    sources += &read("manifests/extension/base.json")
        .replace("__MSG_", "")
        .replace("__", "");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named: BTreeSet<&str> = sources.split(|c| !is_part(c)).collect();
    // In a script's template a code completes what stands before it.
    let begun: BTreeSet<&str> = sources
        .split("${")
        .map(|before| &before[before.trim_end_matches(is_part).len()..])
        .filter(|begun| begun.ends_with('_'))
        .collect();
    for key in locale("en").keys() {
        let is_shown = tags.iter().any(|wanted| fits(wanted, key));
        let is_begun = begun.iter().any(|begun| key.starts_with(begun));
        assert!(
            named.contains(key.as_str()) || is_shown || is_begun,
            "nobody shows {key}"
        );
    }
}

/// The texts that a tag wants.
fn wanted(tag: &str) -> Vec<String> {
    let mut wanted: Vec<String> = attribute(tag, "data-text").into_iter().collect();
    let pairs = attribute(tag, "data-attributes").unwrap_or_default();
    let pairs = pairs.split_whitespace();
    wanted.extend(pairs.filter_map(|pair| Some(pair.split_once(':')?.1.to_owned())));
    wanted
}

/// Whether a key is what is wanted, in which `{name}` stands for some code. Where all of it is one,
/// the key stands in the sources.
fn fits(wanted: &str, key: &str) -> bool {
    let Some((before, rest)) = wanted.split_once('{') else {
        return wanted == key;
    };
    let after = rest.split_once('}').unwrap().1;
    let has_code = key.len() > before.len() + after.len();
    !before.is_empty() && has_code && key.starts_with(before) && key.ends_with(after)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

fn pages() -> Vec<(String, String)> {
    let directories = fs::read_dir(root().join("extension/pages")).unwrap();
    let mut pages = Vec::new();
    for directory in directories.map(|it| it.unwrap().path()) {
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        if directory.is_dir() {
            let page = format!("extension/pages/{name}/{name}.html");
            pages.push((page.clone(), read(&page)));
        }
    }
    assert!(pages.len() >= 4, "only {} pages were found", pages.len());
    pages
}

fn gather(directory: &Path, sources: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, sources);
        } else if let Ok(text) = fs::read_to_string(&path) {
            sources.push_str(&text);
        }
    }
}

/// The codes of a kind, as they stand in keys, which hold no dots.
fn codes<const N: usize>(all: [impl Serialize; N]) -> Vec<String> {
    let code = |it| serde_json::to_value(it).unwrap();
    let codes = all.into_iter().map(code);
    codes
        .map(|code| code.as_str().unwrap().replace('.', "_"))
        .collect()
}

fn locale(name: &str) -> BTreeMap<String, String> {
    let json: Value =
        serde_json::from_str(&read(&format!("extension/_locales/{name}/messages.json"))).unwrap();
    let messages = json.as_object().unwrap().iter();
    messages
        .map(|(key, it)| (key.clone(), it["message"].as_str().unwrap().to_owned()))
        .collect()
}

fn placeholders(message: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in message.match_indices('$') {
        let rest = &message[at + 1..];
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        found.insert(name.to_lowercase());
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
