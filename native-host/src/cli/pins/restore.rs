//! `housekey pins restore`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use housekey_core::pin::Pin;
use housekey_core::time::Timestamp;
use serde::Serialize;

use super::super::{now, output, words};
use crate::chain::timestamp;
use crate::paths::Paths;
use crate::store::{Backup, Restoration, Source, Store, StoreError, backups};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The copy; the newest one that Housekey made if left out
    ///
    /// The file of the list itself may be named too: then it counts again as it is.
    #[arg(conflicts_with_all = ["list", "empty"])]
    file: Option<PathBuf>,
    /// Only list the copies that Housekey made
    #[arg(long)]
    list: bool,
    /// Begin anew without any copy: every device asks again
    #[arg(long, conflicts_with = "list")]
    empty: bool,
    /// Only say what would change
    #[arg(long, group = "consent")]
    dry_run: bool,
    /// Do it without being asked
    #[arg(long, short, group = "consent")]
    yes: bool,
    /// Print JSON, for programs; it wants --yes, --dry-run or --list
    #[arg(long)]
    json: bool,
}

/// A copy, for programs.
#[derive(Serialize)]
struct Copy<'b> {
    file: &'b Path,
    made: Timestamp,
    changes: i64,
}

/// What comes of putting a copy back, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'p> {
    dry_run: bool,
    compared: bool,
    restored: Vec<&'p Pin>,
    forgotten: Vec<&'p Pin>,
}

pub(super) fn run(paths: &Paths, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.list {
        list(&backups(paths)?, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.json && !arguments.yes && !arguments.dry_run {
        return Err(anyhow!("--json wants --yes, --dry-run or --list"));
    }
    let (source, named) = source(paths, arguments)?;
    let plan = Restoration::plan(paths, &source).with_context(|| {
        format!("{named} cannot be put back; see `housekey pins restore --list`")
    })?;
    let does = !plan.is_compared() || plan.is_a_change();
    if arguments.json {
        output::json(&Change {
            dry_run: arguments.dry_run,
            compared: plan.is_compared(),
            restored: plan.changed(),
            forgotten: plan.forgotten(),
        })?;
    } else {
        explain(&plan, paths, &named);
    }
    if arguments.dry_run || !does {
        if !arguments.json {
            output::print("Nothing was changed.");
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes && !output::ask("Put it back?")? {
        output::print("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    plan.execute(now())?;
    if !arguments.json {
        output::good("done; what was there before stays beside it");
    }
    Ok(ExitCode::SUCCESS)
}

/// Where from, and how it is called in sentences.
fn source(paths: &Paths, arguments: &Arguments) -> anyhow::Result<(Source, String)> {
    if arguments.empty {
        return Ok((Source::Empty, "an empty list".into()));
    }
    if let Some(file) = &arguments.file {
        return Ok((Source::File(file.clone()), file.display().to_string()));
    }
    let newest = backups(paths)?.into_iter().next();
    let newest = newest
        .ok_or_else(|| anyhow!("there is no copy yet; name a file, or begin anew with --empty"))?;
    let named = format!("the copy of {}", words::date(timestamp(newest.made)));
    Ok((Source::File(newest.file), named))
}

fn list(backups: &[Backup], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let copies = backups.iter().map(|backup| Copy {
            file: &backup.file,
            made: timestamp(backup.made),
            changes: backup.generation,
        });
        return output::json(&copies.collect::<Vec<_>>());
    }
    if backups.is_empty() {
        output::print("There is no copy yet. One is made after the first change.");
    }
    for backup in backups {
        let (date, file) = (words::date(timestamp(backup.made)), backup.file.display());
        output::print(&format!("{date}  {file}"));
    }
    Ok(())
}

fn explain(plan: &Restoration, paths: &Paths, named: &str) {
    if let Err(error) = Store::glance(paths) {
        output::remark(without_advice(&error));
    }
    let (changed, forgotten) = (plan.changed(), plan.forgotten());
    let all = changed.iter().map(|pin| ('+', *pin));
    let all: Vec<_> = all.chain(forgotten.iter().map(|pin| ('-', *pin))).collect();
    let address = |pin: &Pin| pin.endpoint.display_name();
    let width = all.iter().map(|(_, pin)| address(pin).len()).max();
    let width = width.unwrap_or(0);
    for (sign, pin) in &all {
        let state = match (sign, pin.blocked) {
            ('-', _) => "a stranger again",
            (_, true) => "blocked",
            _ => "trusted",
        };
        let key = pin.spki_sha256.to_string();
        let key = key.get(..16).unwrap_or_default();
        let (address, name) = (address(pin), words::name(pin));
        output::print(&format!(
            "{sign} {address:width$}  {name}  {state}, key {key}…"
        ));
    }
    output::print(&match (plan.is_compared(), all.is_empty()) {
        (true, true) => format!(
            "{named} holds the devices that are here now, with the names and notes of then."
        ),
        (true, false) => format!(
            "{named} makes {} devices as they were then, and {} strangers again.",
            changed.len(),
            forgotten.len()
        ),
        (false, _) => format!(
            "{named} holds {} devices. What was decided since is not in it: a device that was \
             blocked or replaced meanwhile is trusted as before.",
            changed.len()
        ),
    });
}

/// The first part of what is said of a store: this command is what the rest of it advises.
fn without_advice(error: &StoreError) -> String {
    let said = error.to_string();
    said.split(';').next().unwrap_or_default().to_owned()
}
