//! What a maker's root vouches for, and what it does not, with real certificates.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fs;
use std::path::Path;

use housekey_core::certificate::Certificate;
use housekey_core::chain::{Anchor, ChainVerdict, Der, Observation, TlsVersion, UnverifiedChain};
use housekey_core::decision::{Decision, Finding, Policy, decide};
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::{
    CompanyPlace, CompanyRule, DeviceIdRule, IdAlphabet, IdPattern, Maker, MakerId, NameRule,
    RootError, fitness, roots_in,
};
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;

/// 2027-01-15, when every certificate of these tests is valid.
const NOW: Timestamp = Timestamp(1_800_000_000);

fn der(certificate: &str) -> Der {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    Der(fs::read(directory.join(certificate)).unwrap())
}

/// A chain that ends in a root of the maker with this id, which calls itself Philips Hue.
fn verified(certificate: &str, id: &str, rule: &NameRule) -> Observation {
    let anchor = Anchor::Manufacturer {
        id: id.parse().unwrap(),
        name: SafeText::new("Philips Hue"),
        rule: rule.clone(),
    };
    Observation {
        endpoint: "192.168.1.20".parse().unwrap(),
        at: NOW,
        chain: vec![der(certificate)],
        verdict: ChainVerdict::Verified { anchor },
        tls: TlsVersion::V1_3,
        alpn: None,
    }
}

fn identity(observation: &Observation) -> Identity {
    let chain = UnverifiedChain::new(observation.chain.clone()).unwrap();
    Identity::of(chain.leaf(), &observation.verdict, NOW).unwrap()
}

/// What the person is told when the bridge comes with another key after the one that was pinned.
fn at_a_new_key(pinned: (&str, &NameRule), presented: (&str, &NameRule)) -> Finding {
    let before = verified("bridge.der", pinned.0, pinned.1);
    let pin = Pin::new(&before, identity(&before)).unwrap();
    let after = verified("bridge_other_key.der", presented.0, presented.1);
    match decide(&after, Some(&pin), &[], Policy::default(), NOW).unwrap() {
        Decision::Refuse(finding) => finding,
        Decision::Connect(_) => panic!("another key connected"),
    }
}

fn hue() -> NameRule {
    NameRule {
        device_id: DeviceIdRule::SubjectCommonName,
        pattern: Some(IdPattern {
            alphabet: IdAlphabet::Hexadecimal,
            min: 16,
            max: 16,
        }),
        company: Some(CompanyRule {
            place: CompanyPlace::Subject,
            any_of: vec![SafeText::new("Philips Hue"), SafeText::new("Signify Hue")],
        }),
    }
}

#[test]
fn a_leaf_that_fits_the_rule_is_the_makers_device() {
    let identity = identity(&verified("bridge.der", "philips-hue", &hue()));
    assert_eq!(identity.tier, Tier::Manufacturer);
    assert_eq!(identity.name.as_str(), "Philips Hue");
    assert_eq!(identity.device_id, Some(SafeText::new("001788fffe405c5e")));
    assert_eq!(identity.maker, Some("philips-hue".parse().unwrap()));
    assert_eq!(
        at_a_new_key(("philips-hue", &hue()), ("philips-hue", &hue())),
        Finding::Rotated
    );
}

#[test]
fn a_leaf_that_does_not_fit_the_rule_is_as_unverified_as_any() {
    let other_company = |place, name| {
        let any_of = vec![SafeText::new(name)];
        NameRule {
            company: Some(CompanyRule { place, any_of }),
            ..hue()
        }
    };
    let pattern = |alphabet, min, max| NameRule {
        pattern: Some(IdPattern { alphabet, min, max }),
        ..hue()
    };
    for rule in [
        other_company(CompanyPlace::Subject, "Philips Hue B.V."),
        other_company(CompanyPlace::Subject, "philips hue"),
        other_company(CompanyPlace::Subject, "root-bridge"),
        other_company(CompanyPlace::Issuer, "BBL Technologies Co., Ltd"),
        pattern(IdAlphabet::Hexadecimal, 1, 15),
        pattern(IdAlphabet::Hexadecimal, 17, 255),
        // The leaf has no serial number in its subject.
        NameRule {
            device_id: DeviceIdRule::SubjectSerialNumber,
            ..hue()
        },
        NameRule {
            device_id: DeviceIdRule::Unknown,
            ..hue()
        },
    ] {
        let identity = identity(&verified("bridge.der", "philips-hue", &rule));
        assert_eq!(identity.tier, Tier::Unverified, "{rule:?}");
        assert_eq!((identity.verified_by, identity.maker), (None, None));
        assert_eq!(
            at_a_new_key(("philips-hue", &hue()), ("philips-hue", &rule)),
            Finding::Changed
        );
    }
}

#[test]
fn without_an_identifier_no_other_key_is_the_same_devices() {
    for device_id in [DeviceIdRule::Unknown, DeviceIdRule::SubjectSerialNumber] {
        let rule = NameRule::with_device_id(device_id);
        let identity = identity(&verified("bridge.der", "philips-hue", &rule));
        assert_eq!(
            (identity.tier, identity.device_id),
            (Tier::Manufacturer, None)
        );
        assert_eq!(
            at_a_new_key(("philips-hue", &rule), ("philips-hue", &rule)),
            Finding::Changed
        );
    }
}

/// Everything that a person reads is the same with both: the name, who verified it, the device.
#[test]
fn another_maker_of_the_same_name_never_answers_for_its_devices() {
    let impostor = "added-0123456789abcdef";
    let rule = NameRule::default();
    for (pinned, presented) in [("philips-hue", impostor), (impostor, "philips-hue")] {
        let before = identity(&verified("bridge.der", pinned, &rule));
        let after = identity(&verified("bridge_other_key.der", presented, &rule));
        assert_eq!(before.verified_by, after.verified_by);
        assert_eq!(before.device_id, after.device_id);
        assert_ne!(before.maker, after.maker);
        assert_eq!(
            at_a_new_key((pinned, &rule), (presented, &rule)),
            Finding::Changed
        );
    }
}

/// What an older Housekey wrote does not say whose root it was.
#[test]
fn a_pin_from_before_makers_had_ids_is_read_and_is_nobodys() {
    let before = verified("bridge.der", "philips-hue", &hue());
    let mut json = serde_json::to_value(Pin::new(&before, identity(&before)).unwrap()).unwrap();
    let maker = json["identity"].as_object_mut().unwrap().remove("maker");
    assert_eq!(maker, Some("philips-hue".into()));
    let pin: Pin = serde_json::from_value(json).unwrap();
    assert_eq!(pin.identity.maker, None);
    let after = verified("bridge_other_key.der", "philips-hue", &hue());
    assert_eq!(
        decide(&after, Some(&pin), &[], Policy::default(), NOW).unwrap(),
        Decision::Refuse(Finding::Changed)
    );
}

/// Of an identifier that was cut or altered to be shown, the rest could differ.
#[test]
fn an_identifier_that_is_not_whole_tells_no_devices_apart() {
    let whole = identity(&verified("bridge.der", "philips-hue", &hue()));
    assert!(whole.is_same_device_as(&whole));
    for id in ["serial\u{202e}1", &"x".repeat(65)] {
        let partial = Identity {
            device_id: Some(SafeText::new(id)),
            ..whole.clone()
        };
        assert!(!partial.is_same_device_as(&partial), "{id}");
    }
}

#[test]
fn patterns_know_letters_and_length() {
    let fits = |alphabet, id: &str| {
        let (min, max) = (2, 4);
        IdPattern { alphabet, min, max }.fits(id)
    };
    for (id, hexadecimal, alphanumeric) in [
        ("0aF", true, true),
        ("00", true, true),
        ("xyz", false, true),
        ("0", false, false),
        ("00000", false, false),
        ("", false, false),
        ("0 0", false, false),
        ("٠٠", false, false),
        ("éé", false, false),
    ] {
        assert_eq!(fits(IdAlphabet::Hexadecimal, id), hexadecimal, "{id}");
        assert_eq!(fits(IdAlphabet::Alphanumeric, id), alphanumeric, "{id}");
    }
}

#[test]
fn ids_are_plain_and_tell_who_added_the_maker() {
    let root = CertificateSha256::of(b"root");
    let added = MakerId::added(&root);
    assert!(added.is_added_by_person());
    assert_eq!(added.as_str().len(), "added-".len() + 16);
    assert_eq!(added.as_str().parse(), Ok(added.clone()));
    assert_ne!(added, MakerId::added(&CertificateSha256::of(b"other")));
    assert!(
        !"philips-hue"
            .parse::<MakerId>()
            .unwrap()
            .is_added_by_person()
    );
    for text in [
        "",
        "-x",
        "0x",
        "Hue",
        "a b",
        "a\u{202e}",
        "ä",
        &"a".repeat(41),
    ] {
        assert!(text.parse::<MakerId>().is_err(), "{text}");
    }
}

#[test]
fn a_root_is_found_among_what_a_device_sent_and_nothing_else_is() {
    let fitness_of = |file, now| {
        let root = Certificate::from_der(&der(file).0).unwrap();
        fitness(&root, now)
    };
    assert_eq!(fitness_of("lock_root.der", NOW), Ok(()));
    assert_eq!(
        fitness_of("lock_root.der", Timestamp(0)),
        Err(RootError::NotYetValid)
    );
    let too_late = Timestamp(7_258_118_400);
    assert_eq!(
        fitness_of("lock_root.der", too_late),
        Err(RootError::Expired)
    );
    assert_eq!(
        fitness_of("printer_rsa1024.der", NOW),
        Err(RootError::WeakKey)
    );
    for leaf in ["lock.der", "router.der"] {
        assert_eq!(fitness_of(leaf, NOW), Err(RootError::NoAuthority));
    }

    let (leaf, root) = (der("lock.der"), der("lock_root.der"));
    let garbage = Der(b"garbage".to_vec());
    let found = |chain: &[&Der]| -> Vec<Der> {
        let chain: Vec<_> = chain.iter().map(|der| (*der).clone()).collect();
        roots_in(&chain, NOW).map(|(der, _)| der.clone()).collect()
    };
    let one = std::slice::from_ref(&root);
    assert_eq!(found(&[&leaf, &root]), one);
    assert_eq!(found(&[&leaf, &garbage, &der("router.der"), &root]), one);
    // What stands in the leaf's place is the device itself.
    assert!(found(&[&root]).is_empty());
    assert!(found(&[]).is_empty() && found(&[&leaf]).is_empty());
    let mut long = vec![&garbage; 1_000];
    long.push(&root);
    assert!(found(&long).is_empty(), "nobody reads on for ever");
}

#[test]
fn what_crosses_to_a_page_is_what_was_agreed() {
    let json = r#"{"id":"philips-hue","name":"Philips Hue","enabled":true,"source":{"type":"directory","provenance":{"publisher":"Signify","url":"https://signify.example/","seenAt":["https://code.example/"],"checkedOn":"2026-11-22","how":"Two places agree."},"note":""},"rule":{"deviceId":"subject_common_name","pattern":{"alphabet":"hexadecimal","min":16,"max":16},"company":{"in":"subject","anyOf":["Philips Hue"]}},"roots":[{"subject":"root-bridge","organisation":"Philips Hue","notBefore":0,"notAfter":1,"sha256":"f0bd8e6509e82f774d63bc009d5388c969fe3dcf7d6d541d6351b72b898d8acf","key":{"algorithm":"ec","bits":256}}],"pins":2}"#;
    let maker: Maker = serde_json::from_str(json).unwrap();
    assert!(!maker.is_added_by_person());
    assert_eq!(serde_json::to_string(&maker).unwrap(), json);
    for (part, with) in [
        (r#""pins":2"#, r#""pins":2,"x":1"#),
        (r#""min":16"#, r#""min":16,"x":1"#),
        (r#""in":"subject""#, r#""in":"anywhere""#),
        (r#""deviceId":"#, r#""x":1,"deviceId":"#),
        (r#""id":"philips-hue""#, r#""id":"Philips Hue""#),
    ] {
        let altered = json.replace(part, with);
        assert_ne!(altered, json);
        assert!(
            serde_json::from_str::<Maker>(&altered).is_err(),
            "{altered}"
        );
    }
}
