//! `housekey doctor`.

use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::json;

use super::output;
use crate::doctor::examine;
use crate::paths::Paths;

pub(super) fn run(paths: &Paths, as_json: bool) -> anyhow::Result<ExitCode> {
    let checks = examine(paths, SystemTime::now());
    let ok = checks.iter().all(|check| check.ok);
    if as_json {
        output::json(&json!({ "ok": ok, "checks": checks }))?;
    } else {
        for check in &checks {
            match check.ok {
                true => output::good(&check.detail),
                false => output::bad(&check.detail, check.fix.as_deref()),
            }
        }
    }
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
