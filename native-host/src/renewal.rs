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

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::fs::FlockOperation;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::authority::{Authority, AuthorityError};
use crate::browsers;
use crate::install::Record;
use crate::paths::{self, Paths, PathsError};
use crate::trust_store::nss::NssDatabase;
use crate::trust_store::{TrustStore as _, TrustStoreError};

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
pub fn renew(paths: &Paths, now: SystemTime) -> anyhow::Result<Renewal> {
    let record = Record::load(paths)?;
    let survey = browsers::survey(&record.explicit())?;
    let stores: Vec<_> = survey.databases.iter().map(NssDatabase::new).collect();
    renew_in(paths, &stores, now)
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

fn renew_in(paths: &Paths, stores: &[NssDatabase], now: SystemTime) -> anyhow::Result<Renewal> {
    paths.check()?;
    // Several browsers may start at once; one of their helpers is enough.
    let directory = File::open(paths.data())?;
    if rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(Renewal::NotDue);
    }
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
fn add(next: &Authority, authority: &Authority, stores: &[NssDatabase]) -> anyhow::Result<()> {
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
    File::open(paths.data())?.sync_all()?;
    Ok(())
}

/// Takes the root of before out of the stores, when browsers have had a week to be started anew.
fn end(paths: &Paths, stores: &[NssDatabase], now: SystemTime) -> anyhow::Result<Renewal> {
    let Some(before) = before(paths) else {
        return Ok(Renewal::NotDue);
    };
    let since = fs::metadata(paths.root_before())?.modified()?;
    if now.duration_since(since).unwrap_or_default() < REMEMBERED {
        return Ok(Renewal::NotDue);
    }
    let remove = |store: &NssDatabase| -> Result<(), TrustStoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Home {
        directory: tempfile::TempDir,
        paths: Paths,
        /// The end of the authority that was made at first.
        end: SystemTime,
    }

    impl Home {
        /// One store trusts the authority, another does not.
        fn new() -> (Self, [NssDatabase; 2]) {
            let directory = tempfile::tempdir().unwrap();
            let paths = Paths::at(directory.path().join("data"));
            let names = ["fritz.box".to_owned()];
            let authority = Authority::create(&paths, &names, SystemTime::now()).unwrap();
            let stores =
                ["trusts", "does not"].map(|name| NssDatabase::at(&directory.path().join(name)));
            stores[0].add(authority.root()).unwrap();
            stores[1].add(authority.root()).unwrap();
            stores[1].remove(&stores[1].entries().unwrap()[0]).unwrap();
            let end = authority.expires();
            (
                Self {
                    directory,
                    paths,
                    end,
                },
                stores,
            )
        }

        fn before_the_end(&self, days: u32) -> SystemTime {
            self.end - days * DAY
        }

        fn root(&self) -> Vec<u8> {
            fs::read(self.paths.root_certificate()).unwrap()
        }

        fn files(&self) -> usize {
            fn count(directory: &Path) -> usize {
                let entries = fs::read_dir(directory)
                    .unwrap()
                    .map(|it| it.unwrap().path());
                entries
                    .map(|it| if it.is_dir() { count(&it) } else { 1 })
                    .sum()
            }
            count(&self.directory.path().join("data"))
        }
    }

    #[test]
    fn it_follows_itself_where_it_is_trusted_and_nowhere_else() {
        let (home, stores) = Home::new();
        let renew = |days| renew_in(&home.paths, &stores, home.before_the_end(days)).unwrap();
        let names = || stores.each_ref().map(|it| it.entries().unwrap().len());
        let (first, files) = (home.root(), home.files());

        assert_eq!(renew(100), Renewal::NotDue);
        assert_eq!((names(), home.files()), ([1, 0], files));
        assert_eq!(renew(59), Renewal::Prepared);
        assert_eq!(names(), [2, 0], "who took it out does not get the next one");
        let next = next(&home.paths, home.before_the_end(59)).unwrap();
        assert_eq!(
            next.local_names(),
            ["fritz.box"],
            "the same names, no others"
        );
        assert_eq!(renew(58), Renewal::Prepared, "the same one");
        assert_eq!((names(), home.root()), ([2, 0], first.clone()));

        assert_eq!(renew(29), Renewal::Succeeded);
        let authority = Authority::load(&home.paths, home.before_the_end(29)).unwrap();
        assert_eq!(authority.root(), next.root());
        assert!(authority.expires() > home.end);
        assert!(
            stores[0]
                .entries()
                .unwrap()
                .iter()
                .any(|it| it.is(authority.root()))
        );
        assert_eq!(
            names(),
            [2, 0],
            "a browser that runs still needs the old one"
        );
        assert_eq!(welcome(&home.paths, home.before_the_end(29)).len(), 1);
    }

    #[test]
    fn the_old_root_goes_when_browsers_had_time_to_start_anew() {
        let (home, stores) = Home::new();
        let at = home.before_the_end(29);
        assert_eq!(
            renew_in(&home.paths, &stores, at).unwrap(),
            Renewal::Succeeded
        );
        // It was written just now, by the clock of the file system.
        let soon = SystemTime::now() + 6 * DAY;
        let later = SystemTime::now() + 8 * DAY;
        let left = || stores[0].entries().unwrap().len();
        // The new one began only before the end of the old one.
        fs::write(
            home.paths.root_before(),
            fs::read(home.paths.root_before()).unwrap(),
        )
        .unwrap();
        assert_eq!(end(&home.paths, &stores, soon).unwrap(), Renewal::NotDue);
        assert_eq!(left(), 2);
        assert_eq!(end(&home.paths, &stores, later).unwrap(), Renewal::Ended);
        assert_eq!(left(), 1);
        assert!(!home.paths.root_before().exists());
        assert_eq!(end(&home.paths, &stores, later).unwrap(), Renewal::NotDue);
    }

    #[test]
    fn one_that_ended_meanwhile_is_followed_by_what_was_prepared() {
        let (home, stores) = Home::new();
        let at = home.before_the_end(40);
        assert_eq!(
            renew_in(&home.paths, &stores, at).unwrap(),
            Renewal::Prepared
        );
        let after = home.end + 10 * DAY;
        assert_eq!(
            renew_in(&home.paths, &stores, after).unwrap(),
            Renewal::Succeeded
        );
        Authority::load(&home.paths, after).unwrap();
        // Without anything prepared, only the person can help.
        let (home, stores) = Home::new();
        assert!(renew_in(&home.paths, &stores, home.end + 10 * DAY).is_err());
        assert_eq!(stores[0].entries().unwrap().len(), 1);
    }

    #[test]
    fn a_store_that_refuses_holds_it_up_but_not_for_ever() {
        let (home, stores) = Home::new();
        let database = stores[0].location().join("cert9.db");
        fs::write(&database, "damaged").unwrap();
        let renew = |days| renew_in(&home.paths, &stores, home.before_the_end(days));
        renew(50).unwrap_err();
        renew(20).unwrap_err();
        let first = home.root();
        assert_eq!(renew(2).unwrap(), Renewal::Succeeded);
        assert_ne!(home.root(), first);
    }
}
