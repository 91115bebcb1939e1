//! `housekey history`.

use std::process::ExitCode;

use housekey_core::endpoint::Endpoint;
use housekey_core::history::HistoryEntry;
use serde::Serialize;

use super::{JsonArgument, output, words};
use crate::paths::Paths;
use crate::store::Store;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
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

#[derive(Serialize)]
struct Page {
    entries: Vec<HistoryEntry>,
    more: bool,
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
        output::json(&Page { entries, more })?;
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        output::print("Nothing happened there yet.");
    }
    for line in lines(&entries, endpoint.as_ref()) {
        output::print(&line);
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

/// Lines for people, in columns. Where it happened is said unless all of it happened there.
pub(super) fn lines(entries: &[HistoryEntry], place: Option<&Endpoint>) -> Vec<String> {
    let elsewhere = |entry: &HistoryEntry| Some(&entry.endpoint) != place;
    let with_address = entries.iter().any(elsewhere);
    let addresses = entries.iter().map(|entry| match with_address {
        true => entry.endpoint.display_name() + "  ",
        false => String::new(),
    });
    let addresses: Vec<String> = addresses.collect();
    let width = addresses.iter().map(String::len).max().unwrap_or(0);
    let words = entries.iter().map(|entry| words::happening(entry.what));
    let longest = words.map(str::len).max().unwrap_or(0);
    let line = |(entry, address): (&HistoryEntry, &String)| {
        let (date, what) = (words::date(entry.at), words::happening(entry.what));
        let key = entry.spki_sha256.to_string();
        let key = key.get(..16).unwrap_or_default();
        let name = match entry.name.is_empty() {
            true => String::new(),
            false => format!("  “{}”", entry.name),
        };
        let site = entry.site.as_ref().map(|it| format!("  {it}"));
        let site = site.unwrap_or_default();
        format!("{date}  {what:longest$}  {address:width$}key {key}…{name}{site}")
    };
    entries.iter().zip(&addresses).map(line).collect()
}

const EXAMPLES: &str = "\
Examples:
  housekey history                 what happened lately, the latest first
  housekey history 192.168.1.20    to this device
  housekey history --limit 500 --json | jq -r '.entries[].what'
                                   the same for a script";
