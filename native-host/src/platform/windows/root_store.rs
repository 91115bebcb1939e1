//! The user's store of root authorities.

use std::fmt;
use std::io;
use std::path::Path;
use std::rc::Rc;

use housekey_core::checkup::Whose;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::trust_store::{Entry, NAME_PREFIX, TrustStore, TrustStoreError, entry_name};

/// The certificates of the store, as Windows gives and takes them. What is in it is trusted.
pub trait Roots: fmt::Debug {
    /// All of them.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn all(&self) -> io::Result<Vec<CertificateDer<'static>>>;

    /// Puts one in. Windows asks the person.
    ///
    /// # Errors
    ///
    /// What the system says; also if the person says no.
    fn add(&self, root: &CertificateDer<'_>) -> io::Result<()>;

    /// Takes one out. Windows asks the person.
    ///
    /// # Errors
    ///
    /// What the system says; also if the person says no.
    fn remove(&self, root: &CertificateDer<'_>) -> io::Result<()>;
}

/// Housekey's part of the store.
#[derive(Debug)]
pub struct RootStore {
    roots: Rc<dyn Roots>,
}

impl RootStore {
    pub(super) fn new(roots: Rc<dyn Roots>) -> Self {
        Self { roots }
    }
}

impl TrustStore for RootStore {
    fn whose(&self) -> Option<Whose> {
        Some(Whose::browser("Windows"))
    }

    fn location(&self) -> &Path {
        Path::new(LOCATION)
    }

    fn entries(&self) -> Result<Vec<Entry>, TrustStoreError> {
        let all = self.roots.all().map_err(refused)?;
        let ours = all.into_iter().filter(is_ours);
        let entry = |certificate| Entry {
            name: entry_name(&certificate),
            certificate,
            trusted: true,
        };
        Ok(ours.map(entry).collect())
    }

    fn add(&self, root: &CertificateDer<'_>) -> Result<(), TrustStoreError> {
        self.roots.add(root).map_err(refused)?;
        match self.entries()?.iter().any(|entry| entry.is(root)) {
            true => Ok(()),
            false => Err(TrustStoreError::ReadBack(LOCATION.into())),
        }
    }

    fn remove(&self, entry: &Entry) -> Result<(), TrustStoreError> {
        self.roots.remove(&entry.certificate).map_err(refused)?;
        match self.entries()?.contains(entry) {
            true => Err(TrustStoreError::ReadBack(LOCATION.into())),
            false => Ok(()),
        }
    }
}

/// Whether the certificate's own name says that Housekey made it: entries have no other here.
fn is_ours(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    let mut names = parsed.subject().iter_common_name();
    names.any(|name| {
        name.as_str()
            .is_ok_and(|name| name.starts_with(NAME_PREFIX.trim_end()))
    })
}

fn refused(source: io::Error) -> TrustStoreError {
    TrustStoreError::Io {
        path: LOCATION.into(),
        source,
    }
}

/// As Windows' own tools write it.
const LOCATION: &str = r"Cert:\CurrentUser\Root";

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;
    use std::time::SystemTime;

    use super::*;
    use crate::authority::Authority;
    use crate::paths::Paths;

    #[derive(Debug, Default)]
    pub(crate) struct FakeRoots {
        certificates: RefCell<Vec<CertificateDer<'static>>>,
        /// The person says yes, and it does not happen.
        stuck: bool,
    }

    impl Roots for FakeRoots {
        fn all(&self) -> io::Result<Vec<CertificateDer<'static>>> {
            Ok(self.certificates.borrow().clone())
        }

        fn add(&self, root: &CertificateDer<'_>) -> io::Result<()> {
            if !self.stuck {
                self.certificates
                    .borrow_mut()
                    .push(root.clone().into_owned());
            }
            Ok(())
        }

        fn remove(&self, root: &CertificateDer<'_>) -> io::Result<()> {
            if !self.stuck {
                self.certificates
                    .borrow_mut()
                    .retain(|one| one.as_ref() != root.as_ref());
            }
            Ok(())
        }
    }

    fn root() -> CertificateDer<'static> {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("housekey"));
        paths.prepare().unwrap();
        let authority = Authority::create(&paths, &[], SystemTime::now()).unwrap();
        authority.root().clone().into_owned()
    }

    #[test]
    fn only_housekeys_own_root_is_seen_and_it_comes_out_again() {
        let stranger = CertificateDer::from(b"no certificate".to_vec());
        let roots = Rc::new(FakeRoots::default());
        roots.add(&stranger).unwrap();
        let store = RootStore::new(Rc::clone(&roots) as _);
        let root = root();
        assert!(store.entries().unwrap().is_empty());
        store.add(&root).unwrap();
        let entries = store.entries().unwrap();
        assert!(entries.len() == 1 && entries[0].is(&root));
        store.remove(&entries[0]).unwrap();
        assert_eq!(roots.all().unwrap(), [stranger]);
    }

    #[test]
    fn what_the_store_does_not_keep_or_give_up_is_an_error() {
        let root = root();
        let roots = FakeRoots {
            certificates: RefCell::default(),
            stuck: true,
        };
        let store = RootStore::new(Rc::new(roots));
        assert_eq!(
            store.add(&root).unwrap_err().code(),
            "trust_store_read_back"
        );
        let roots = FakeRoots {
            certificates: RefCell::new(vec![root]),
            stuck: true,
        };
        let store = RootStore::new(Rc::new(roots));
        let entry = &store.entries().unwrap()[0];
        assert_eq!(
            store.remove(entry).unwrap_err().code(),
            "trust_store_read_back"
        );
    }
}
