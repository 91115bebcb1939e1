//! Messages between the extension and the helper, the brain behind them, and the file of devices.

use std::fmt::Debug;

use housekey::fuzzing;
use housekey_core::core::Core;
use housekey_core::event::Event;
use housekey_core::export::{Export, ImportStep, import_pin};
use housekey_core::pin::Pin;
use housekey_core::protocol::{FromHelper, ToHelper};
use housekey_core::scope::ScopeOptions;
use housekey_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Frames as they stand on the helper's standard input, and what is in them, either way.
pub fn native_messages(data: &[u8]) {
    let mut input = data;
    while let Some(json) = fuzzing::frame(&mut input, MAX_FRAME_BYTES) {
        assert!(json.len() <= MAX_FRAME_BYTES);
        match ToHelper::read(&json) {
            Ok(message) => stays_the_same(&message),
            // What is said about a message that cannot be read can be read.
            Err(answer) => stays_the_same(&answer),
        }
        if let Ok(message) = serde_json::from_str::<FromHelper>(&json) {
            stays_the_same(&message);
        }
    }
}

/// Events for the extension's brain, one on a line, and sleep between any two of them.
pub fn core_events(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut awake = Core::new();
    for event in text.lines().take(MAX_EVENTS) {
        let Ok(event) = serde_json::from_str::<Event>(event) else {
            continue;
        };
        let Some(mut woken) = Core::restore(&awake.snapshot()) else {
            panic!("what the core keeps cannot be read by it");
        };
        assert_eq!(
            awake.handle(event.clone()),
            woken.handle(event),
            "sleep changed what it does"
        );
    }
}

/// A file of devices: it adds what it may and decides nothing.
pub fn import_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(export) = Export::read(text) else {
        return;
    };
    let scope = ScopeOptions::default();
    for pin in &export.pins {
        let (step, added) = import_pin(pin, None, &scope, NOW);
        assert_eq!(added.is_some(), step == ImportStep::Add);
        if let Some(added) = added {
            assert!(scope.is_device(added.endpoint.host()), "it is no device");
            assert_eq!(added.extended_until, None, "a file extended trust");
            assert!(added.last_seen <= NOW, "it was met in the future");
            twice(pin, &added, &scope);
        }
    }
    stays_the_same(&export);
}

/// A file, brought in again over what it added: no key changes, and nothing is un-blocked.
fn twice(pin: &Pin, here: &Pin, scope: &ScopeOptions) {
    for blocked in [false, true] {
        let mut here = here.clone();
        here.blocked = blocked;
        let (_, changed) = import_pin(pin, Some(&here), scope, NOW);
        assert!(
            !blocked || changed.is_none(),
            "a file changed what is blocked"
        );
        if let Some(changed) = changed {
            assert_eq!(changed.spki_sha256, here.spki_sha256);
            assert_eq!(changed.blocked, here.blocked);
        }
    }
}

fn stays_the_same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap_or_default();
    let again = serde_json::from_str::<T>(&json);
    assert_eq!(
        again.ok().as_ref(),
        Some(value),
        "{json} is read as something else"
    );
}

const MAX_FRAME_BYTES: usize = 1 << 20;
/// libFuzzer likes long inputs, and a browser tells thousands of events one at a time.
const MAX_EVENTS: usize = 64;
const NOW: Timestamp = Timestamp(1_800_000_000);
