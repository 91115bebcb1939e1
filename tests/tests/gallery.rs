//! The gallery leaves nothing out: whatever the core can tell a page is a state of that page.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use housekey_core::chain::{Flaw, LegacyVersion};
use housekey_core::checkup::{Found, Trouble, Whose};
use housekey_core::decision::{Failure, Rule};
use housekey_core::effect::{HelperStatus, PageReply};
use housekey_core::expected::Comparison;
use housekey_core::export::ImportStep;
use housekey_core::history::Happening;
use housekey_core::identity::Tier;
use housekey_core::maker::{DeviceIdRule, MakerSource};
use housekey_core::meeting::MeetingStep;
use housekey_core::protocol::OldAddress;
use housekey_core::view::{Likely, PopupState, Situation};
use housekey_tests::gallery::State;
use serde::Deserialize;
use serde::de::Error;
use serde::de::value::MapDeserializer;
use serde::de::value::StrDeserializer;
use serde_json::Value;

#[test]
fn every_variant_is_in_the_gallery() {
    let states = State::all().unwrap();
    let mut missing = Vec::new();
    let mut need = |page: &str, reply: &str, key: &str, variants: &[String]| {
        let shown = shown(&states, page, reply, key);
        for variant in variants {
            if !shown.contains(variant) {
                missing.push(format!("{page}: {key} {variant}"));
            }
        }
    };
    need("trust", "trust", "situation", &variants::<Situation>());
    need("trust", "trust", "failure", &variants::<Failure>());
    need("trust", "trust", "flaw", &variants::<Flaw>());
    need("trust", "trust", "tier", &variants::<Tier>());
    need("trust", "trust", "rule", &variants::<Rule>());
    need("trust", "trust", "likely", &variants::<Likely>());
    need("trust", "trust", "step", &variants::<MeetingStep>());
    need("trust", "trust", "version", &variants::<LegacyVersion>());
    need(
        "trust",
        "trust",
        "oldAddress",
        &variants_by_type::<OldAddress>(),
    );
    need(
        "trust",
        "compared",
        "comparison",
        &variants_by_type::<Comparison>(),
    );
    need("popup", "popup", "state", &variants::<PopupState>());
    need("welcome", "status", "helper", &variants::<HelperStatus>());
    need("options", "status", "helper", &variants::<HelperStatus>());
    need("options", "history", "what", &variants::<Happening>());
    // What stays as it is has no line.
    let mut steps = variants::<ImportStep>();
    steps.retain(|step| step != "unchanged");
    need("options", "imported", "step", &steps);
    need("options", "checked_up", "found", &variants::<Found>());
    need("options", "checked_up", "trouble", &variants::<Trouble>());
    need(
        "options",
        "checked_up",
        "whose",
        &Whose::CODES.map(str::to_owned),
    );
    need("options", "makers", "deviceId", &variants::<DeviceIdRule>());
    let sources = variants_by_type::<MakerSource>();
    need("options", "makers", "source", &sources);
    assert!(missing.is_empty(), "no state shows\n{}", missing.join("\n"));
}

#[test]
fn what_pages_are_shown_is_what_the_core_says() {
    for state in State::all().unwrap() {
        for reply in &state.replies {
            let read = serde_json::from_value(reply.reply.clone());
            let opened = read.and_then(|read| match read {
                PageReply::CheckedUp { checkup, .. } => checkup.open().map(drop),
                PageReply::History { entries, .. } => entries.open().map(drop),
                PageReply::Imported { plan } => plan.open().map(drop),
                PageReply::Makers { makers } => makers.open().map(drop),
                PageReply::Pins { pins, .. } => pins.open().map(drop),
                _ => Ok(()),
            });
            assert!(opened.is_ok(), "{}: {opened:?}", state.path());
        }
    }
}

/// What stands at a key anywhere in the replies of this type to the states of a page.
fn shown(states: &[State], page: &str, reply: &str, key: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let of_page = states.iter().filter(|state| state.page == page);
    for it in of_page.flat_map(|state| &state.replies) {
        if it.reply["type"] == reply {
            collect(&it.reply, key, &mut found);
        }
    }
    found
}

fn collect(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    found.extend(codes(member));
                }
                collect(member, key, found);
            }
        }
        _ => {}
    }
}

/// A code, the codes of a list, or the type of what has more to say than its code.
fn codes(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(codes).collect(),
        Value::Object(members) => members.get("type").map(codes).unwrap_or_default(),
        Value::String(code) => vec![code.clone()],
        _ => Vec::new(),
    }
}

/// The names of an enum's variants: what serde knows is complete, as no list kept by hand is.
fn variants<'de, T: Deserialize<'de>>() -> Vec<String> {
    let tried = T::deserialize(StrDeserializer::<Variants>::new("no such variant"));
    tried.err().unwrap().0
}

/// The same of an enum whose name of a variant stands in its `type`.
fn variants_by_type<'de, T: Deserialize<'de>>() -> Vec<String> {
    let value = [("type", "no such variant")].into_iter();
    let tried = T::deserialize(MapDeserializer::<_, Variants>::new(value));
    tried.err().unwrap().0
}

/// An error that keeps what was expected.
#[derive(Debug)]
struct Variants(Vec<String>);

impl Error for Variants {
    fn custom<T: Display>(message: T) -> Self {
        // "unknown variant `…`, expected one of `…`, `…`"
        let message = message.to_string();
        let quoted = message.split('`').skip(1).step_by(2);
        Self(quoted.skip(1).map(str::to_owned).collect())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected.iter().map(ToString::to_string).collect())
    }
}

impl Display for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Variants {}
