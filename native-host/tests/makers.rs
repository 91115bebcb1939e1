//! Makers: the directory that comes with Housekey, and real chains under sample makers' roots.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use housekey::chain::{Roots, timestamp};
use housekey::makers::directory::{self, Entry};
use housekey::makers::{MakerError, Makers, Taken};
use housekey::paths::Paths;
use housekey::store::{AddedMaker, Happening, Store};
use housekey_core::certificate::Certificate;
use housekey_core::chain::{ChainVerdict, Der, Flaw, Observation, TlsVersion};
use housekey_core::endpoint::Host;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::{DeviceIdRule, MakerId, MakerSource};
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
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
    directory::read(&json, &[("root.pem", &authority.pem())]).unwrap()
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

/// The directory that ships: nobody can look at these certificates again when it is in use.
#[test]
fn every_entry_of_the_directory_holds_together() {
    let entries = directory::compiled_in().unwrap();
    assert!(!entries.is_empty());
    let mut files: BTreeSet<_> = fs::read_dir(data())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(files.remove("directory.json"));
    let json = fs::read_to_string(data().join("directory.json")).unwrap();
    for file in &files {
        assert!(
            json.contains(&format!("\"{file}\"")),
            "{file} is used by nobody"
        );
    }
    assert_eq!(
        entries.iter().map(|entry| entry.roots.len()).sum::<usize>(),
        files.len()
    );
    for entry in entries {
        assert!(!entry.provenance.how.is_empty() && entry.provenance.seen_at.len() >= 2);
        for der in &entry.roots {
            let root = Certificate::from_der(der).unwrap();
            assert!(root.self_issued && root.key.is_strong(), "{}", entry.id);
            // Its own key really signed it, so not one byte of it was lost on its way here.
            assert!(signs_itself(der), "{}: {}", entry.id, root.sha256);
            assert!(timestamp(now()) < root.not_after, "{} has ended", entry.id);
        }
        // An honest self-signed root is nobody's device.
        let home = Home::new();
        assert!(home.identity(&[&entry.roots[0]]).unwrap().tier == Tier::Unverified);
    }
    // What people's browsers trust is no maker.
    let system = Roots::these(webpki_root_certs::TLS_SERVER_ROOT_CERTS);
    let mut roots = entries.iter().flat_map(|entry| &entry.roots);
    assert!(roots.all(|der| !system.hold_key_of(&Der(der.to_vec()))));
}

#[test]
fn a_directory_that_does_not_hold_together_is_refused_whole() {
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let (json, pem) = (sample_json(&authority), authority.pem());
    let read = |json: &str, pem: &str| directory::read(json, &[("root.pem", pem)]);
    assert_eq!(read(&json, &pem).unwrap().len(), 1);
    for (part, with) in [
        ("\"id\": \"sample\"", "\"id\": \"Sample\""),
        ("\"id\": \"sample\"", "\"id\": \"added-0000000000000000\""),
        ("\"id\": \"sample\"", "\"id\": \"sample\", \"x\": 1"),
        ("\"name\": \"Sample Works\"", "\"name\": \"\""),
        (
            "\"name\": \"Sample Works\"",
            "\"name\": \"Sample\\u202eWorks\"",
        ),
        (
            "\"name\": \"Sample Works\"",
            "\"name\": \"S\u{430}mple Works\"",
        ),
        ("\"file\": \"root.pem\"", "\"file\": \"other.pem\""),
        ("\"sha256\": \"", "\"sha256\": \"0"),
        ("\"min\": 8", "\"min\": 9"),
        ("\"min\": 8, \"max\": 8", "\"min\": 0, \"max\": 0"),
        ("[\"Sample Works Ltd\"]", "[]"),
        ("\"in\": \"issuer\"", "\"in\": \"both\""),
        ("https://sample.example/", "http://sample.example/"),
        ("https://sample.example/", ""),
        ("[\"https://code.example/\"]", "[]"),
        ("\"2026-11-22\"", "\"yesterday\""),
        ("\"how\": \"Seen.\"", "\"how\": \"\""),
        ("\"publisher\": \"Sample Works\"", "\"publisher\": \"\""),
        ("\"note\": \"\"", "\"remark\": \"\""),
    ] {
        let altered = json.replacen(part, with, 1);
        assert_ne!(altered, json, "{part}");
        assert!(read(&altered, &pem).is_err(), "{with}");
    }
    let entry = json.trim_start_matches('[').trim_end_matches(']');
    let other = entry.replace("\"sample\"", "\"other\"");
    for (both, why) in [
        ([entry, entry], "one id twice"),
        ([entry, &other], "one root twice"),
    ] {
        let both = format!("[{}]", both.join(","));
        assert!(read(&both, &pem).is_err(), "{why}");
    }
    let device = pem_of(&leaf("Sample Works Ltd", "SN000001", &authority));
    for pem in ["", "garbage", &device, &root("a", "b", -1, 1).pem()] {
        assert!(read(&json, pem).is_err(), "{pem}");
    }
    // A root that is no root, with the right digest.
    let digest = CertificateSha256::of(authority.der()).to_string();
    let der = CertificateDer::from_pem_slice(device.as_bytes()).unwrap();
    let json = json.replace(&digest, &CertificateSha256::of(&der).to_string());
    assert!(read(&json, &device).is_err());
}

#[test]
fn a_chain_under_a_makers_root_is_its_device_where_the_rule_holds() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let directory = sample_directory(&authority);
    let makers = Makers::with_directory(&home.store, &directory);
    let identity = |chain: &[&CertificateDer<'static>]| home.identity_with(makers, chain).unwrap();

    let device = identity(&[&leaf("Anything", "SN000001", &authority)]);
    assert_eq!(device.tier, Tier::Manufacturer);
    assert_eq!(device.name.as_str(), "Sample Works");
    assert_eq!(device.device_id, Some(SafeText::new("SN000001")));
    assert_eq!(device.maker, Some("sample".parse().unwrap()));

    // The same root, but not for a device.
    for name in ["cloud.sample.example", "SN00001", "SN0000001", ""] {
        let other = identity(&[&leaf("Sample Works Ltd", name, &authority)]);
        assert_eq!(
            (other.tier, other.maker),
            (Tier::Unverified, None),
            "{name}"
        );
    }
    // Through an intermediate, the company has to be the direct issuer's.
    for (company, tier) in [
        ("Sample Works Ltd", Tier::Manufacturer),
        ("A Reseller Inc.", Tier::Unverified),
    ] {
        let between = intermediate(company, "Device CA", &authority);
        let chain = [&leaf("x", "SN000002", &between), between.der()];
        assert_eq!(identity(&chain).tier, tier, "{company}");
    }
    // Whoever takes the names but not the key.
    let impostor = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let device = leaf("Sample Works Ltd", "SN000001", &impostor);
    for chain in [&[&device][..], &[&device, impostor.der()]] {
        let verdict = home.verdict(makers, chain);
        assert!(
            !matches!(verdict, ChainVerdict::Verified { .. }),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_root_that_ended_or_has_not_begun_vouches_for_nobody() {
    let home = Home::new();
    for (from, to, flaw) in [(-2 * YEAR, -1, Flaw::Expired), (1, YEAR, Flaw::NotYetValid)] {
        let authority = root("Sample Works Ltd", "Sample Root", from, to);
        // It cannot be added, and what was added before ends with it.
        let error = home.add(authority.pem().as_bytes(), "Sample").unwrap_err();
        assert!(matches!(error, MakerError::Unfit(_)), "{error}");
        let maker = AddedMaker {
            name: SafeText::new("Sample"),
            device_id: DeviceIdRule::SubjectCommonName,
            root: Der(authority.der().to_vec()),
            added: None,
            enabled: true,
        };
        home.store.add_maker(&maker).unwrap();
        let chain = [&leaf("Sample Works Ltd", "SN000001", &authority)];
        assert_eq!(home.identity(&chain), Err(flaw));
        home.makers().set_enabled(&maker.id(), false).unwrap();
        assert_eq!(home.identity(&chain).unwrap().tier, Tier::Unverified);
    }
}

#[test]
fn a_root_that_was_issued_anew_goes_on() {
    let home = Home::new();
    let key = KeyPair::generate().unwrap();
    let pem = key.serialize_pem();
    let old = root_with_key("Sample Works Ltd", "Sample Root", -2 * YEAR, -1, key);
    let key = KeyPair::from_pem(&pem).unwrap();
    let new = root_with_key("Sample Works Ltd", "Sample Root", -1, YEAR, key);
    for root in [&old, &new] {
        let maker = AddedMaker {
            name: SafeText::new("Sample"),
            device_id: DeviceIdRule::SubjectCommonName,
            root: Der(root.der().to_vec()),
            added: None,
            enabled: true,
        };
        home.store.add_maker(&maker).unwrap();
    }
    let identity = home.identity(&[&leaf("x", "SN000001", &old)]).unwrap();
    assert_eq!(identity.tier, Tier::Manufacturer);
    let id = MakerId::added(&CertificateSha256::of(new.der()));
    assert_eq!(identity.maker, Some(id));
}

#[test]
fn one_good_root_is_added_and_nothing_else() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let pem = authority.pem();
    let code = |file: &[u8]| home.add(file, "Sample").map_err(|error| error.to_string());
    let refused = |file: &[u8], because: &str| {
        let error = code(file).unwrap_err();
        assert!(error.contains(because), "{error} instead of {because}");
        assert!(error.starts_with(|c: char| c.is_lowercase()) && !error.ends_with('.'));
        assert!(home.store.added_makers().unwrap().is_empty());
    };
    for (file, because) in [
        (&b""[..], "no certificate"),
        (b"hello", "no certificate"),
        (&[0x30; 100], "no certificate"),
        (&[0xff; 100], "no certificate"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "no certificate",
        ),
        (b"-----BEGIN CERTIFICATE-----\n!!!", "no certificate"),
        (&pem.as_bytes()[..pem.len() / 2], "no certificate"),
        (
            &authority.der()[..authority.der().len() - 1],
            "no certificate",
        ),
        (&[authority.der(), &b"x"[..]].concat(), "no certificate"),
        (&vec![b' '; 1 << 20], "too large"),
        (&[&[0x30][..], &[0; 65_535]].concat(), "no certificate"),
        ([pem.as_str(), &pem].concat().as_bytes(), "2 certificates"),
        (
            [pem.as_str(), &authority.key().serialize_pem()]
                .concat()
                .as_bytes(),
            "private key",
        ),
        (
            pem_of(&leaf("x", "y", &authority)).as_bytes(),
            "issued by somebody else",
        ),
        (
            intermediate("x", "y", &authority).pem().as_bytes(),
            "issued by somebody else",
        ),
        (
            pem_of(&self_signed_leaf()).as_bytes(),
            "must not issue others",
        ),
        (root("x", "y", -2, -1).pem().as_bytes(), "has ended"),
        (root("x", "y", 1, 2).pem().as_bytes(), "has not begun"),
        (home.web.pem().as_bytes(), "every website"),
        // The same key in another certificate would do the same harm.
        (another_of(&home.web).pem().as_bytes(), "every website"),
    ] {
        refused(file, because);
    }
    let id = home.add(pem.as_bytes(), "Sample").unwrap();
    assert!(id.is_added_by_person());
    for again in [
        pem.as_bytes(),
        &authority.der()[..],
        another_of(&authority).pem().as_bytes(),
    ] {
        let error = home.add(again, "Other").unwrap_err();
        assert!(
            matches!(&error, MakerError::Known { id: known, .. } if *known == id),
            "{error}"
        );
    }
    let entry = &directory::compiled_in().unwrap()[0];
    let error = home.add(&entry.roots[0], "Mine").unwrap_err();
    assert!(
        matches!(&error, MakerError::Known { id, .. } if *id == entry.id),
        "{error}"
    );
    home.add(&root("DER Ltd", "DER Root", -1, 1).der().clone(), "DER")
        .unwrap();
    for nobody in ["", "  "] {
        let error = home
            .add(root("x", "y", -1, 1).pem().as_bytes(), nobody)
            .unwrap_err();
        assert!(matches!(error, MakerError::NoName), "{error}");
    }
}

#[test]
fn the_local_authority_is_no_maker() {
    let home = Home::new();
    let own = root("Housekey", "Housekey root 7f3a", -1, YEAR);
    let issuer = intermediate("Housekey", "Housekey issuer 7f3a", &own);
    let taken = Taken {
        own_issuer: Some(issuer.der()),
        ..home.taken()
    };
    let name = SafeText::new("Mine");
    // Also one that only took its name: the gateway refuses what names it as its issuer.
    for root in [&own, &root("Housekey", "Housekey issuer 7f3a", -1, YEAR)] {
        let (file, rule) = (root.pem(), DeviceIdRule::default());
        let error = home
            .makers()
            .add(file.as_bytes(), &name, rule, taken, now());
        assert!(matches!(error, Err(MakerError::OwnAuthority)), "{error:?}");
    }
}

/// However it is called, what a person added stays told apart from what came with Housekey.
#[test]
fn a_root_by_a_famous_name_is_still_the_persons_own() {
    let home = Home::new();
    let famous = root("Philips Hue", "root-bridge", -YEAR, YEAR);
    let id = home.add(famous.pem().as_bytes(), "Philips Hue").unwrap();
    let chain = [&leaf("Philips Hue", "001788fffe405c5e", &famous)];
    let identity = home.identity(&chain).unwrap();
    assert_eq!(
        (identity.tier, &identity.maker),
        (Tier::Manufacturer, &Some(id.clone()))
    );
    assert!(id.is_added_by_person());
    let makers = home.makers().list().unwrap();
    let same_name: Vec<_> = makers
        .iter()
        .filter(|maker| maker.name.as_str() == "Philips Hue")
        .map(|maker| (maker.id.as_str(), maker.is_added_by_person()))
        .collect();
    assert_eq!(same_name, [("philips-hue", false), (id.as_str(), true)]);
    // A real bridge that was pinned under the directory's root is not this one with another key.
    let real = Identity {
        maker: Some("philips-hue".parse().unwrap()),
        ..identity.clone()
    };
    assert!(!identity.is_same_device_as(&real) && !real.is_same_device_as(&identity));
}

#[test]
fn a_makers_root_never_proves_a_company_a_domain_or_a_page_to_a_browser() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    home.add(authority.pem().as_bytes(), "Sample").unwrap();
    let mut params = params("Signify Netherlands B.V.", "example.com", -1, YEAR);
    params.subject_alt_names = vec![
        rcgen::SanType::DnsName("example.com".try_into().unwrap()),
        rcgen::SanType::IpAddress("192.168.1.20".parse().unwrap()),
    ];
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &authority).unwrap().der().clone();
    let identity = home.identity(&[&leaf]).unwrap();
    assert_eq!(
        (identity.tier, identity.name.as_str()),
        (Tier::Manufacturer, "Sample")
    );
    for host in ["example.com", "192.168.1.20"] {
        let host: Host = host.parse().unwrap();
        let chain = std::slice::from_ref(&leaf);
        assert!(!home.roots.accepts(chain, &host, now()), "{host}");
    }
    // What this computer trusts stays a company's, whichever makers there are.
    let company = self::leaf("A Company Inc.", "device", &home.web);
    assert_eq!(home.identity(&[&company]).unwrap().tier, Tier::Company);
}

#[test]
fn switching_off_and_removing_is_remembered_and_leaves_pins_alone() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let directory = sample_directory(&authority);
    let makers = Makers::with_directory(&home.store, &directory);
    let own = root("Own Works", "Own Root", -YEAR, YEAR);
    let added = home.add(own.pem().as_bytes(), "Own Works").unwrap();
    let listed: MakerId = "sample".parse().unwrap();
    for (id, chain) in [
        (&listed, vec![leaf("x", "SN000001", &authority)]),
        (&added, vec![leaf("x", "SN000002", &own)]),
    ] {
        let chain: Vec<_> = chain.iter().collect();
        let identity = |tier| {
            let identity = home.identity_with(makers, &chain).unwrap();
            assert_eq!(identity.tier, tier, "{id}");
            identity
        };
        let mut observation = home.observation(&chain);
        observation.endpoint = format!("192.168.1.{}", id.as_str().len()).parse().unwrap();
        let pin = Pin::new(&observation, identity(Tier::Manufacturer)).unwrap();
        home.store
            .put(&pin, Happening::Approve, observation.at)
            .unwrap();
        let (maker, endpoints) = makers.inspect(id).unwrap();
        assert_eq!((maker.enabled, maker.pins), (true, 1));
        assert_eq!(endpoints, [observation.endpoint.clone()]);

        makers.set_enabled(id, false).unwrap();
        makers.set_enabled(id, false).unwrap();
        identity(Tier::Unverified);
        let (maker, endpoints) = makers.inspect(id).unwrap();
        assert_eq!((maker.enabled, maker.pins, endpoints.len()), (false, 1, 1));
        assert_eq!(
            home.store.pin(&observation.endpoint).unwrap(),
            Some(pin.clone())
        );
        makers.set_enabled(id, true).unwrap();
        identity(Tier::Manufacturer);
    }
    assert!(matches!(makers.remove(&listed), Err(MakerError::Listed(_))));
    makers.remove(&added).unwrap();
    assert!(matches!(makers.remove(&added), Err(MakerError::Unknown(_))));
    assert!(matches!(
        makers.inspect(&added),
        Err(MakerError::Unknown(_))
    ));
    assert!(matches!(
        makers.set_enabled(&added, true),
        Err(MakerError::Unknown(_))
    ));
    // Whoever adds it again has the maker on which the pin rests.
    assert_eq!(home.add(own.pem().as_bytes(), "Own").unwrap(), added);
    let (maker, _) = makers.inspect(&added).unwrap();
    assert!(matches!(
        maker.source,
        MakerSource::Person { added: Some(_) }
    ));
    assert_eq!(maker.pins, 1);
}

#[test]
fn a_root_that_a_device_sent_is_offered_only_where_it_would_make_the_chain_verify() {
    let home = Home::new();
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let between = intermediate("Sample Works Ltd", "Device CA", &authority);
    let other = root("Other Works", "Other Root", -YEAR, YEAR);
    let impostor = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    let ended = root("Ended Works", "Ended Root", -YEAR, -1);
    let device = leaf("x", "SN000001", &between);
    let offers = |chain: &[&CertificateDer<'static>]| -> Vec<CertificateSha256> {
        let observation = home.observation(chain);
        let offers = home.makers().offers(&observation, home.taken(), now());
        offers.unwrap().iter().map(|root| root.sha256).collect()
    };
    let sha256 = CertificateSha256::of(authority.der());
    assert_eq!(offers(&[&device, between.der(), authority.der()]), [sha256]);
    assert_eq!(
        offers(&[&device, other.der(), between.der(), authority.der()]),
        [sha256],
        "what signed nothing is passed over"
    );
    for (chain, why) in [
        (vec![&device, between.der()], "no root was sent"),
        (
            vec![&device, authority.der()],
            "the intermediate is missing",
        ),
        (vec![&device, between.der(), other.der()], "another root"),
        (vec![&device, between.der(), impostor.der()], "another key"),
        (vec![authority.der()], "the device itself"),
        (vec![&leaf("x", "y", &ended), ended.der()], "it has ended"),
        (
            vec![&leaf("x", "y", &home.web), home.web.der()],
            "verified already",
        ),
        (vec![&self_signed_leaf(), authority.der()], "self-signed"),
    ] {
        assert!(offers(&chain).is_empty(), "{why}");
    }

    // A device that this computer verifies by one root, and that brings another all the same.
    let key = between.key().serialize_pem();
    let by_web = intermediate_with_key("Sample Works Ltd", "Device CA", &home.web, &key);
    let chain = [&device, by_web.der(), between.der(), authority.der()];
    assert_eq!(home.identity(&chain).unwrap().tier, Tier::Company);
    assert!(offers(&chain).is_empty(), "somebody vouches for it already");

    // What the person was shown, and nothing else that the device sent.
    let chain = [&device, between.der(), authority.der()];
    let trust = |shown: &CertificateDer<'static>, name| {
        let (shown, name) = (CertificateSha256::of(shown), SafeText::new(name));
        let observation = home.observation(&chain);
        home.makers()
            .trust(&observation, shown, &name, home.taken(), now())
    };
    for not_offered in [other.der(), between.der(), &device] {
        let error = trust(not_offered, "Sample").unwrap_err();
        assert!(matches!(error, MakerError::NotOffered), "{error}");
    }
    assert!(matches!(
        trust(authority.der(), ""),
        Err(MakerError::NoName)
    ));
    assert_eq!(home.identity(&chain).unwrap().tier, Tier::Unverified);
    let id = trust(authority.der(), "Sample").unwrap();
    let identity = home.identity(&chain).unwrap();
    assert_eq!(
        (identity.tier, identity.maker),
        (Tier::Manufacturer, Some(id.clone()))
    );
    assert!(offers(&chain).is_empty(), "it is there");
    home.makers().set_enabled(&id, false).unwrap();
    assert!(offers(&chain).is_empty(), "the person switched it off");
    assert!(matches!(
        trust(authority.der(), "Sample"),
        Err(MakerError::NotOffered)
    ));
}

/// A store of version 1, in which makers were numbers and all of them were switched on.
#[test]
fn makers_of_an_older_store_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    drop(Store::open(&paths).unwrap());
    let authority = root("Sample Works Ltd", "Sample Root", -YEAR, YEAR);
    for file in fs::read_dir(paths.data()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let old = rusqlite::Connection::open(paths.database()).unwrap();
    old.execute_batch(VERSION_1).unwrap();
    old.execute(
        "INSERT INTO maker (name, device_id, root) VALUES ('Sample', '\"subject_serial_number\"', ?1)",
        [authority.der().to_vec()],
    )
    .unwrap();
    old.close().unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(paths.database(), private).unwrap();

    for _ in 0..2 {
        let store = Store::open(&paths).unwrap();
        let id = MakerId::added(&CertificateSha256::of(authority.der()));
        let (maker, _) = Makers::of(&store).unwrap().inspect(&id).unwrap();
        assert_eq!((maker.name.as_str(), maker.enabled), ("Sample", true));
        assert_eq!(maker.source, MakerSource::Person { added: None });
        assert_eq!(maker.rule.device_id, DeviceIdRule::SubjectSerialNumber);
    }
}

#[test]
fn the_command_line_lists_adds_switches_and_removes() {
    let home = tempfile::tempdir().unwrap();
    trycmd::TestCases::new()
        .env("HOME", home.path().display().to_string())
        .env("XDG_DATA_HOME", home.path().join("data").display().to_string())
        .case("tests/cmd/makers/*.trycmd");
}

fn another_of(authority: &Authority) -> Authority {
    let key = KeyPair::from_pem(&authority.key().serialize_pem()).unwrap();
    root_with_key("Another Name Ltd", "Another Root", -1, YEAR, key)
}

fn self_signed_leaf() -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let params = params("Sample Works Ltd", "SN000001", -1, YEAR);
    params.self_signed(&key).unwrap().der().clone()
}

/// Whether the certificate's own key made its signature: then it verifies as its own issuer.
fn signs_itself(der: &CertificateDer<'_>) -> bool {
    use rustls_pki_types::SubjectPublicKeyInfoDer;
    use x509_parser::prelude::FromDer as _;
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(der).unwrap();
    let spki = SubjectPublicKeyInfoDer::from(parsed.tbs_certificate.subject_pki.raw);
    let key = webpki::RawPublicKeyEntity::try_from(&spki).unwrap();
    let message = parsed.tbs_certificate.as_ref();
    let signature = &parsed.signature_value.data;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let algorithms = provider.signature_verification_algorithms.all;
    let mut algorithms = algorithms.iter();
    algorithms.any(|algorithm| key.verify_signature(*algorithm, message, signature).is_ok())
}

fn pem_of(der: &CertificateDer<'_>) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/makers")
}

const VERSION_1: &str = "
    CREATE TABLE pin (
        endpoint TEXT PRIMARY KEY, spki TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pin_by_key ON pin (spki);
    CREATE TABLE history (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, endpoint TEXT NOT NULL, host TEXT NOT NULL,
        spki TEXT NOT NULL, what TEXT NOT NULL
    ) STRICT;
    CREATE INDEX history_by_endpoint ON history (endpoint);
    CREATE INDEX history_by_host ON history (host, spki);
    CREATE TABLE maker (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, device_id TEXT NOT NULL,
        root BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE settings (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;
    PRAGMA application_id = 1212900729;
    PRAGMA user_version = 1;
";
