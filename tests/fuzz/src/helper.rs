//! What only the helper hears: frames, requests to the gateway, chains, and its environment.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use housekey::chain::{Roots, timestamp};
use housekey::fuzzing;
use housekey_core::certificate::Certificate;
use housekey_core::chain::ChainVerdict;
use housekey_core::identity::Identity;
use housekey_core::protocol::{FromHelper, ToHelper};
use housekey_core::scope::ScopeOptions;
use rustls_pki_types::CertificateDer;

use crate::messages::stays_the_same;
use crate::places::{is_canonical, is_only_a_string};

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

/// The head of a request to the gateway: only one with the secret opens anything, and what it
/// opens has one spelling.
pub fn connect_head(data: &[u8]) {
    let Some(endpoint) = fuzzing::connect_head(data, "secret") else {
        return;
    };
    is_canonical(&endpoint);
    let other = fuzzing::connect_head(data, "another secret");
    assert_eq!(other, None, "any secret opens it");
}

/// Frames as they stand on the helper's standard input, and what is in them, either way.
pub fn native_messages(data: &[u8]) {
    let mut input = data;
    while let Some(json) = fuzzing::frame(&mut input, MAX_FRAME_BYTES) {
        assert!(json.len() <= MAX_FRAME_BYTES);
        match ToHelper::read(&json) {
            Ok(message) => stays_the_same(&message),
            // What is said about a message that cannot be read can be read.
            Err(answer) => stays_the_same(&answer),
        }
        if let Ok(message) = serde_json::from_str::<FromHelper>(&json) {
            stays_the_same(&message);
        }
    }
}

/// Variables of the environment, `NAME=VALUE` on a line: what the routing script repeats of them is
/// a proxy, and never a password.
pub fn system_proxy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let environment: BTreeMap<_, _> = lines.collect();
    let proxy = fuzzing::system_proxy(|name| environment.get(name).map(|it| (*it).to_owned()));
    for directive in [&proxy.http, &proxy.https].into_iter().flatten() {
        let (kind, place) = directive.split_once(' ').unwrap_or_default();
        assert!(["HTTPS", "PROXY", "SOCKS", "SOCKS5"].contains(&kind));
        let (host, port) = place.rsplit_once(':').unwrap_or_default();
        let honest = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        assert!(!host.is_empty() && host.chars().all(honest), "{place}");
        assert!(port.parse::<u16>().is_ok(), "{place}");
    }
    is_only_a_string(&ScopeOptions::default(), &proxy, 1);
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

const MAX_FRAME_BYTES: usize = 1 << 20;
