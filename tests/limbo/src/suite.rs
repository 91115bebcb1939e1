//! The files: the suite, what two other validators found in it, and what was decided here.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// x509-limbo's file, as its `models.py` describes it, as far as it is used here.
#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<LimboCase>,
}

#[derive(Deserialize)]
struct LimboCase {
    id: String,
    features: Vec<String>,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
}

/// Whom a case wants to reach.
#[derive(Deserialize)]
pub(crate) struct PeerName {
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// One chain, and what x509-limbo says about it.
pub(crate) struct Case {
    pub(crate) id: String,
    /// Leaf first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) at: SystemTime,
    /// Whether a validator that checks the name too must accept it.
    pub(crate) succeeds: bool,
    pub(crate) name: Option<PeerName>,
    pub(crate) class: Option<String>,
    /// Whether it is Housekey's business: servers, without revocation or limits of the caller's.
    pub(crate) is_ours: bool,
}

/// Reads the suite, packed or not, and the classes that lie beside it, if they do.
pub(crate) fn read(path: &Path) -> Result<Vec<Case>> {
    let mut bytes = fs::read(path).with_context(|| {
        let path = path.display();
        format!("can't read {path}; x509-limbo's limbo.json is to be had at {HOME}")
    })?;
    if path.extension().is_some_and(|extension| extension == "xz") {
        let mut unpacked = Vec::new();
        lzma_rust2::XzReader::new(bytes.as_slice(), true)
            .read_to_end(&mut unpacked)
            .context("can't unpack the suite")?;
        bytes = unpacked;
    }
    let limbo: Limbo = serde_json::from_slice(&bytes).context("this is not x509-limbo's file")?;
    let mut classes = classes(path)?;
    let times = limbo.testcases.iter().map(|case| case.time());
    let times: Vec<_> = times.collect::<Result<_>>()?;
    // Cases without a time mean now. The suite's own latest one is the same at each run.
    let now = times.iter().flatten().max().copied();
    let now = now.context("no case has a time")?;
    let cases = limbo.testcases.into_iter().zip(times);
    cases
        .map(|(case, time)| {
            let class = classes
                .as_mut()
                .and_then(|classes| classes.remove(&case.id));
            case.parse(time.unwrap_or(now), class)
        })
        .collect()
}

/// The class of each case for a validator that leaves names alone, where somebody determined it.
fn classes(suite: &Path) -> Result<Option<BTreeMap<String, String>>> {
    let path = suite.with_file_name("classification.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
    let classes = serde_json::from_slice(&text);
    Ok(Some(classes.context("these are no classes")?))
}

impl LimboCase {
    fn time(&self) -> Result<Option<SystemTime>> {
        let Some(text) = &self.validation_time else {
            return Ok(None);
        };
        let time = OffsetDateTime::parse(text, &Rfc3339)
            .with_context(|| format!("{}: no time: {text}", self.id))?;
        let since = Duration::try_from(time - OffsetDateTime::UNIX_EPOCH)
            .with_context(|| format!("{}: before 1970: {text}", self.id))?;
        Ok(Some(SystemTime::UNIX_EPOCH + since))
    }

    fn parse(self, at: SystemTime, class: Option<String>) -> Result<Case> {
        let der = |pem: &String| {
            CertificateDer::from_pem_slice(pem.as_bytes())
                .with_context(|| format!("{}: no certificate", self.id))
        };
        let chain = std::iter::once(&self.peer_certificate).chain(&self.untrusted_intermediates);
        let succeeds = match self.expected_result.as_str() {
            "SUCCESS" => true,
            "FAILURE" => false,
            other => bail!("{}: {other} is no result", self.id),
        };
        Ok(Case {
            chain: chain.map(der).collect::<Result<_>>()?,
            roots: self.trusted_certs.iter().map(der).collect::<Result<_>>()?,
            id: self.id,
            at,
            succeeds,
            name: self.expected_peer_name,
            class,
            is_ours: self.validation_kind == "SERVER"
                && !self
                    .features
                    .iter()
                    .any(|it| NOT_OURS.contains(&it.as_str())),
        })
    }
}

const NOT_OURS: [&str; 2] = ["has-crl", "max-chain-depth"];

/// Where the public file is to be had.
pub(crate) const HOME: &str = "https://github.com/C2SP/x509-limbo";
