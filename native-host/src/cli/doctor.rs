//! `housekey doctor`.

use std::process::ExitCode;
use std::time::SystemTime;

use super::install::consented;
use super::{DoctorArguments, checkup, output};
use crate::doctor::{Looker, examine, tighten};
use crate::install::{Plan, Request};
use crate::paths::{Paths, shown};
use crate::platform::{self, Platform};
use crate::renewal::{self, Renewal};

pub(super) fn run(paths: &Paths, arguments: &DoctorArguments) -> anyhow::Result<ExitCode> {
    let platform = &*platform::this();
    if arguments.fix {
        let mended = mend(platform, paths, arguments.yes);
        if let Err(error) = mended {
            output::bad(format!("{error:#}"), None);
        }
        output::print("");
    }
    let found = output::meanwhile("checking every link", || {
        examine(platform, paths, Looker::Person, SystemTime::now())
    });
    if arguments.json {
        checkup::print_json(&found)?;
    } else {
        checkup::print(&found);
    }
    Ok(match found.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Mends what can be mended: who may read the files, the authority's renewal, and everything that
/// the installer would put right. A browser is given an authority to trust only with consent.
fn mend(platform: &dyn Platform, paths: &Paths, yes: bool) -> anyhow::Result<()> {
    let now = SystemTime::now();
    for file in tighten(platform, paths)? {
        output::good(format!("{} is yours alone again", shown(&file)));
    }
    match renewal::renew(platform, paths, now) {
        Ok(Renewal::Prepared | Renewal::Succeeded) => {
            output::good("the local authority is renewed");
        }
        // Where there is none or it cannot be used, the installer makes one.
        Ok(Renewal::Ended | Renewal::NotDue) | Err(_) => {}
    }
    let plan = output::meanwhile("looking at your browsers", || {
        Plan::make(platform, paths, &Request::default(), now)
    })?;
    if plan.steps.is_empty() {
        output::print("There is nothing else that can be mended here.");
        return Ok(());
    }
    if !consented(paths, &plan, yes)? {
        output::print("Nothing else was changed.");
        return Ok(());
    }
    plan.execute(platform, paths, now, &mut |step, result| match result {
        Ok(()) => output::good(step),
        Err(error) => output::bad(format!("{step}: {error:#}"), None),
    })
}

pub(super) const EXAMPLES: &str = "\
Examples:
  housekey doctor              something does not work?
  housekey doctor --fix        mend it, and set up browser profiles that are new
  housekey doctor --fix --yes  the same from a script, without a question
  housekey doctor --json       for programs: `.ok`, and each link below `.checks`

Exit codes:
  0  no link is broken
  1  one is, or still is after --fix";
