//! What happens to the extension's brain, and the file of devices.

use std::fmt::Debug;

use housekey_core::core::Core;
use housekey_core::event::Event;
use housekey_core::export::{Export, ImportStep, import_pin};
use housekey_core::pin::Pin;
use housekey_core::scope::ScopeOptions;
use housekey_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Events for the extension's brain, one on a line, as they stand in the core's transcripts, and
/// sleep between any two of them.
pub fn core_events(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut awake = Core::new();
    let events = text.lines().filter_map(|line| {
        let event = line.strip_prefix("> ").unwrap_or(line);
        serde_json::from_str::<Event>(event).ok()
    });
    for event in events.take(MAX_EVENTS) {
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

/// On the way through a file or a message.
pub(crate) fn stays_the_same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap_or_default();
    let again = serde_json::from_str::<T>(&json);
    assert_eq!(
        again.ok().as_ref(),
        Some(value),
        "{json} is read as something else"
    );
}

/// libFuzzer likes long inputs, and a browser tells thousands of events one at a time.
const MAX_EVENTS: usize = 64;
const NOW: Timestamp = Timestamp(1_800_000_000);
