//! Names that strangers could write into certificates, and what people are shown of them.
//!
//! Each file in `names/` is one certificate and its name says why. A line `subject KIND TYPE VALUE`
//! is one attribute of its subject, `subject+ …` one more in the same set, `issuer …` one of its
//! issuer, and `alternative KIND VALUE` a subject alternative name. A value is `"text"`, encoded as
//! its type wants it, or bytes as `hex …`. The lines `< …` are what is shown; `#` begins a comment.
//! `UPDATE_EXPECT=1` writes them, to be read before they are committed.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

mod hostile;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hostile::HostileCertificate;
use housekey_core::certificate::{Certificate, WholeNames};
use housekey_core::chain::{Anchor, ChainVerdict, Der, Observation, TlsVersion, UnverifiedChain};
use housekey_core::decision::{Decision, Finding, Policy, decide};
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;

#[test]
fn hostile_names_are_shown_as_the_files_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/names");
    let mut cases = 0;
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        cases += 1;
        let expected = fs::read_to_string(&path).unwrap();
        let said = shown(&expected);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &said).unwrap();
            continue;
        }
        assert_eq!(said, expected, "{}", path.display());
    }
    assert!(cases >= 30, "only {cases} certificates were found");
}

/// A company's name is on all its devices, and on whatever else anybody signs for themselves.
#[test]
fn a_second_device_of_the_same_name_asks_again() {
    let verified = ChainVerdict::Verified {
        anchor: Anchor::System {
            name: SafeText::new("DigiCert Inc"),
        },
    };
    for verdict in [ChainVerdict::UnknownIssuer, verified] {
        let first = observed("192.168.1.20", b"first key", verdict.clone());
        let second = observed("192.168.1.21", b"second key", verdict);
        let pin = pin(&first);
        assert_eq!(pin.identity, identity(&second), "all but the key is alike");
        // At another address it is a stranger, although the person trusts its namesake.
        let found = finding(&second, None, std::slice::from_ref(&pin));
        assert_eq!(found, Some(Finding::Stranger));
        // At the same address it is another key, and the name does not excuse it.
        let mut there = second.clone();
        there.endpoint = first.endpoint.clone();
        let found = finding(&there, Some(&pin), &[]);
        assert!(
            matches!(found, Some(Finding::Changed | Finding::Rotated)),
            "{found:?}"
        );
        assert!(pin.check(&chain(&there), NOW).is_err());
        // The first one still connects, under whatever name.
        assert_eq!(finding(&first, Some(&pin), &[]), None);
        let mut renamed = pin.clone();
        renamed.identity.name = SafeText::new("Somebody else");
        assert_eq!(finding(&first, Some(&renamed), &[]), None);
    }
}

fn shown(case: &str) -> String {
    let mut certificate = HostileCertificate::default();
    let mut said = String::new();
    for line in case.lines().filter(|line| !line.starts_with('<')) {
        writeln!(said, "{line}").unwrap();
        if !line.starts_with('#') {
            certificate.read(line);
        }
    }
    let der = certificate.der(b"key");
    let leaf = Certificate::from_der(&der).unwrap();
    let whole = WholeNames::from_der(&der).unwrap();
    let identity = Identity::of(&leaf, &ChainVerdict::UnknownIssuer, leaf.not_before).unwrap();
    let mut say = |what: &str, text: &SafeText| {
        let doubt = if text.is_suspicious() {
            " (suspicious)"
        } else {
            ""
        };
        writeln!(said, "< {what}{doubt}: {text}").unwrap();
    };
    say("name", &identity.name);
    for other in &identity.other_names {
        say("also", other);
    }
    if !identity.issued_by.is_empty() && identity.issued_by != identity.name {
        say("issued by", &identity.issued_by);
    }
    if let Some(id) = &identity.device_id {
        say("device", id);
    }
    for name in &leaf.names {
        say("for", name);
    }
    for attribute in &whole.subject {
        let (kind, value) = (attribute.kind, &attribute.value);
        writeln!(said, "< whole {kind:?}: {value}").unwrap();
    }
    if whole.left_out > 0 {
        writeln!(said, "< left out: {}", whole.left_out).unwrap();
    }
    said
}

fn observed(address: &str, key: &[u8], verdict: ChainVerdict) -> Observation {
    let mut certificate = HostileCertificate::default();
    certificate.read(r#"subject O utf8 "Signify Netherlands B.V.""#);
    certificate.read(r#"subject CN utf8 "bridge.local""#);
    Observation {
        endpoint: address.parse::<Endpoint>().unwrap(),
        at: NOW,
        chain: vec![Der(certificate.der(key))],
        verdict,
        tls: TlsVersion::V1_3,
        alpn: None,
    }
}

fn chain(observation: &Observation) -> UnverifiedChain {
    UnverifiedChain::new(observation.chain.clone()).unwrap()
}

fn identity(observation: &Observation) -> Identity {
    Identity::of(chain(observation).leaf(), &observation.verdict, NOW).unwrap()
}

fn pin(observation: &Observation) -> Pin {
    Pin::new(observation, identity(observation)).unwrap()
}

fn finding(observation: &Observation, pin: Option<&Pin>, elsewhere: &[Pin]) -> Option<Finding> {
    match decide(observation, pin, elsewhere, Policy::default(), NOW).unwrap() {
        Decision::Connect(_) => None,
        Decision::Refuse(finding) => Some(finding),
    }
}

/// 2027-01-15.
const NOW: Timestamp = Timestamp(1_800_000_000);
