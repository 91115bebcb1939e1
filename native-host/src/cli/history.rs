//! `housekey history`.

use std::process::ExitCode;

use housekey_core::endpoint::Endpoint;
use housekey_core::history::HistoryEntry;
use serde_json::json;

use super::{JsonArgument, output, words};
use crate::paths::Paths;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only what happened to this device; to all of them if left out
    #[arg(value_name = "HOST[:PORT]")]
    endpoint: Option<Endpoint>,
    /// How many lines at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only what happened before the line of this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u32>,
    #[command(flatten)]
    json: JsonArgument,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        endpoint,
        limit,
        before,
        json,
    } = arguments;
    let store = Store::open(paths)?;
    let mut entries = store.history(endpoint.as_ref(), *before, limit + 1)?;
    let more = entries.len() > *limit as usize;
    entries.truncate(*limit as usize);
    if json.json {
        output::json(&json!({ "entries": entries, "more": more }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        output::print("Nothing happened there yet.");
    }
    for entry in &entries {
        output::print(&line(entry, endpoint.as_ref() != Some(&entry.endpoint)));
    }
    if let (true, Some(last)) = (more, entries.last()) {
        let one = endpoint.as_ref().map(|it| format!("{it} "));
        let one = one.unwrap_or_default();
        let id = last.id;
        output::remark(format!(
            "there is more: `housekey history {one}--before {id}`"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for people.
pub(super) fn line(entry: &HistoryEntry, with_address: bool) -> String {
    let address = match with_address {
        true => format!("{}  ", entry.endpoint.display_name()),
        false => String::new(),
    };
    let key = entry.spki_sha256.to_string();
    format!(
        "{}  {:26}  {address}{}  (key {}…)",
        words::date(entry.at),
        words::happening(entry.what),
        entry.name,
        key.get(..16).unwrap_or_default(),
    )
}
