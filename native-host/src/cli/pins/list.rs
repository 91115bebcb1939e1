//! `housekey pins list`.

use std::cmp::Reverse;

use clap::ValueEnum;
use housekey_core::pin::Pin;
use housekey_core::time::Timestamp;

use super::{JsonArgument, all};
use crate::cli::{output, words};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Which comes first
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
    /// Only those with this text in their address, name, company, number or note
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Only those in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    #[command(flatten)]
    json: JsonArgument,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Sort {
    /// By address
    #[default]
    Address,
    /// By name
    Name,
    /// The one that was met last comes first
    LastSeen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    /// Visits pass
    Trusted,
    /// You blocked it
    Blocked,
    /// Its certificate has ended, and nobody extended the trust in its key
    Ended,
}

pub(super) fn run(store: &Store, arguments: &Arguments) -> anyhow::Result<()> {
    let now = crate::cli::now();
    let mut pins = all(store)?;
    let none = pins.is_empty();
    if let Some(text) = &arguments.filter {
        let text = text.to_lowercase();
        pins.retain(|pin| mentions(pin, &text));
    }
    if let Some(state) = arguments.state {
        pins.retain(|pin| State::of(pin, now) == state);
    }
    match arguments.sort {
        Sort::Address => pins.sort_by(|a, b| a.endpoint.cmp(&b.endpoint)),
        Sort::Name => pins.sort_by_cached_key(|pin| pin.display_name().as_str().to_lowercase()),
        Sort::LastSeen => pins.sort_by_key(|pin| Reverse(pin.last_seen)),
    }
    if arguments.json.json {
        return output::json(&pins);
    }
    if none {
        output::print("You trust no device yet. Open one in your browser.");
    } else if pins.is_empty() {
        output::print("No device is like that.");
    } else {
        table(&pins, now);
    }
    Ok(())
}

/// The name comes last: it is the one column whose width nobody knows.
fn table(pins: &[Pin], now: Timestamp) {
    let addresses = pins.iter().map(|pin| pin.endpoint.display_name());
    let addresses: Vec<String> = addresses.collect();
    let width = addresses.iter().map(String::len).max().unwrap_or(0);
    let width = width.max(ADDRESS.len());
    output::print(&format!("{ADDRESS:width$}  MET LAST    STATE    DEVICE"));
    for (pin, address) in pins.iter().zip(addresses) {
        let met = words::day(pin.last_seen);
        let state = State::of(pin, now).word();
        let name = words::name(pin);
        output::print(&format!("{address:width$}  {met}  {state:7}  {name}"));
    }
}

fn mentions(pin: &Pin, text: &str) -> bool {
    let identity = &pin.identity;
    let texts = [
        pin.label.as_str(),
        pin.note.as_str(),
        identity.name.as_str(),
        identity.issued_by.as_str(),
        identity.verified_by.as_ref().map_or("", |by| by.as_str()),
        identity.device_id.as_ref().map_or("", |id| id.as_str()),
    ];
    pin.endpoint.to_string().contains(text)
        || texts.iter().any(|it| it.to_lowercase().contains(text))
}

impl State {
    fn of(pin: &Pin, now: Timestamp) -> Self {
        if pin.blocked {
            Self::Blocked
        } else if now > pin.not_after && pin.extended_until.is_none_or(|until| now > until) {
            Self::Ended
        } else {
            Self::Trusted
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Blocked => "blocked",
            Self::Ended => "ended",
        }
    }
}

const ADDRESS: &str = "ADDRESS";
