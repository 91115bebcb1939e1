//! `housekey pins`.

use std::process::ExitCode;

use anyhow::bail;
use housekey_core::endpoint::Endpoint;
use housekey_core::pin::Pin;
use serde_json::json;

use super::{PinsCommand, output, words};
use crate::chain::timestamp;
use crate::paths::Paths;
use crate::store::Store;

pub(super) fn run(paths: &Paths, command: PinsCommand) -> anyhow::Result<ExitCode> {
    let store = Store::open(paths)?;
    match command {
        PinsCommand::List(arguments) => list(&store, arguments.json)?,
        PinsCommand::Show(arguments) => show(&store, &arguments.endpoint, arguments.json.json)?,
        PinsCommand::Forget { endpoint } => {
            if !store.forget(&endpoint, timestamp(std::time::SystemTime::now()))? {
                bail!("{endpoint} is not pinned; see `housekey pins list`");
            }
            output::good(format!(
                "{endpoint} is forgotten; its next visit is a first visit"
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, as_json: bool) -> anyhow::Result<()> {
    let mut pins: Vec<Pin> = Vec::new();
    loop {
        let after = pins.last().map(|pin| pin.endpoint.clone());
        let page = store.pins(after.as_ref(), PAGE)?;
        if page.is_empty() {
            break;
        }
        pins.extend(page);
    }
    if as_json {
        return output::json(&pins);
    }
    if pins.is_empty() {
        output::print("You trust no device yet.");
    }
    let width = pins
        .iter()
        .map(|pin| pin.endpoint.display_name().len())
        .max()
        .unwrap_or(0);
    for pin in &pins {
        let blocked = if pin.blocked { ", blocked" } else { "" };
        output::print(&format!(
            "{:width$}  {}  (since {}{blocked})",
            pin.endpoint.display_name(),
            pin.display_name(),
            words::date(pin.first_seen),
        ));
    }
    Ok(())
}

fn show(store: &Store, endpoint: &Endpoint, as_json: bool) -> anyhow::Result<()> {
    let Some(pin) = store.pin(endpoint)? else {
        bail!("{endpoint} is not pinned; see `housekey pins list`");
    };
    let history = store.history(endpoint)?;
    if as_json {
        let history: Vec<_> = history
            .iter()
            .map(|entry| json!({ "at": entry.at, "what": entry.what, "spkiSha256": entry.spki_sha256 }))
            .collect();
        return output::json(&json!({ "pin": pin, "history": history }));
    }
    output::print(&format!(
        "{} · {}",
        pin.endpoint.display_name(),
        pin.display_name()
    ));
    let mut rows = words::identity(&pin.identity);
    rows.extend([
        ("key", format!("SHA-256 {}", pin.spki_sha256)),
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
    output::table(&rows);
    output::print("history, the latest first");
    for entry in history {
        let key = entry.spki_sha256.get(..16).unwrap_or_default();
        output::print(&format!(
            "  {}  {:8}  key {key}…",
            words::date(entry.at),
            entry.what
        ));
    }
    Ok(())
}

const PAGE: u32 = 500;
