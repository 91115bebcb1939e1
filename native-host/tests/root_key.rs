//! The root's key never touches a file: all that an installation writes is looked through for it.
//!
//! strace (<https://strace.io>) tells every byte that the installer, and every program that it
//! starts, hands to the system. In them, as they are and decoded from Base64 and hexadecimal, each
//! 32 bytes in a row are tried as the private half of the root's public key: that finds it in
//! whatever it is wrapped (RFC 5915, RFC 5958, PEM, or nothing at all). The issuing key, which is
//! meant to be written, is found that way.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use housekey::paths::Paths;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

#[test]
fn the_root_key_never_touches_a_file() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("strace.log");
    let profile = home.path().join("profile");
    fs::create_dir(&profile).unwrap();
    let installed = Command::new("strace")
        .args(["-f", "-qq", "-y", "-xx", "-s", "65536", "-o"])
        .arg(&log)
        .args(["-e", "signal=none", "-e"])
        .arg("trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,mmap,mmap2")
        .arg(env!("CARGO_BIN_EXE_housekey"))
        .args(["install", "--yes", "--firefox-profile"])
        .arg(&profile)
        .env("HOME", home.path())
        .env_remove("XDG_DATA_HOME")
        .output()
        .expect("strace cannot be started; `cargo xtask setup` brings it");
    let said = String::from_utf8_lossy(&installed.stderr).into_owned();
    let paths = Paths::at(home.path().join(".local/share/housekey"));
    let root = public_key(&paths.root_certificate());
    let issuer = public_key(&paths.issuer_certificate());

    let log = fs::read_to_string(log).unwrap();
    let mapped = log.lines().filter(|line| {
        let writes = line.contains("MAP_SHARED,") || line.contains("MAP_SHARED|");
        // SQLite's index of its log, which holds numbers of pages.
        writes && line.contains("PROT_WRITE") && !line.contains(&hex("-shm"))
    });
    let mapped: Vec<_> = mapped
        .filter(|line| !line.contains("MAP_ANONYMOUS"))
        .collect();
    assert!(mapped.is_empty(), "written past strace: {mapped:?}");

    // The program itself is written, too; it was there before the key was.
    let program = fs::read(env!("CARGO_BIN_EXE_housekey")).unwrap();
    assert!(fs::read(paths.installed_binary()).unwrap() == program);
    let mut rest = &program[..];
    let mut written = HashSet::new();
    for line in log.lines().filter(|line| !line.contains("mmap")) {
        let texts: Vec<_> = line.split('"').collect();
        let bytes = texts.get(1).copied().map(unhex).unwrap_or_default();
        let length = line.rsplit(" = ").next().and_then(|it| it.parse().ok());
        if bytes.len() > 4_096 && rest.starts_with(&bytes) {
            rest = &rest[length.unwrap()..];
            continue;
        }
        assert!(
            !line.contains("\"..."),
            "not all of it was seen: {}",
            &line[..200]
        );
        written.extend(texts.into_iter().skip(1).step_by(2).map(unhex));
    }
    assert!(rest.is_empty(), "{} bytes of the program", rest.len());
    let mut seen = HashSet::new();
    let mut found = (false, false);
    for bytes in written.iter().flat_map(|bytes| readings(bytes)) {
        for window in bytes.windows(32) {
            let window: [u8; 32] = window.try_into().unwrap();
            if is_plain(&window) || !seen.insert(window) {
                continue;
            }
            found.0 |= is_private_half(&window, &root);
            found.1 |= is_private_half(&window, &issuer);
        }
    }
    assert!(
        found.1,
        "what is written is not found ({} tried): {said}",
        seen.len()
    );
    assert!(!found.0, "the root's key was written");
}

/// What bytes say: themselves, and what they spell in Base64 or hexadecimal.
fn readings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut readings = vec![bytes.to_vec()];
    let text: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| *byte != b'\n')
        .collect();
    let runs = text.split(|byte| !byte.is_ascii_alphanumeric() && !b"+/".contains(byte));
    for run in runs.filter(|run| run.len() >= 43) {
        for start in 0..4 {
            // What is cut off at its end ends in bits that are no whole byte.
            let mut run = run[start..].to_vec();
            run.resize(run.len().next_multiple_of(4), b'A');
            readings.extend(BASE64.decode(&run).ok());
        }
        for start in 0..2 {
            let run = &run[start..];
            readings.extend(HEXLOWER_PERMISSIVE.decode(&run[..run.len() / 2 * 2]).ok());
        }
    }
    readings
}

/// Whether these are no key's bytes: a key is random, and text or zeros are not.
fn is_plain(window: &[u8; 32]) -> bool {
    let different: HashSet<_> = window.iter().collect();
    different.len() < 12
}

fn is_private_half(private: &[u8], public: &[u8]) -> bool {
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public).is_ok()
}

/// The public point in a certificate.
fn public_key(certificate: &Path) -> Vec<u8> {
    let der = CertificateDer::from_pem_slice(&fs::read(certificate).unwrap()).unwrap();
    let (_, parsed) = X509Certificate::from_der(&der).unwrap();
    parsed.public_key().subject_public_key.data.to_vec()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits
        .filter_map(|digits| u8::from_str_radix(digits, 16).ok())
        .collect()
}
