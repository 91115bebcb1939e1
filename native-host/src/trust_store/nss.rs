//! NSS databases, which Firefox and, on Linux, Chromium read: `cert9.db` and its neighbours.
//!
//! They are written through NSS's own tool `certutil`, for their format is NSS's own affair.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use housekey_core::checkup::Whose;
use rusqlite::{Connection, OpenFlags};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{Entry, NAME_PREFIX, TrustStore, TrustStoreError, entry_name};
use crate::paths;
use crate::platform::on_path;

/// An NSS database.
///
/// Where it wants a password, `certutil` itself asks for it, if a person is at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NssDatabase {
    whose: Option<Whose>,
    directory: PathBuf,
    asks: bool,
}

impl NssDatabase {
    /// The database of a browser, in the directory that holds `cert9.db`, or would.
    #[must_use]
    pub fn new(whose: Whose, directory: &Path) -> Self {
        let whose = Some(whose);
        Self {
            whose,
            ..Self::at(directory)
        }
    }

    /// The database in this directory, whoever uses it.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        Self {
            whose: None,
            directory: directory.into(),
            asks: io::stdin().is_terminal(),
        }
    }
}

/// Where `certutil` is, if it is installed.
#[must_use]
pub fn certutil() -> Option<PathBuf> {
    on_path("certutil")
}

impl TrustStore for NssDatabase {
    fn whose(&self) -> Option<Whose> {
        self.whose.clone()
    }

    fn location(&self) -> &Path {
        &self.directory
    }

    fn check_tool(&self) -> Result<(), TrustStoreError> {
        certutil().map(drop).ok_or(TrustStoreError::NoTool)
    }

    fn exists(&self) -> bool {
        self.directory.join("cert9.db").is_file()
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = DATABASE_FILES.iter().map(|name| self.directory.join(name));
        files.collect()
    }

    /// Looking for certificates and keys would not tell: Firefox keeps the key to all saved
    /// passwords in `key4.db`, where `certutil` does not list it.
    fn state(&self) -> Option<String> {
        let mut context = digest::Context::new(&digest::SHA256);
        for name in ["cert9.db", "key4.db"] {
            context.update(&fs::read(self.directory.join(name)).ok()?);
        }
        Some(HEXLOWER.encode(context.finish().as_ref()))
    }

    /// In NSS's own tables: no certificate and no key, also none of those that `certutil` does not
    /// list.
    fn is_empty(&self) -> bool {
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

    fn delete(&self) -> Result<(), TrustStoreError> {
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

    /// Runs `certutil`; where the database wants a password and somebody is there, lets `certutil`
    /// itself ask for it.
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
            tool: "certutil",
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
            tool: "certutil",
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
