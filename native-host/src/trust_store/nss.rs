//! NSS databases, which Firefox and, on Linux, Chromium read: `cert9.db` and its neighbours.
//!
//! They are written through NSS's own tool `certutil`, for their format is NSS's own affair.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use rusqlite::{Connection, OpenFlags};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{Entry, NAME_PREFIX, TrustStore, TrustStoreError, entry_name};
use crate::browsers::{Database, on_path};
use crate::paths;

/// An NSS database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NssDatabase {
    owner: String,
    directory: PathBuf,
    asks: bool,
}

impl NssDatabase {
    /// The database of a browser.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            owner: database.owner(),
            directory: database.directory.clone(),
            asks: false,
        }
    }

    /// The database in this directory, whoever uses it.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        let owner = "a certificate database".into();
        Self {
            owner,
            directory: directory.into(),
            asks: false,
        }
    }

    /// Lets `certutil` ask on the terminal for a password that the database may want.
    #[must_use]
    pub fn asking_for_passwords(self, asks: bool) -> Self {
        Self { asks, ..self }
    }
}

impl NssDatabase {
    /// A digest of everything in the database, if there is one.
    ///
    /// Where it is the same as after this installer's own last change, nobody else ever kept
    /// anything there. Looking for certificates and keys would not tell: Firefox keeps the key to
    /// all saved passwords in `key4.db`, where `certutil` does not list it.
    #[must_use]
    pub fn state(&self) -> Option<String> {
        let mut context = digest::Context::new(&digest::SHA256);
        for name in ["cert9.db", "key4.db"] {
            context.update(&fs::read(self.directory.join(name)).ok()?);
        }
        Some(HEXLOWER.encode(context.finish().as_ref()))
    }

    /// Whether there is nothing in it, in NSS's own tables: no certificate and no key, also none of
    /// those that `certutil` does not list.
    ///
    /// What cannot be read may hold something.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let count = |file: &str, query: &str| -> rusqlite::Result<u32> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let database = Connection::open_with_flags(self.directory.join(file), flags)?;
            database.query_row(query, [], |row| row.get(0))
        };
        let is_zero = |counted: rusqlite::Result<u32>| counted.is_ok_and(|count| count == 0);
        is_zero(count("cert9.db", "SELECT count(*) FROM nssPublic"))
            && (!self.directory.join("key4.db").exists()
                || is_zero(count("key4.db", "SELECT count(*) FROM nssPrivate"))
                    && is_zero(count(
                        "key4.db",
                        "SELECT count(*) FROM metaData WHERE id <> 'password'",
                    )))
    }

    /// The files of which it consists.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let files = DATABASE_FILES.iter().map(|name| self.directory.join(name));
        files.collect()
    }

    /// Deletes the database, whatever is in it.
    ///
    /// # Errors
    ///
    /// [`TrustStoreError::Io`] if any of its files cannot be deleted.
    pub fn delete(&self) -> Result<(), TrustStoreError> {
        for name in DATABASE_FILES {
            match fs::remove_file(self.directory.join(name)) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(self.io(source));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where `certutil` is, if it is installed.
#[must_use]
pub fn certutil() -> Option<PathBuf> {
    on_path("certutil")
}

impl TrustStore for NssDatabase {
    fn title(&self) -> String {
        format!("{} ({})", self.owner, paths::shown(&self.directory))
    }

    fn location(&self) -> &Path {
        &self.directory
    }

    fn exists(&self) -> bool {
        self.directory.join("cert9.db").is_file()
    }

    fn entries(&self) -> Result<Vec<Entry>, TrustStoreError> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for (name, trust) in self.names()? {
            if !name.starts_with(NAME_PREFIX) {
                continue;
            }
            let pem = self.run(["-L", "-n", &name, "-a"].map(OsStr::new))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| self.unreadable())?;
                let trusted = trust == TRUSTED_FOR_SERVERS;
                entries.push(Entry {
                    name: name.clone(),
                    certificate,
                    trusted,
                });
            }
        }
        Ok(entries)
    }

    fn add(&self, root: &CertificateDer<'_>) -> Result<(), TrustStoreError> {
        if !self.exists() {
            self.create()?;
        }
        let name = entry_name(root);
        let file = self.temporary(root)?;
        let arguments = ["-A", "-t", TRUSTED_FOR_SERVERS, "-n", &name, "-i"].map(OsStr::new);
        let arguments = arguments.into_iter().chain([file.path().as_os_str()]);
        if let Err(error) = self.run_asking(arguments) {
            // A refused password leaves the certificate behind, trusted for nothing.
            self.run(["-D", "-n", &name].map(OsStr::new)).ok();
            return Err(error);
        }
        match self
            .entries()?
            .iter()
            .any(|entry| entry.name == name && entry.is(root))
        {
            true => Ok(()),
            false => Err(TrustStoreError::ReadBack(self.directory.clone())),
        }
    }

    fn remove(&self, entry: &Entry) -> Result<(), TrustStoreError> {
        self.run(["-D", "-n", &entry.name].map(OsStr::new))?;
        match self.entries()?.contains(entry) {
            true => Err(TrustStoreError::ReadBack(self.directory.clone())),
            false => Ok(()),
        }
    }
}

impl NssDatabase {
    /// Makes an empty database without a password, as the browsers themselves do.
    fn create(&self) -> Result<(), TrustStoreError> {
        paths::create_directories(&self.directory).map_err(|source| self.io(source))?;
        self.run(["-N", "--empty-password"].map(OsStr::new))
            .map(drop)
    }

    /// Every entry's name and trust flags. A name may contain spaces, the flags may not.
    fn names(&self) -> Result<Vec<(String, String)>, TrustStoreError> {
        let listing = self.run(["-L"].map(OsStr::new))?;
        let listing = String::from_utf8_lossy(&listing);
        let rows = listing
            .lines()
            .filter_map(|line| line.trim_end().rsplit_once(' '));
        let is_flags = |flags: &str| {
            flags.matches(',').count() == 2
                && flags
                    .chars()
                    .all(|flag| flag == ',' || flag.is_ascii_alphabetic())
        };
        Ok(rows
            .filter(|(name, flags)| is_flags(flags) && !name.trim().is_empty())
            .map(|(name, flags)| (name.trim_end().into(), flags.into()))
            .collect())
    }

    /// Runs `certutil`; where the database wants a password and [`Self::asking_for_passwords`] allows it,
    /// lets `certutil` itself ask for it.
    fn run_asking<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a OsStr> + Clone,
    ) -> Result<(), TrustStoreError> {
        match self.run(arguments.clone()) {
            Err(TrustStoreError::Password(_)) if self.asks => {
                let mut command = self.command(arguments)?;
                match command
                    .status()
                    .map_err(|source| self.io(source))?
                    .success()
                {
                    true => Ok(()),
                    false => Err(TrustStoreError::Password(self.directory.clone())),
                }
            }
            result => result.map(drop),
        }
    }

    /// Runs `certutil` with no password to offer, so that it never waits for one.
    fn run<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<Vec<u8>, TrustStoreError> {
        let mut command = self.command(arguments)?;
        let no_password = tempfile::NamedTempFile::new().map_err(|source| self.io(source))?;
        command
            .arg("-f")
            .arg(no_password.path())
            .stdin(Stdio::null());
        let output = command.output().map_err(|source| self.io(source))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        // It says some things on one stream and some on the other.
        let message = [output.stdout, output.stderr].concat();
        let message = String::from_utf8_lossy(&message);
        if message.contains("SEC_ERROR_BAD_PASSWORD") {
            return Err(TrustStoreError::Password(self.directory.clone()));
        }
        let last = message
            .trim()
            .lines()
            .last()
            .unwrap_or("it did not say why");
        let message = last.trim_start_matches("certutil: ").into();
        Err(TrustStoreError::Tool {
            path: self.directory.clone(),
            message,
        })
    }

    fn command<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<Command, TrustStoreError> {
        let mut command = Command::new(certutil().ok_or(TrustStoreError::NoTool)?);
        let mut directory = OsString::from("sql:");
        directory.push(&self.directory);
        command
            .args(arguments)
            .arg("-d")
            .arg(directory)
            .env("LC_ALL", "C");
        Ok(command)
    }

    fn temporary(
        &self,
        root: &CertificateDer<'_>,
    ) -> Result<tempfile::NamedTempFile, TrustStoreError> {
        let write = || -> io::Result<_> {
            let mut file = tempfile::NamedTempFile::new()?;
            file.write_all(root)?;
            file.flush()?;
            Ok(file)
        };
        write().map_err(|source| self.io(source))
    }

    fn unreadable(&self) -> TrustStoreError {
        let message = "an entry is no certificate".into();
        TrustStoreError::Tool {
            path: self.directory.clone(),
            message,
        }
    }

    fn io(&self, source: io::Error) -> TrustStoreError {
        TrustStoreError::Io {
            path: self.directory.clone(),
            source,
        }
    }
}

/// `certutil`'s word for an authority that may vouch for TLS servers and for nothing else.
const TRUSTED_FOR_SERVERS: &str = "C,,";
const DATABASE_FILES: [&str; 3] = ["cert9.db", "key4.db", "pkcs11.txt"];
