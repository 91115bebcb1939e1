//! The local authority follows itself before it ends.
//!
//! Two months before, a successor is made beside it, with the same limits, and put into the stores
//! that trust the authority at that moment, and into no other. One month before, the successor
//! takes its place: by then every browser has been started anew and knows it. A week later the old
//! root is taken out.
//!
//! Nobody is asked, because nothing is given that was not given before: the same person on the same
//! computer, the same names, the same stores. Whoever took the root out of a store does not find
//! the successor there. Further names, or a store without the root, take the person's word.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::authority::{Authority, AuthorityError};
use crate::install::Record;
use crate::paths::{self, Paths, PathsError};
use crate::platform::{Platform, files};
use crate::trust_store::{TrustStore, TrustStoreError};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The old root was taken out of the stores.
    Ended,
    /// There is nothing to do now.
    NotDue,
    /// A successor is made, and trusted where the authority is.
    Prepared,
    /// The successor took its place.
    Succeeded,
}

/// The authority that will follow, if it is made.
#[must_use]
pub fn next(paths: &Paths, now: SystemTime) -> Option<Authority> {
    Authority::load(&paths.successor(), now).ok()
}

/// The roots that may stand in stores beside the authority's own: the one after it and the one
/// before it.
#[must_use]
pub fn welcome(paths: &Paths, now: SystemTime) -> Vec<CertificateDer<'static>> {
    let next = next(paths, now).map(|next| next.root().clone());
    next.into_iter().chain(before(paths)).collect()
}

/// Whether anything is to be done.
#[must_use]
pub fn is_due(paths: &Paths, authority: &Authority, now: SystemTime) -> bool {
    left(authority, now) < PREPARED_BEFORE || paths.root_before().exists()
}

/// Does what is due, in the stores of this user's browsers.
///
/// # Errors
///
/// If the successor could not be made, or not be put into a store that trusts the authority.
pub fn renew(platform: &dyn Platform, paths: &Paths, now: SystemTime) -> anyhow::Result<Renewal> {
    let record = Record::load(paths)?;
    let survey = platform.survey(&record.explicit())?;
    renew_in(paths, &survey.stores, now)
}

/// Forgets the authority's successor and its predecessor: it is made anew.
///
/// # Errors
///
/// [`AuthorityError::Files`], where their files cannot be deleted.
pub fn forget(paths: &Paths) -> Result<(), AuthorityError> {
    Authority::destroy(&paths.successor())?;
    match fs::remove_file(paths.root_before()) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            let path = paths.root_before();
            Err(PathsError::Io { path, source }.into())
        }
        _ => Ok(()),
    }
}

fn renew_in(
    paths: &Paths,
    stores: &[Rc<dyn TrustStore>],
    now: SystemTime,
) -> anyhow::Result<Renewal> {
    paths.check()?;
    // Several browsers may start at once; one of their helpers is enough.
    let Some(_held) = files::hold(paths.data())? else {
        return Ok(Renewal::NotDue);
    };
    let authority = match Authority::load(paths, now) {
        Ok(authority) => authority,
        // The browsers were not started for a month. What was prepared is right all the same.
        Err(AuthorityError::Expired) if next(paths, now).is_some() => {
            succeed(paths)?;
            return Ok(Renewal::Succeeded);
        }
        Err(error) => return Err(error.into()),
    };
    let left = left(&authority, now);
    if left >= PREPARED_BEFORE {
        return end(paths, stores, now);
    }
    let next = match next(paths, now) {
        Some(next) if next.local_names() == authority.local_names() => next,
        _ => {
            Authority::destroy(&paths.successor())?;
            Authority::create(&paths.successor(), authority.local_names(), now)?
        }
    };
    let added = add(&next, &authority, stores);
    match left {
        // A store that keeps refusing must not hold up the others for ever.
        left if left < SUCCEEDS_IN_ANY_CASE => succeed(paths)?,
        left if left < SUCCEEDS_BEFORE && added.is_ok() => succeed(paths)?,
        _ => {
            added?;
            return Ok(Renewal::Prepared);
        }
    }
    Ok(Renewal::Succeeded)
}

/// Puts the successor where the authority is trusted, and nowhere else.
fn add(
    next: &Authority,
    authority: &Authority,
    stores: &[Rc<dyn TrustStore>],
) -> anyhow::Result<()> {
    let mut failure = Ok(());
    for store in stores {
        let added = store.entries().and_then(|entries| {
            let trusts = |root| entries.iter().any(|entry| entry.is(root));
            match trusts(authority.root()) && !trusts(next.root()) {
                true => store.add(next.root()),
                false => Ok(()),
            }
        });
        if let Err(error) = added {
            failure = Err(error);
        }
    }
    failure.context("the authority's successor is not trusted everywhere")
}

/// Puts the successor in the authority's place. The old key goes at once; its root is remembered
/// until it is out of the stores.
fn succeed(paths: &Paths) -> anyhow::Result<()> {
    let root = paths::read_private(&paths.root_certificate())?;
    paths::write_private(&paths.root_before(), &root)?;
    Authority::destroy(paths)?;
    let (from, to) = (paths.successor().authority(), paths.authority());
    fs::rename(&from, &to).with_context(|| format!("cannot move {}", from.display()))?;
    paths::sync_directory(paths.data())?;
    Ok(())
}

/// Takes the root of before out of the stores, when browsers have had a week to be started anew.
fn end(paths: &Paths, stores: &[Rc<dyn TrustStore>], now: SystemTime) -> anyhow::Result<Renewal> {
    let Some(before) = before(paths) else {
        return Ok(Renewal::NotDue);
    };
    let since = fs::metadata(paths.root_before())?.modified()?;
    if now.duration_since(since).unwrap_or_default() < REMEMBERED {
        return Ok(Renewal::NotDue);
    }
    let remove = |store: &Rc<dyn TrustStore>| -> Result<(), TrustStoreError> {
        let entries = store.entries()?;
        let mut old = entries.iter().filter(|entry| entry.certificate == before);
        old.try_for_each(|entry| store.remove(entry))
    };
    stores.iter().try_for_each(remove)?;
    fs::remove_file(paths.root_before())?;
    Ok(Renewal::Ended)
}

fn before(paths: &Paths) -> Option<CertificateDer<'static>> {
    root(&paths.root_before())
}

/// The certificate in a private file, if there is one.
#[must_use]
pub fn root(file: &Path) -> Option<CertificateDer<'static>> {
    let pem = paths::read_private(file).ok()?;
    CertificateDer::from_pem_slice(&pem).ok()
}

fn left(authority: &Authority, now: SystemTime) -> Duration {
    authority.expires().duration_since(now).unwrap_or_default()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PREPARED_BEFORE: Duration = Duration::from_secs(60 * DAY.as_secs());
const SUCCEEDS_BEFORE: Duration = Duration::from_secs(30 * DAY.as_secs());
const SUCCEEDS_IN_ANY_CASE: Duration = Duration::from_secs(3 * DAY.as_secs());
const REMEMBERED: Duration = Duration::from_secs(7 * DAY.as_secs());
