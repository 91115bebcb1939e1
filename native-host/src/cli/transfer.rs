//! `housekey export` and `housekey import`.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use housekey_core::export::{Export, ImportError, ImportPlan, ImportStep};
use serde::Serialize;

use super::{output, pins, words};
use crate::paths::Paths;
use crate::store::Store;

#[derive(Debug, clap::Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(super) struct ExportArguments {
    /// Where to; to standard output if left out
    file: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "file")]
    force: bool,
    /// Say how many there were as JSON; the file is JSON in any case
    #[arg(long, requires = "file")]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(super) struct ImportArguments {
    /// What `housekey export` or the options page wrote; - for standard input
    file: PathBuf,
    /// Only say what would change
    #[arg(long, group = "consent")]
    dry_run: bool,
    /// Do it without being asked
    #[arg(long, short, group = "consent")]
    yes: bool,
    /// Print what changed as JSON, for programs; it wants --yes or --dry-run
    #[arg(long, requires = "consent")]
    json: bool,
}

#[derive(Serialize)]
struct Exported<'f> {
    file: &'f Path,
    pins: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Imported {
    dry_run: bool,
    plan: ImportPlan,
}

impl ExportArguments {
    /// To a new file.
    pub(super) const fn to(file: PathBuf) -> Self {
        Self {
            file: Some(file),
            force: false,
            json: false,
        }
    }
}

pub(super) fn export(paths: &Paths, arguments: &ExportArguments) -> anyhow::Result<ExitCode> {
    let store = Store::open(paths)?;
    let export = Export::new(pins::all(&store)?, super::now());
    let count = export.pins.len();
    let Some(file) = &arguments.file else {
        output::json(&export)?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut text = serde_json::to_vec_pretty(&export)?;
    text.push(b'\n');
    write(file, &text, arguments.force)?;
    if arguments.json {
        output::json(&Exported { file, pins: count })?;
    } else {
        let place = file.display();
        output::good(format!("{place} holds your {count} devices"));
        if count > Export::MAX_PINS || text.len() > Export::MAX_BYTES {
            output::remark("it is too large to be imported in one piece");
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn import(paths: &Paths, arguments: &ImportArguments) -> anyhow::Result<ExitCode> {
    let place = arguments.file.display();
    let export = read(&arguments.file).with_context(|| format!("cannot import {place}"))?;
    let store = Store::open(paths)?;
    let scope = super::scope(paths, &store)?;
    let run = |dry_run| {
        let plan = store.import(&export, &scope, super::now(), dry_run);
        plan.with_context(|| format!("cannot import {place}"))
    };
    if arguments.json {
        let plan = run(arguments.dry_run)?;
        let dry_run = arguments.dry_run;
        output::json(&Imported { dry_run, plan })?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = run(true)?;
    explain(&plan);
    if plan.added + plan.completed == 0 {
        output::print("There is nothing to import.");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.dry_run {
        output::print("Nothing was changed.");
        return Ok(ExitCode::SUCCESS);
    }
    output::print(TRUST);
    if !arguments.yes && !output::ask("Import them?")? {
        output::print("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let done = run(false)?;
    output::good(format!("done: {}", counts(&done)));
    Ok(ExitCode::SUCCESS)
}

fn explain(plan: &ImportPlan) {
    let address = |at: usize| plan.lines.get(at).map(|line| line.endpoint.display_name());
    let width = (0..plan.lines.len())
        .filter_map(address)
        .map(|address| address.len())
        .max();
    let width = width.unwrap_or(0);
    for line in &plan.lines {
        let step = words::import_step(line.step);
        let sign = match line.step {
            ImportStep::Add => '+',
            ImportStep::Complete => '~',
            _ => '-',
        };
        let address = line.endpoint.display_name();
        output::print(&format!("{sign} {address:width$}  “{}”  {step}", line.name));
    }
    let all = plan.added + plan.completed + plan.left_out;
    let untold = usize::try_from(all).unwrap_or(usize::MAX) - plan.lines.len();
    if untold > 0 {
        output::print(&format!("  and {untold} more"));
    }
    output::print(&counts(plan));
}

fn counts(plan: &ImportPlan) -> String {
    format!(
        "{} new, {} completed, {} left out, {} as they are",
        plan.added, plan.completed, plan.left_out, plan.unchanged
    )
}

/// Reads no more than an export may have: a file that was made to fill the memory does not.
fn read(file: &Path) -> anyhow::Result<Export> {
    let mut bytes = Vec::new();
    let limit = Export::MAX_BYTES as u64 + 1;
    if file == Path::new("-") {
        io::stdin().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    if bytes.len() > Export::MAX_BYTES {
        bail!("{}", refusal(ImportError::TooLarge));
    }
    let read = match str::from_utf8(&bytes) {
        Ok(text) => Export::read(text),
        Err(_) => Err(ImportError::NotAnExport),
    };
    read.map_err(|error| anyhow!(refusal(error)))
}

fn refusal(error: ImportError) -> String {
    let advice = match error {
        ImportError::NotAnExport => "make one with `housekey export`",
        ImportError::TooLarge => "split it into several files",
        ImportError::TooNew => "update this one",
    };
    format!("{error}; {advice}")
}

/// Writes a file that only its owner reads, whole or not at all.
fn write(file: &Path, bytes: &[u8], force: bool) -> anyhow::Result<()> {
    let place = file.display();
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => bail!("{place} is a directory; name a file in it"),
    };
    let there = || anyhow!("{place} is there already; write over it with --force");
    let mut new = tempfile::Builder::new()
        .prefix(".housekey-")
        .tempfile_in(directory)
        .with_context(|| format!("cannot write to {}", directory.display()))?;
    new.write_all(bytes)
        .and_then(|()| new.as_file().sync_all())
        .with_context(|| format!("cannot write {place}"))?;
    let kept = match force {
        true => new.persist(file),
        false => new.persist_noclobber(file),
    };
    kept.map(drop).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => there(),
        _ => anyhow::Error::from(error.error).context(format!("cannot write {place}")),
    })
}

const TRUST: &str = "From then on, visits to the new ones pass without a question. \
    Import only a file that you made.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  housekey export devices.json         keep a copy
  housekey export | ssh desk housekey import --yes -
                                       take them to another computer";

const IMPORT_EXAMPLES: &str = "\
Examples:
  housekey import --dry-run devices.json   what would it change?
  housekey import devices.json             say what it changes, and ask
  housekey import --yes --json - < devices.json
                                           for scripts";
