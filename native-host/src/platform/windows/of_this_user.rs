//! The registry and the root store of the user that runs this process.

use std::io;

use rustls_pki_types::CertificateDer;
use schannel::cert_context::CertContext;
use schannel::cert_store::{CertAdd, CertStore};
use winreg::RegKey;
use winreg::enums::HKEY_CURRENT_USER;

use super::{Registry, Roots};

#[derive(Debug)]
pub(super) struct UsersRegistry;

impl Registry for UsersRegistry {
    fn value(&self, key: &str) -> io::Result<Option<String>> {
        let user = RegKey::predef(HKEY_CURRENT_USER);
        match user.open_subkey(key).and_then(|key| key.get_value("")) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn set(&self, key: &str, value: &str) -> io::Result<()> {
        let (key, _) = RegKey::predef(HKEY_CURRENT_USER).create_subkey(key)?;
        key.set_value("", &value)
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        match RegKey::predef(HKEY_CURRENT_USER).delete_subkey(key) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
pub(super) struct UsersRoots;

impl Roots for UsersRoots {
    fn all(&self) -> io::Result<Vec<CertificateDer<'static>>> {
        let store = CertStore::open_current_user(ROOTS)?;
        let certificates = store.certs();
        Ok(certificates
            .map(|certificate| certificate.to_der().to_vec().into())
            .collect())
    }

    fn add(&self, root: &CertificateDer<'_>) -> io::Result<()> {
        let mut store = CertStore::open_current_user(ROOTS)?;
        store.add_cert(&CertContext::new(root)?, CertAdd::ReplaceExisting)?;
        Ok(())
    }

    fn remove(&self, root: &CertificateDer<'_>) -> io::Result<()> {
        let store = CertStore::open_current_user(ROOTS)?;
        for certificate in store.certs() {
            if certificate.to_der() == root.as_ref() {
                certificate.delete()?;
            }
        }
        Ok(())
    }
}

const ROOTS: &str = "Root";
