//! Makers: the directory that comes with Housekey, and real chains under sample makers' roots.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

mod added;
mod chains;
mod directory;
mod prompt;

use std::time::SystemTime;

use housekey::chain::{Roots, timestamp};
use housekey::makers::directory::Entry;
use housekey::makers::{MakerError, Makers, Taken};
use housekey::paths::Paths;
use housekey::store::Store;
use housekey_core::certificate::Certificate;
use housekey_core::chain::{ChainVerdict, Der, Flaw, Observation, TlsVersion};
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::Identity;
use housekey_core::maker::{DeviceIdRule, MakerId};
use housekey_core::text::SafeText;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;
use tempfile::TempDir;
use time::OffsetDateTime;

type Authority = CertifiedIssuer<'static, KeyPair>;

const YEAR: i64 = 365;

/// A store, and the roots that this computer trusts.
struct Home {
    _directory: TempDir,
    store: Store,
    roots: Roots,
    web: Authority,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&Paths::at(directory.path().join("housekey"))).unwrap();
        let web = root("Web Trust Inc.", "Web Root", -YEAR, YEAR);
        Self {
            _directory: directory,
            store,
            roots: Roots::these(&[web.der().clone()]),
            web,
        }
    }

    fn makers(&self) -> Makers<'_> {
        Makers::of(&self.store).unwrap()
    }

    const fn taken(&self) -> Taken<'_> {
        Taken {
            roots: &self.roots,
            own_issuer: None,
        }
    }

    fn add(&self, file: &[u8], name: &str) -> Result<MakerId, MakerError> {
        let (name, rule) = (SafeText::new(name), DeviceIdRule::SubjectCommonName);
        self.makers().add(file, &name, rule, self.taken(), now())
    }

    fn verdict(&self, makers: Makers<'_>, chain: &[&CertificateDer<'static>]) -> ChainVerdict {
        let chain: Vec<_> = chain.iter().copied().cloned().collect();
        let vouchers = makers.vouchers().unwrap();
        self.roots.verdict(&chain, &vouchers, None, now())
    }

    /// Who a device is whose chain this is, with the makers as they are now.
    fn identity(&self, chain: &[&CertificateDer<'static>]) -> Result<Identity, Flaw> {
        self.identity_with(self.makers(), chain)
    }

    fn identity_with(
        &self,
        makers: Makers<'_>,
        chain: &[&CertificateDer<'static>],
    ) -> Result<Identity, Flaw> {
        let verdict = self.verdict(makers, chain);
        let leaf = Certificate::from_der(chain[0]).unwrap();
        Identity::of(&leaf, &verdict, timestamp(now()))
    }

    fn observation(&self, chain: &[&CertificateDer<'static>]) -> Observation {
        Observation {
            endpoint: "192.168.1.20".parse().unwrap(),
            at: timestamp(now()),
            chain: chain.iter().map(|der| Der(der.to_vec())).collect(),
            verdict: self.verdict(self.makers(), chain),
            tls: TlsVersion::V1_3,
            alpn: None,
        }
    }
}

fn now() -> SystemTime {
    SystemTime::now()
}

fn params(organisation: &str, name: &str, from: i64, to: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let subject = &mut params.distinguished_name;
    *subject = rcgen::DistinguishedName::new();
    subject.push(DnType::OrganizationName, organisation);
    subject.push(DnType::CommonName, name);
    params.not_before = OffsetDateTime::now_utc() + time::Duration::days(from);
    params.not_after = OffsetDateTime::now_utc() + time::Duration::days(to);
    params
}

/// A root that is valid between so many days from now.
fn root(organisation: &str, name: &str, from: i64, to: i64) -> Authority {
    root_with_key(organisation, name, from, to, KeyPair::generate().unwrap())
}

fn root_with_key(organisation: &str, name: &str, from: i64, to: i64, key: KeyPair) -> Authority {
    let mut params = params(organisation, name, from, to);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, key).unwrap()
}

fn intermediate(organisation: &str, name: &str, issuer: &Authority) -> Authority {
    let key = KeyPair::generate().unwrap().serialize_pem();
    intermediate_with_key(organisation, name, issuer, &key)
}

fn intermediate_with_key(
    organisation: &str,
    name: &str,
    issuer: &Authority,
    key: &str,
) -> Authority {
    let mut params = params(organisation, name, -1, YEAR);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::signed_by(params, KeyPair::from_pem(key).unwrap(), issuer).unwrap()
}

fn leaf(organisation: &str, name: &str, issuer: &Authority) -> CertificateDer<'static> {
    let mut params = params(organisation, name, -1, YEAR);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, issuer).unwrap().der().clone()
}

/// A directory with one sample maker, which writes its name into the issuer alone.
fn sample_directory(authority: &Authority) -> Vec<Entry> {
    let json = sample_json(authority);
    housekey::makers::directory::read(&json, &[("root.pem", &authority.pem())]).unwrap()
}

fn sample_json(authority: &Authority) -> String {
    let sha256 = CertificateSha256::of(authority.der());
    format!(
        r#"[{{
            "id": "sample", "name": "Sample Works",
            "roots": [{{ "file": "root.pem", "sha256": "{sha256}" }}],
            "rule": {{
                "deviceId": "subject_common_name",
                "pattern": {{ "alphabet": "alphanumeric", "min": 8, "max": 8 }},
                "company": {{ "in": "issuer", "anyOf": ["Sample Works Ltd"] }}
            }},
            "provenance": {{
                "publisher": "Sample Works", "url": "https://sample.example/",
                "seenAt": ["https://code.example/"], "checkedOn": "2026-11-22", "how": "Seen."
            }},
            "note": ""
        }}]"#
    )
}

fn self_signed_leaf() -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let params = params("Sample Works Ltd", "SN000001", -1, YEAR);
    params.self_signed(&key).unwrap().der().clone()
}

fn pem_of(der: &CertificateDer<'_>) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}
