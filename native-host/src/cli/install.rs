//! `housekey install`.

use std::process::ExitCode;
use std::time::SystemTime;

use super::{InstallArguments, output};
use crate::install::{Plan, Request, explain};
use crate::paths::Paths;

pub(super) fn run(paths: &Paths, arguments: InstallArguments) -> anyhow::Result<ExitCode> {
    let now = SystemTime::now();
    let explicit = arguments.explicit()?;
    let InstallArguments {
        helper_only,
        local_name: local_names,
        ..
    } = arguments;
    let plan = Plan::make(
        paths,
        &Request {
            explicit,
            helper_only,
            local_names,
        },
        now,
    )?;

    plan.right.iter().for_each(output::good);
    plan.remarks.iter().for_each(output::remark);
    if plan.steps.is_empty() {
        // What was asked is remembered even where nothing has to be done for it.
        if !arguments.dry_run {
            plan.execute(paths, now, &mut |_, _| {})?;
        }
        output::print("Nothing to do.");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.dry_run || plan.needs_consent() {
        output::print("\nThis will be done:");
        for step in &plan.steps {
            output::print(&format!("  · {step}"));
        }
        output::print("");
    }
    if plan.needs_consent() {
        output::print(&explain(paths, plan.local_names()));
    }
    if arguments.dry_run {
        output::print("Nothing was changed.");
        return Ok(ExitCode::SUCCESS);
    }
    if plan.needs_consent() && !arguments.yes && !output::ask("Do this?")? {
        output::print("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    plan.execute(paths, now, &mut |step, result| match result {
        Ok(()) => output::good(step),
        Err(error) => output::bad(format!("{step}: {error:#}"), None),
    })?;
    output::print("\nInstalled. Restart browsers that are open.");
    Ok(ExitCode::SUCCESS)
}
