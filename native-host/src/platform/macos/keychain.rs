//! The login keychain, through `security` (security(1)).

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use housekey_core::checkup::Whose;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::authority::fingerprint;
use crate::platform::World;
use crate::trust_store::{Entry, NAME_PREFIX, TrustStore, TrustStoreError, entry_name};

/// A keychain of the user's, and what they trust of it.
#[derive(Debug)]
pub(super) struct Keychain {
    world: Rc<dyn World>,
    file: PathBuf,
}

impl Keychain {
    pub(super) fn new(world: Rc<dyn World>, file: PathBuf) -> Self {
        Self { world, file }
    }

    fn security(&self, arguments: &[&OsStr]) -> Result<Vec<u8>, TrustStoreError> {
        let said = self.world.run(SECURITY, arguments);
        said.map_err(|error| TrustStoreError::Tool {
            tool: "security",
            path: self.file.clone(),
            message: error.to_string(),
        })
    }

    /// Whether the user trusts it to vouch for TLS servers. `verify-cert` is what the system itself
    /// makes of the certificate; `-l` takes an authority as a leaf, `-L` looks nothing up.
    fn is_trusted(&self, certificate: &CertificateDer<'_>) -> Result<bool, TrustStoreError> {
        let file = self.temporary(certificate)?;
        let before = ["verify-cert", "-l", "-L", "-p", "ssl", "-c"].map(OsStr::new);
        let mut arguments = before.to_vec();
        arguments.push(file.path().as_os_str());
        Ok(self.world.run(SECURITY, &arguments).is_ok())
    }

    fn temporary(
        &self,
        certificate: &CertificateDer<'_>,
    ) -> Result<tempfile::NamedTempFile, TrustStoreError> {
        let write = || -> io::Result<_> {
            let mut file = tempfile::Builder::new().suffix(".cer").tempfile()?;
            file.write_all(certificate)?;
            file.flush()?;
            Ok(file)
        };
        write().map_err(|source| TrustStoreError::Io {
            path: self.file.clone(),
            source,
        })
    }
}

impl TrustStore for Keychain {
    fn whose(&self) -> Option<Whose> {
        Some(Whose::browser("macOS"))
    }

    fn location(&self) -> &Path {
        &self.file
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.file.clone()]
    }

    fn entries(&self) -> Result<Vec<Entry>, TrustStoreError> {
        let find = ["find-certificate", "-a", "-p", "-c", NAME_PREFIX].map(OsStr::new);
        let mut arguments = find.to_vec();
        arguments.push(self.file.as_os_str());
        // That there is none is told as a failure.
        let Ok(pem) = self.world.run(SECURITY, &arguments) else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| TrustStoreError::Tool {
                tool: "security",
                path: self.file.clone(),
                message: "an entry is no certificate".into(),
            })?;
            entries.push(Entry {
                name: entry_name(&certificate),
                trusted: self.is_trusted(&certificate)?,
                certificate,
            });
        }
        Ok(entries)
    }

    fn add(&self, root: &CertificateDer<'_>) -> Result<(), TrustStoreError> {
        let file = self.temporary(root)?;
        // Without `-d` for the user alone, and for TLS servers alone.
        let add = ["add-trusted-cert", "-r", "trustRoot", "-p", "ssl", "-k"].map(OsStr::new);
        let mut arguments = add.to_vec();
        arguments.extend([self.file.as_os_str(), file.path().as_os_str()]);
        self.security(&arguments)?;
        match self.entries()?.iter().any(|entry| entry.is(root)) {
            true => Ok(()),
            false => Err(TrustStoreError::ReadBack(self.file.clone())),
        }
    }

    fn remove(&self, entry: &Entry) -> Result<(), TrustStoreError> {
        let file = self.temporary(&entry.certificate)?;
        let distrust = OsStr::new("remove-trusted-cert");
        // One that was never trusted cannot be distrusted; whether it is gone is read back.
        self.security(&[distrust, file.path().as_os_str()]).ok();
        let hash = fingerprint(&entry.certificate);
        let delete = ["delete-certificate", "-Z", &hash].map(OsStr::new);
        let mut arguments = delete.to_vec();
        arguments.push(self.file.as_os_str());
        self.security(&arguments)?;
        let mut left = self.entries()?.into_iter();
        match left.any(|left| left.certificate == entry.certificate) {
            true => Err(TrustStoreError::ReadBack(self.file.clone())),
            false => Ok(()),
        }
    }
}

/// By its whole path, so that no other program of that name answers.
const SECURITY: &str = "/usr/bin/security";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::stand_ins::{FakeWorld, pem, root};

    fn keychain(world: &Rc<FakeWorld>) -> Keychain {
        let world: Rc<dyn World> = Rc::clone(world) as _;
        Keychain::new(world, "/k.keychain-db".into())
    }

    #[test]
    fn a_root_is_added_for_the_user_and_for_servers_alone_and_read_back() {
        let root = root();
        let world =
            Rc::new(FakeWorld::default().answering(
                move |_, arguments| match arguments[0].as_str() {
                    "find-certificate" => Ok(pem(&root)),
                    _ => Ok(Vec::new()),
                },
            ));
        keychain(&world).add(&self::root()).unwrap();
        let said = world.said();
        assert_eq!(
            said[0][..7],
            [
                SECURITY,
                "add-trusted-cert",
                "-r",
                "trustRoot",
                "-p",
                "ssl",
                "-k",
            ]
        );
        assert_eq!(said[0][7], "/k.keychain-db");
        assert_eq!(said[1][1], "find-certificate");
        assert_eq!(said[2][1..6], ["verify-cert", "-l", "-L", "-p", "ssl"]);
    }

    #[test]
    fn what_did_not_stay_or_is_not_trusted_is_an_error() {
        let absent = |_: &str, arguments: &[String]| match arguments[0].as_str() {
            "find-certificate" => Err(io::Error::other("could not be found in the keychain")),
            _ => Ok(Vec::new()),
        };
        let world = Rc::new(FakeWorld::default().answering(absent));
        let error = keychain(&world).add(&root()).unwrap_err();
        assert_eq!(error.code(), "trust_store_read_back");

        let untrusted = |_: &str, arguments: &[String]| match arguments[0].as_str() {
            "find-certificate" => Ok(pem(&root())),
            "verify-cert" => Err(io::Error::other("CSSMERR_TP_NOT_TRUSTED")),
            _ => Ok(Vec::new()),
        };
        let world = Rc::new(FakeWorld::default().answering(untrusted));
        let error = keychain(&world).add(&root()).unwrap_err();
        assert_eq!(error.code(), "trust_store_read_back");
        let entries = keychain(&world).entries().unwrap();
        assert!(entries.len() == 1 && !entries[0].trusted);
    }

    #[test]
    fn removal_distrusts_deletes_and_reads_back() {
        let world =
            Rc::new(
                FakeWorld::default().answering(|_, arguments| match arguments[0].as_str() {
                    "find-certificate" => Err(io::Error::other("could not be found")),
                    "remove-trusted-cert" => Err(io::Error::other("no trust settings")),
                    _ => Ok(Vec::new()),
                }),
            );
        let entry = Entry {
            name: entry_name(&root()),
            certificate: root(),
            trusted: true,
        };
        keychain(&world).remove(&entry).unwrap();
        let said = world.said();
        assert_eq!(said[0][1], "remove-trusted-cert");
        assert_eq!(said[1][1..3], ["delete-certificate", "-Z"]);
        assert_eq!(said[1][3], fingerprint(&root()));

        let world =
            Rc::new(
                FakeWorld::default().answering(|_, arguments| match arguments[0].as_str() {
                    "find-certificate" => Ok(pem(&root())),
                    _ => Ok(Vec::new()),
                }),
            );
        let error = keychain(&world).remove(&entry).unwrap_err();
        assert_eq!(error.code(), "trust_store_read_back");
    }
}
