//! The local authority, and whether the browsers' stores trust it and nothing else of its name.

use std::time::{Duration, SystemTime};

use housekey_core::checkup::{Check, Found, Trouble};
use rustls_pki_types::CertificateDer;

use super::why;
use crate::authority::{Authority, AuthorityError};
use crate::browsers::Survey;
use crate::install::Record;
use crate::paths::{Paths, shown};
use crate::renewal;
use crate::trust_store::nss::{self, NssDatabase};
use crate::trust_store::{Entry, TrustStore as _};

pub(super) fn check(
    paths: &Paths,
    record: &Record,
    survey: &Survey,
    now: SystemTime,
) -> Vec<Check> {
    let loaded = Authority::load(paths, now);
    let mut checks = vec![authority(&loaded, record, now)];
    // What is wrong with the key is no matter of the stores.
    let root = match &loaded {
        Ok(authority) => Some(authority.root().clone()),
        Err(_) => renewal::root(&paths.root_certificate()),
    };
    let welcome = renewal::welcome(paths, now);
    if survey.databases.is_empty() {
        return checks;
    }
    if nss::certutil().is_none() {
        checks.push(Check::new(Found::TrustTool));
        return checks;
    }
    checks.extend(survey.databases.iter().map(|database| {
        let found = trust(&NssDatabase::new(database), root.as_ref(), &welcome);
        let check = Check::new(found).of(database.whose.clone());
        check.at(&shown(&database.directory))
    }));
    checks
}

fn authority(
    loaded: &Result<Authority, AuthorityError>,
    record: &Record,
    now: SystemTime,
) -> Check {
    let authority = match loaded {
        Ok(authority) => authority,
        Err(AuthorityError::Missing) => return Check::new(Found::AuthorityMissing),
        Err(AuthorityError::Expired) => return Check::new(Found::AuthorityEnded),
        Err(AuthorityError::Files(error)) => {
            return Check::new(Found::AuthorityDamaged).because(why(error));
        }
        Err(AuthorityError::ForeignKey) => {
            return Check::new(Found::AuthorityDamaged).because(Trouble::ForeignKey.into());
        }
        Err(_) => return Check::new(Found::AuthorityDamaged).because(Trouble::Altered.into()),
    };
    let covered = |name: &&String| authority.local_names().contains(name);
    let uncovered = record.local_names.iter().filter(|name| !covered(name));
    let uncovered: Vec<&str> = uncovered.map(String::as_str).collect();
    if !uncovered.is_empty() {
        return Check::new(Found::AuthorityNarrow).at(&uncovered.join(", "));
    }
    let left = authority.expires().duration_since(now).unwrap_or_default();
    let found = match left < SOON {
        true => Found::AuthorityEndsSoon,
        false => Found::AuthorityGood,
    };
    let days = left.as_secs() / (24 * 60 * 60);
    Check::new(found).at(&days.to_string())
}

/// The roots of an authority that follows itself are as welcome as the present one, but no store
/// does without that.
fn trust(
    store: &NssDatabase,
    root: Option<&CertificateDer<'_>>,
    welcome: &[CertificateDer<'_>],
) -> Found {
    let Ok(entries) = store.entries() else {
        return Found::TrustUnreadable;
    };
    let is_present = |entry: &&Entry| root == Some(&entry.certificate);
    let (ours, others): (Vec<_>, Vec<_>) = entries.iter().partition(is_present);
    match ours.as_slice() {
        _ if others.iter().any(|it| !welcome.contains(&it.certificate)) => Found::TrustOther,
        [] => Found::TrustMissing,
        ours if ours.iter().all(|entry| entry.trusted) => Found::TrustGood,
        _ => Found::TrustWrong,
    }
}

/// By then the helper should have renewed it.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);
