//! Whether every link between a browser and a device holds, and what to do where one does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::authority::{Authority, AuthorityError};
use crate::browsers::{self, Survey};
use crate::install::Record;
use crate::paths::{self, Paths};
use crate::store::{Store, backups};
use crate::trust_store::TrustStore;
use crate::trust_store::nss::{self, NssDatabase};

/// One link, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Which link: a stable code.
    pub check: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was found, for people.
    pub detail: String,
    /// What to do, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Every link, and what else a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// Whether every link holds.
    pub ok: bool,
    /// The links.
    pub checks: Vec<Check>,
    /// What a person should know about browsers that cannot be served, or not yet.
    pub remarks: Vec<String>,
}

/// Checks every link. Nothing is changed.
#[must_use]
pub fn examine(paths: &Paths, now: SystemTime) -> Examination {
    let mut checks = vec![data_directory(paths), program(paths)];
    let record = match Record::load(paths) {
        Ok(record) => record,
        Err(error) => {
            checks.push(bad(
                "record",
                error.to_string(),
                "delete install.json, then run `housekey install`",
            ));
            Record::default()
        }
    };
    let survey = match browsers::survey(&record.explicit()) {
        Ok(survey) => survey,
        Err(error) => {
            checks.push(bad("browsers", error.to_string(), "set HOME"));
            Survey::default()
        }
    };
    checks.extend(hosts(paths, &survey));
    let (authority, authority_check) = authority(paths, &record, now);
    checks.push(authority_check);
    checks.push(certutil());
    if nss::certutil().is_some() {
        checks.extend(survey.databases.iter().map(|database| {
            let store = NssDatabase::new(database);
            trust(&store, authority.as_ref())
        }));
    }
    checks.push(pins(paths));
    let ok = checks.iter().all(|check| check.ok);
    Examination {
        ok,
        checks,
        remarks: survey.remarks,
    }
}

fn data_directory(paths: &Paths) -> Check {
    let place = paths.data().display();
    match paths.check() {
        Ok(()) => good("data_directory", format!("{place} is yours alone")),
        Err(error) if error.is_absent() => {
            bad("data_directory", format!("{place} does not exist"), INSTALL)
        }
        Err(error) => bad("data_directory", error.to_string(), "do what that says"),
    }
}

fn program(paths: &Paths) -> Check {
    let program = paths.installed_binary();
    let place = program.display();
    match fs::symlink_metadata(&program) {
        Err(_) => bad("helper", format!("the helper is not at {place}"), INSTALL),
        Ok(metadata) if !metadata.is_file() => bad(
            "helper",
            format!("{place} is no program"),
            "move it away, then install again",
        ),
        Ok(metadata) if metadata.permissions().mode() & 0o777 != 0o700 => bad(
            "helper",
            format!("{place} can be used or changed by others"),
            INSTALL,
        ),
        Ok(_) => good("helper", format!("the helper is at {place}")),
    }
}

fn hosts(paths: &Paths, survey: &Survey) -> Vec<Check> {
    let program = paths.installed_binary();
    let mut checks: Vec<Check> = survey
        .hosts
        .iter()
        .map(|host| {
            let place = host.manifest.display();
            match (host.is_right(&program), host.manifest.exists()) {
                (true, _) => good(
                    "manifest",
                    format!("{} knows where the helper is", host.browser),
                ),
                (false, true) => bad(
                    "manifest",
                    format!("{place} is not what Housekey writes there"),
                    INSTALL,
                ),
                (false, false) => {
                    let detail =
                        format!("{} does not know of the helper: no {place}", host.browser);
                    bad("manifest", detail, INSTALL)
                }
            }
        })
        .collect();
    if checks.is_empty() {
        let detail = "no browser was found".into();
        checks.push(bad(
            "browsers",
            detail,
            "install Firefox or Chromium, then install again",
        ));
    }
    checks
}

fn authority(paths: &Paths, record: &Record, now: SystemTime) -> (Option<Authority>, Check) {
    const CODE: &str = "authority";
    let authority = match Authority::load(paths, now) {
        Ok(authority) => authority,
        Err(AuthorityError::Files(error)) if !error.is_absent() => {
            return (None, bad(CODE, error.to_string(), "do what that says"));
        }
        Err(error) => return (None, bad(CODE, error.to_string(), INSTALL)),
    };
    let uncovered: Vec<&str> = record
        .local_names
        .iter()
        .filter(|name| !authority.local_names().contains(name))
        .map(String::as_str)
        .collect();
    let left = authority.expires().duration_since(now).unwrap_or_default();
    let check = if !uncovered.is_empty() {
        bad(
            CODE,
            format!(
                "the local authority does not permit {}",
                uncovered.join(", ")
            ),
            INSTALL,
        )
    } else if left < SOON {
        bad(
            CODE,
            "the local authority ends within 30 days".into(),
            INSTALL,
        )
    } else {
        let days = left.as_secs() / (24 * 60 * 60);
        good(
            CODE,
            format!("the local authority is sound, and valid for {days} more days"),
        )
    };
    (Some(authority), check)
}

fn certutil() -> Check {
    match nss::certutil() {
        Some(path) => good("certutil", format!("certutil is at {}", path.display())),
        None => bad(
            "certutil",
            "certutil is missing, so certificate stores cannot be read".into(),
            "install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora) or nss (Arch)",
        ),
    }
}

fn trust(store: &NssDatabase, authority: Option<&Authority>) -> Check {
    const CODE: &str = "trust";
    let title = store.title();
    let entries = match store.entries() {
        Ok(entries) => entries,
        Err(error) => return bad(CODE, error.to_string(), "close the browser and try again"),
    };
    let Some(authority) = authority else {
        let detail = format!("{title} cannot be compared with an authority that is not there");
        return bad(CODE, detail, INSTALL);
    };
    match entries.as_slice() {
        [] => bad(
            CODE,
            format!("the local authority is not trusted by {title}"),
            INSTALL,
        ),
        [entry] if entry.is(authority.root()) => {
            good(CODE, format!("the local authority is trusted by {title}"))
        }
        _ => bad(
            CODE,
            format!("another authority of Housekey's is trusted by {title}"),
            INSTALL,
        ),
    }
}

fn pins(paths: &Paths) -> Check {
    const CODE: &str = "pins";
    // Opening makes a store where there is none, and a doctor changes nothing.
    let is_absent = |place: PathBuf| {
        let checked = paths::check_private_file(&place);
        checked.is_err_and(|error| error.is_absent())
    };
    if is_absent(paths.database()) && is_absent(paths.seal()) {
        return good(CODE, "there are no pins yet".into());
    }
    match Store::open(paths) {
        Ok(_) => {
            let newest = backups(paths).ok().and_then(|all| all.into_iter().next());
            let age = newest.and_then(|newest| newest.made.elapsed().ok());
            let copy = match age.map(|age| age.as_secs() / (24 * 60 * 60)) {
                None => String::new(),
                Some(0) => ", and has a copy of the last day".into(),
                Some(days) => format!(", and has a copy that is {days} days old"),
            };
            good(CODE, format!("the pin store can be read{copy}"))
        }
        Err(error) => bad(CODE, error.to_string(), "run `housekey pins restore`"),
    }
}

const fn good(check: &'static str, detail: String) -> Check {
    Check {
        check,
        ok: true,
        detail,
        fix: None,
    }
}

fn bad(check: &'static str, detail: String, fix: &str) -> Check {
    Check {
        check,
        ok: false,
        detail,
        fix: Some(fix.into()),
    }
}

const INSTALL: &str = "run `housekey install`";
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
