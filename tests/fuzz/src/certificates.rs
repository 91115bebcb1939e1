//! Certificates and chains, as a device presents them.

use std::time::{Duration, SystemTime};

use housekey::chain::{Roots, timestamp};
use housekey_core::certificate::{Certificate, DistinguishedName, MAX_NAMES, spki};
use housekey_core::chain::{ChainVerdict, Der, UnverifiedChain};
use housekey_core::identity::{Identity, Tier};
use housekey_core::text::SafeText;
use rustls_pki_types::CertificateDer;

/// One certificate: what is read of it is bounded and harmless to show.
pub fn certificate(data: &[u8]) {
    let Ok(certificate) = Certificate::from_der(data) else {
        return;
    };
    assert!(spki(data).is_ok(), "its key was read, and cannot be");
    assert!(certificate.names.len() <= MAX_NAMES);
    for name in [&certificate.subject, &certificate.issuer] {
        is_harmless(name);
    }
    certificate.names.iter().for_each(is_harmless_text);
    let chain = UnverifiedChain::new(vec![Der(data.to_vec())]);
    assert_eq!(
        chain.map(|chain| chain.leaf().clone()),
        Ok(certificate.clone())
    );
    let stranger = ChainVerdict::UnknownIssuer;
    if let Ok(identity) = Identity::of(&certificate, &stranger, certificate.not_after) {
        assert_eq!(identity.tier, Tier::Unverified);
        assert_eq!(identity.verified_by, None);
    }
}

/// A root and what claims to lead to it: no verdict says more than the core would believe.
pub fn chain(data: &[u8]) {
    let mut ders = split(data).into_iter();
    let Some(root) = ders.next() else {
        return;
    };
    let chain: Vec<_> = ders.collect();
    let verdict = Roots::these(&[root]).verdict(&chain, &[], None, now());
    if let ChainVerdict::Verified { .. } = verdict {
        let leaf = chain.first().map(|leaf| Certificate::from_der(leaf));
        let Some(Ok(leaf)) = leaf else {
            panic!("a leaf that cannot be read is verified");
        };
        let identity = Identity::of(&leaf, &verdict, timestamp(now()));
        assert!(identity.is_ok_and(|identity| identity.is_verified()));
        assert!(
            chain.len() > 1 || !leaf.self_issued,
            "it vouches for itself"
        );
    }
}

fn is_harmless(name: &DistinguishedName) {
    let texts = name.common_name.iter().chain(&name.organisations);
    texts.chain(&name.serial_number).for_each(is_harmless_text);
}

fn is_harmless_text(text: &SafeText) {
    assert!(!text.as_str().chars().any(char::is_control));
    assert_eq!(
        SafeText::from(String::from(text.clone())),
        *text,
        "it is made harmless twice"
    );
}

/// Cuts a file into the certificates that stand in it one after the other, by their own lengths
/// of two bytes (X.690 section 8.1.3), which all but the smallest and the largest have.
fn split(mut data: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut ders = Vec::new();
    while let [0x30, 0x82, high, low, ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low])) + 4;
        let (der, rest) = data.split_at(length.min(data.len()));
        ders.push(CertificateDer::from(der.to_vec()));
        data = rest;
    }
    ders
}

/// When the certificates of the corpus are valid: 2027-01-15.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}
