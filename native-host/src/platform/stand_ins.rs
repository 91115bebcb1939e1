//! Stand-ins for systems that are not here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rustls_pki_types::CertificateDer;

use super::World;

type Answer = dyn Fn(&str, &[String]) -> io::Result<Vec<u8>>;

/// A world of what a test says, which remembers every command.
#[derive(Default)]
pub(super) struct FakeWorld {
    variables: BTreeMap<String, OsString>,
    directories: BTreeSet<PathBuf>,
    answer: Option<Box<Answer>>,
    said: RefCell<Vec<Vec<String>>>,
}

impl FakeWorld {
    pub(super) fn with(mut self, variable: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(variable.into(), value.into());
        self
    }

    pub(super) fn having(mut self, directory: &str) -> Self {
        self.directories.insert(directory.into());
        self
    }

    pub(super) fn answering(
        mut self,
        answer: impl Fn(&str, &[String]) -> io::Result<Vec<u8>> + 'static,
    ) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// Every command so far, with its arguments.
    pub(super) fn said(&self) -> Vec<Vec<String>> {
        self.said.borrow().clone()
    }
}

impl fmt::Debug for FakeWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeWorld")
    }
}

impl World for FakeWorld {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).cloned()
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.directories.contains(path)
    }

    fn run(&self, program: &str, arguments: &[&OsStr]) -> io::Result<Vec<u8>> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let whole = [program.to_owned()].into_iter().chain(arguments.clone());
        self.said.borrow_mut().push(whole.collect());
        match &self.answer {
            Some(answer) => answer(program, &arguments),
            None => Ok(Vec::new()),
        }
    }
}

/// Something that stands where a root would: stores do not look into it.
pub(super) fn root() -> CertificateDer<'static> {
    CertificateDer::from(b"a root".to_vec())
}

pub(super) fn pem(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let body = BASE64.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into()
}
