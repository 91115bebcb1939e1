//! `housekey pins show`.

use housekey_core::history::HistoryEntry;
use housekey_core::pin::Pin;
use housekey_core::words::Words;
use serde::Serialize;

use super::{One, not_pinned};
use crate::cli::{history, output, words};
use crate::store::Store;

#[derive(Serialize)]
struct Shown {
    pin: Pin,
    history: Vec<HistoryEntry>,
}

pub(super) fn run(store: &Store, one: &One) -> anyhow::Result<()> {
    let Some(pin) = store.pin(&one.endpoint)? else {
        return Err(not_pinned(&one.endpoint));
    };
    let history = store.history(Some(&one.endpoint), None, LINES)?;
    if one.json.json {
        return output::json(&Shown { pin, history });
    }
    output::print(&format!(
        "{} · {}",
        pin.endpoint.display_name(),
        words::name(&pin)
    ));
    output::table(&rows(&pin));
    for line in pin.note.as_str().lines() {
        output::print(&format!("  | {line}"));
    }
    output::print("history, the latest first");
    for line in history::lines(&history, Some(&pin.endpoint)) {
        output::print(&format!("  {line}"));
    }
    if history.len() == LINES as usize {
        output::print(&format!(
            "  there is more: `housekey history {}`",
            pin.endpoint
        ));
    }
    Ok(())
}

fn rows(pin: &Pin) -> Vec<(&'static str, String)> {
    let mut rows = words::identity(&pin.identity);
    rows.extend([
        ("key", format!("SHA-256 {}", pin.spki_sha256)),
        ("in words", Words::of(pin.spki_sha256).to_string()),
        ("certificate", format!("SHA-256 {}", pin.leaf_sha256)),
        (
            "valid",
            format!(
                "{} to {}",
                words::date(pin.not_before),
                words::date(pin.not_after)
            ),
        ),
        ("first seen", words::date(pin.first_seen)),
        ("last seen", words::date(pin.last_seen)),
    ]);
    if let Some(until) = pin.extended_until {
        rows.push(("extended", format!("until {}", words::date(until))));
    }
    if pin.blocked {
        rows.push(("blocked", "yes".into()));
    }
    rows
}

const LINES: u32 = 20;
