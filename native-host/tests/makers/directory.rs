//! The directory that comes with Housekey.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use housekey::chain::{Roots, timestamp};
use housekey::makers::directory;
use housekey_core::certificate::Certificate;
use housekey_core::chain::Der;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::Tier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::{Home, YEAR, leaf, now, pem_of, root, sample_json};

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

fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/makers")
}
