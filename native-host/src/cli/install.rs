//! `housekey install`.

use std::process::ExitCode;
use std::time::SystemTime;

use super::InstallArguments;
use super::output::{self, Mark};
use crate::install::{Command, Plan, Request, explain};
use crate::paths::{Paths, shown};
use crate::platform;
use crate::platform::on_path;

pub(super) fn run(paths: &Paths, arguments: InstallArguments) -> anyhow::Result<ExitCode> {
    let (platform, now) = (&*platform::this(), SystemTime::now());
    let explicit = arguments.explicit()?;
    let InstallArguments {
        helper_only,
        local_name: local_names,
        dry_run,
        yes,
        ..
    } = arguments;
    let request = Request {
        explicit,
        helper_only,
        local_names,
    };
    let plan = output::meanwhile("looking at your browsers", || {
        Plan::make(platform, paths, &request, now)
    })?;
    tell_what_is_there(&plan);
    if dry_run {
        tell_what_would_be_done(paths, &plan);
        return Ok(ExitCode::SUCCESS);
    }
    if plan.steps.is_empty() {
        // What was asked is remembered even where nothing has to be done for it.
        plan.execute(platform, paths, now, &mut |_, _| {})?;
        output::print("Nothing to do.");
        return Ok(ExitCode::SUCCESS);
    }
    if !consented(paths, &plan, yes)? {
        output::print("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let mut title = "Done now";
    plan.execute(platform, paths, now, &mut |step, result| {
        match result {
            Ok(()) => output::row(title, Mark::Good, &step.to_string(), None),
            Err(error) => output::row(title, Mark::Bad, &format!("{step}: {error:#}"), None),
        }
        title = "";
    })?;
    output::print(
        "\nInstalled. Restart browsers that are open; `housekey doctor` shows whether all is well.",
    );
    if on_path("housekey").is_none() {
        let program = paths.installed_binary();
        let text = match Command::survey(platform, &program) {
            Command::Ours(link) => {
                format!(
                    "`housekey` is a command when you log in again; until then type {}",
                    shown(&link)
                )
            }
            _ => format!(
                "No directory of your PATH has `housekey`; type {}",
                shown(&program)
            ),
        };
        output::print(&text);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what a plan does and asks for the person's consent, if it takes that: only a person may
/// give a browser an authority to trust.
pub(super) fn consented(paths: &Paths, plan: &Plan, yes: bool) -> anyhow::Result<bool> {
    if !plan.needs_consent() {
        return Ok(true);
    }
    // Where nobody is asked, what was done is told soon enough.
    if !yes {
        tell_steps(plan);
    }
    output::print("");
    output::print(&explain(paths, plan.local_names()));
    Ok(yes || output::ask("Do this?")?)
}

fn tell_what_is_there(plan: &Plan) {
    let mut title = "Right already";
    for right in &plan.right {
        output::row(title, Mark::Good, right, None);
        title = "";
    }
    title = "To know";
    for remark in &plan.remarks {
        output::row(title, Mark::Open, remark, None);
        title = "";
    }
}

fn tell_steps(plan: &Plan) {
    output::print("\nThis will be done:");
    for step in &plan.steps {
        output::print(&format!("  · {step}"));
    }
}

fn tell_what_would_be_done(paths: &Paths, plan: &Plan) {
    if plan.steps.is_empty() {
        output::print("Nothing to do.");
        return;
    }
    tell_steps(plan);
    output::print("\nThese files will be written or removed:");
    for file in plan.files(paths) {
        let is_there = if file.exists() { "" } else { "  (new)" };
        output::print(&format!("  · {}{is_there}", shown(&file)));
    }
    if plan.needs_consent() {
        output::print("");
        output::print(&explain(paths, plan.local_names()));
    }
    output::print("Nothing was changed.");
}

pub(super) const EXAMPLES: &str = "\
Examples:
  housekey install                         asks before a browser is given anything to trust
  housekey install --dry-run               what would be done, and which files would change?
  housekey install --local-name fritz.box  names at fritz.box are of your own network
  housekey install --yes                   from a script, without a question

Exit codes:
  0  all of it is in place now
  1  something is not, or you said no";
