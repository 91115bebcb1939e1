//! The directory of makers that comes with Housekey: a data file and the certificates beside it.
//!
//! Whoever adds an entry names where the bytes came from and how they were checked.
//! An entry that does not hold together is never passed over: the tests refuse it, and a helper
//! that was built with one all the same refuses to work.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use housekey_core::certificate::Certificate;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::maker::{MakerId, NameRule, Provenance, RootError, fitness};
use housekey_core::text::SafeText;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

/// A maker of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which; it never changes, as pins rest on it.
    pub id: MakerId,
    /// The company, as it is shown.
    pub name: SafeText,
    /// Its roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// What must hold of its devices' certificates.
    pub rule: NameRule,
    /// How its roots came here.
    pub provenance: Provenance,
    /// What else there is to know; empty for nothing.
    pub note: String,
}

/// The entry that does not hold together, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the directory of makers is damaged, so reinstall Housekey ({entry}: {why})")]
pub struct DirectoryError {
    /// Its id, as far as that could be read.
    pub entry: String,
    /// Why.
    pub why: String,
}

/// An entry as it stands in the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawEntry {
    id: MakerId,
    name: String,
    roots: Vec<RawRoot>,
    rule: NameRule,
    provenance: Provenance,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoot {
    file: String,
    sha256: CertificateSha256,
}

/// The directory that was compiled in.
///
/// # Errors
///
/// [`DirectoryError`] for one that does not hold together, which the tests never let pass.
pub fn compiled_in() -> Result<&'static [Entry], DirectoryError> {
    static DIRECTORY: LazyLock<Result<Vec<Entry>, DirectoryError>> =
        LazyLock::new(|| read(JSON, FILES));
    DIRECTORY.as_deref().map_err(Clone::clone)
}

/// Reads a directory: its JSON, and the certificates by the names of their files.
///
/// # Errors
///
/// [`DirectoryError`] about the first entry that does not hold together.
pub fn read(json: &str, files: &[(&str, &str)]) -> Result<Vec<Entry>, DirectoryError> {
    let raw: Vec<RawEntry> = serde_json::from_str(json).map_err(|error| DirectoryError {
        entry: "directory.json".into(),
        why: error.to_string(),
    })?;
    let (mut ids, mut roots) = (BTreeSet::new(), BTreeSet::new());
    let mut entries = Vec::with_capacity(raw.len());
    for entry in raw {
        let id = entry.id.clone();
        let wrong = |why: String| DirectoryError {
            entry: id.to_string(),
            why,
        };
        if !ids.insert(entry.id.clone()) {
            return Err(wrong("its id is there twice".into()));
        }
        let twice = entry.roots.iter().find(|root| !roots.insert(root.sha256));
        if let Some(root) = twice {
            return Err(wrong(format!("{} is there twice", root.file)));
        }
        entries.push(entry.check(files).map_err(wrong)?);
    }
    Ok(entries)
}

impl RawEntry {
    fn check(self, files: &[(&str, &str)]) -> Result<Entry, String> {
        if self.id.is_added_by_person() {
            return Err("its id is one of those that people's own makers have".into());
        }
        let name = harmless(&self.name)?;
        if self.roots.is_empty() {
            return Err("it has no root".into());
        }
        let roots = self.roots.iter().map(|root| root.load(files));
        let roots = roots.collect::<Result<_, _>>()?;
        check_rule(&self.rule)?;
        check_provenance(&self.provenance)?;
        Ok(Entry {
            id: self.id,
            name,
            roots,
            rule: self.rule,
            provenance: self.provenance,
            note: self.note,
        })
    }
}

impl RawRoot {
    fn load(&self, files: &[(&str, &str)]) -> Result<CertificateDer<'static>, String> {
        let file = &self.file;
        let (_, pem) = files
            .iter()
            .find(|(name, _)| name == file)
            .ok_or_else(|| format!("{file} is not compiled in"))?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| format!("{file} holds no certificate"))?;
        let root = Certificate::from_der(&der).map_err(|error| format!("{file}: {error}"))?;
        if root.sha256 != self.sha256 {
            return Err(format!("{file} is {} instead", root.sha256));
        }
        webpki::anchor_from_trusted_cert(&der).map_err(|error| format!("{file}: {error}"))?;
        // Its dates are looked at whenever a chain ends in it: a root that ends while this Housekey
        // is in use must not stop all else.
        match fitness(&root, root.not_before) {
            Ok(()) | Err(RootError::Expired) => Ok(der),
            Err(error) => Err(format!("{file}: {error}")),
        }
    }
}

fn check_rule(rule: &NameRule) -> Result<(), String> {
    if rule
        .pattern
        .is_some_and(|it| it.min == 0 || it.min > it.max)
    {
        return Err("nothing fits its pattern, or no characters do".into());
    }
    let Some(company) = &rule.company else {
        return Ok(());
    };
    if company.any_of.is_empty() {
        return Err("no company fits its rule".into());
    }
    let names = company.any_of.iter();
    names
        .map(SafeText::as_str)
        .try_for_each(|name| harmless(name).map(drop))
}

fn check_provenance(provenance: &Provenance) -> Result<(), String> {
    harmless(provenance.publisher.as_str())?;
    let addresses = provenance.seen_at.iter().chain([&provenance.url]);
    for address in addresses {
        if !address.starts_with("https://") || harmless_or_long(address).is_err() {
            return Err(format!("{address:?} is no public address"));
        }
    }
    if provenance.seen_at.is_empty() || provenance.how.is_empty() {
        return Err("nobody says how it was checked".into());
    }
    let is_date = |text: &str| {
        let format = time::macros::format_description!("[year]-[month]-[day]");
        time::Date::parse(text, format).is_ok()
    };
    if !is_date(&provenance.checked_on) {
        return Err(format!("{:?} is no date", provenance.checked_on));
    }
    harmless_or_long(&provenance.how)
}

/// A name that is shown just as it stands.
fn harmless(name: &str) -> Result<SafeText, String> {
    let text = SafeText::new(name);
    if text.is_empty() || text.is_suspicious() || text.as_str() != name {
        return Err(format!("{name:?} cannot be shown as it is"));
    }
    Ok(text)
}

/// The same for what is longer than a name.
fn harmless_or_long(text: &str) -> Result<(), String> {
    let is_plain = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    is_plain
        .then_some(())
        .ok_or_else(|| format!("{text:?} holds more than plain characters"))
}

const JSON: &str = include_str!("../../data/makers/directory.json");

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../data/makers/", $file)))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "bambu-lab-bbl-ca.pem",
    "bambu-lab-bbl-ca2-ecc.pem",
    "bambu-lab-bbl-ca2-rsa.pem",
    "bosch-smart-home-root-ca.pem",
    "philips-hue-root-bridge.pem",
    "philips-hue-root-ca-01.pem",
];
