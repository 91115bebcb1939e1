//! `housekey doctor`.

use std::process::ExitCode;
use std::time::SystemTime;

use super::output;
use crate::doctor::examine;
use crate::paths::Paths;

pub(super) fn run(paths: &Paths, as_json: bool) -> anyhow::Result<ExitCode> {
    let examination = examine(paths, SystemTime::now());
    if as_json {
        output::json(&examination)?;
    } else {
        for check in &examination.checks {
            match check.ok {
                true => output::good(&check.detail),
                false => output::bad(&check.detail, check.fix.as_deref()),
            }
        }
        examination.remarks.iter().for_each(output::remark);
    }
    Ok(if examination.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
