//! Each row of the table of what a presented key means, with real certificates.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fs;
use std::path::Path;

use housekey_core::chain::{
    Anchor, ChainVerdict, Der, Flaw, Observation, TlsVersion, UnverifiedChain,
};
use housekey_core::decision::{Decision, Finding, Policy, Rule, decide};
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::NameRule;
use housekey_core::pin::Pin;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;

/// 2027-01-15, when every certificate of these tests is valid.
const NOW: Timestamp = Timestamp(1_800_000_000);
/// 2200, when none is any more.
const TOO_LATE: Timestamp = Timestamp(7_258_118_400);

fn observed(certificate: &str, verdict: ChainVerdict) -> Observation {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/certificates")
        .join(certificate);
    Observation {
        endpoint: "192.168.1.20".parse().unwrap(),
        at: NOW,
        chain: vec![Der(fs::read(path).unwrap())],
        verdict,
        tls: TlsVersion::V1_3,
        alpn: None,
    }
}

fn hue() -> ChainVerdict {
    let anchor = Anchor::Manufacturer {
        id: "philips-hue".parse().unwrap(),
        name: SafeText::new("Philips Hue"),
        rule: NameRule::default(),
    };
    ChainVerdict::Verified { anchor }
}

fn system() -> ChainVerdict {
    ChainVerdict::Verified {
        anchor: Anchor::System {
            name: SafeText::new("DigiCert Inc"),
        },
    }
}

fn identity(observation: &Observation, now: Timestamp) -> Result<Identity, Flaw> {
    let chain = UnverifiedChain::new(observation.chain.clone()).unwrap();
    Identity::of(chain.leaf(), &observation.verdict, now)
}

fn pin(observation: &Observation) -> Pin {
    Pin::new(observation, identity(observation, NOW).unwrap()).unwrap()
}

fn finding(observation: &Observation, pin: Option<&Pin>, elsewhere: &[Pin]) -> Option<Finding> {
    match decide(observation, pin, elsewhere, Policy::default(), NOW).unwrap() {
        Decision::Connect(proof) => {
            assert_eq!(Some(proof.spki_sha256()), pin.map(|pin| pin.spki_sha256));
            None
        }
        Decision::Refuse(finding) => Some(finding),
    }
}

#[test]
fn a_name_is_fact_only_when_its_chain_verified() {
    let names = |certificate, verdict| {
        let identity = identity(&observed(certificate, verdict), NOW).unwrap();
        (
            identity.tier,
            identity.name.to_string(),
            identity.device_id.map(String::from),
        )
    };
    let id = Some("001788fffe405c5e".to_owned());
    assert_eq!(
        names("bridge.der", hue()),
        (Tier::Manufacturer, "Philips Hue".into(), id.clone())
    );
    assert_eq!(
        names("bridge.der", system()),
        (Tier::Company, "Philips Hue".into(), id.clone())
    );
    assert_eq!(
        names("domain.der", system()),
        (Tier::Domain, "nas.example.org".into(), None)
    );
    let unknown = ChainVerdict::UnknownIssuer;
    assert_eq!(
        names("bridge.der", unknown),
        (Tier::Unverified, "Philips Hue".into(), id.clone())
    );
    // A leaf that is odd proves nothing, whoever signed it.
    assert_eq!(
        names("bridge_v1.der", hue()),
        (Tier::Unverified, "Philips Hue".into(), id)
    );
}

#[test]
fn a_flawed_leaf_is_nobodys_identity() {
    let flaw = |certificate, verdict, now| identity(&observed(certificate, verdict), now);
    assert_eq!(flaw("bridge.der", hue(), TOO_LATE), Err(Flaw::Expired));
    assert_eq!(
        flaw("bridge.der", hue(), Timestamp(0)),
        Err(Flaw::NotYetValid)
    );
    assert_eq!(flaw("printer_rsa1024.der", hue(), NOW), Err(Flaw::WeakKey));
    let refused = ChainVerdict::Refused {
        flaw: Flaw::BadSignature,
    };
    assert_eq!(flaw("bridge.der", refused, NOW), Err(Flaw::BadSignature));
}

#[test]
fn without_a_pin_the_person_is_asked() {
    assert_eq!(
        finding(&observed("bridge.der", hue()), None, &[]),
        Some(Finding::Stranger)
    );
    let weak = observed("printer_rsa1024.der", ChainVerdict::UnknownIssuer);
    assert_eq!(
        finding(&weak, None, &[]),
        Some(Finding::Unfit {
            flaw: Flaw::WeakKey
        })
    );
}

#[test]
fn the_pinned_key_connects_and_no_other_does() {
    let bridge = observed("bridge.der", hue());
    let pin = pin(&bridge);
    assert_eq!(finding(&bridge, Some(&pin), &[]), None);
    let stranger = observed("router.der", ChainVerdict::UnknownIssuer);
    assert_eq!(finding(&stranger, Some(&pin), &[]), Some(Finding::Changed));
}

#[test]
fn the_same_verified_device_with_another_key_is_rotated() {
    let pin = pin(&observed("bridge.der", hue()));
    let verified = observed("bridge_other_key.der", hue());
    assert_eq!(finding(&verified, Some(&pin), &[]), Some(Finding::Rotated));
    // The same words without the maker's signature are anybody's.
    let claimed = observed("bridge_other_key.der", ChainVerdict::UnknownIssuer);
    assert_eq!(finding(&claimed, Some(&pin), &[]), Some(Finding::Changed));
    let by_another = observed("bridge_other_key.der", system());
    assert_eq!(
        finding(&by_another, Some(&pin), &[]),
        Some(Finding::Changed)
    );
}

#[test]
fn an_unverified_device_with_another_key_is_never_the_same() {
    let pin = pin(&observed("router.der", ChainVerdict::UnknownIssuer));
    let other = observed("router_other_key.der", ChainVerdict::UnknownIssuer);
    assert_eq!(finding(&other, Some(&pin), &[]), Some(Finding::Changed));
}

#[test]
fn a_key_that_is_pinned_elsewhere_has_moved() {
    let mut old = pin(&observed("bridge.der", hue()));
    old.endpoint = "192.168.1.19".parse().unwrap();
    let from = old.endpoint.clone();
    let bridge = observed("bridge.der", hue());
    assert_eq!(
        finding(&bridge, None, &[old.clone()]),
        Some(Finding::Moved { from })
    );
    // What the person blocked there is not a recommendation here.
    old.blocked = true;
    assert_eq!(finding(&bridge, None, &[old]), Some(Finding::Stranger));
}

#[test]
fn a_blocked_pin_connects_nobody() {
    let bridge = observed("bridge.der", hue());
    let mut pin = pin(&bridge);
    pin.blocked = true;
    assert_eq!(finding(&bridge, Some(&pin), &[]), Some(Finding::Blocked));
}

#[test]
fn an_ended_certificate_connects_only_as_long_as_the_person_said() {
    let bridge = observed("bridge.der", hue());
    let mut pin = pin(&bridge);
    let decision =
        |pin: &Pin, now| decide(&bridge, Some(pin), &[], Policy::default(), now).unwrap();
    assert_eq!(decision(&pin, TOO_LATE), Decision::Refuse(Finding::Expired));
    pin.extended_until = Some(TOO_LATE);
    assert!(matches!(decision(&pin, TOO_LATE), Decision::Connect(_)));
    assert_eq!(
        decision(&pin, TOO_LATE.plus_days(1)),
        Decision::Refuse(Finding::Expired)
    );
}

#[test]
fn the_last_second_of_a_certificate_still_counts() {
    let bridge = observed("bridge.der", hue());
    let pin = pin(&bridge);
    let decision = |now| decide(&bridge, Some(&pin), &[], Policy::default(), now).unwrap();
    assert!(matches!(decision(pin.not_after), Decision::Connect(_)));
    let after = Timestamp(pin.not_after.0 + 1);
    assert_eq!(decision(after), Decision::Refuse(Finding::Expired));
}

#[test]
fn a_renewal_of_the_key_is_noticed_and_taken_over() {
    let bridge = observed("bridge.der", hue());
    let mut pin = pin(&bridge);
    pin.leaf_sha256 = "00".repeat(32).parse().unwrap();
    let chain = UnverifiedChain::new(bridge.chain.clone()).unwrap();
    assert!(pin.check(&chain, NOW).unwrap().renewed());
    pin.renew(chain.leaf());
    assert!(!pin.check(&chain, NOW).unwrap().renewed());
}

#[test]
fn settings_refuse_what_they_say_and_nothing_else() {
    let decision =
        |observation: &Observation, pin: Option<&Pin>, elsewhere: &[Pin], policy, now| {
            decide(observation, pin, elsewhere, policy, now).unwrap()
        };
    let strict = Policy {
        refuse_expired: true,
        refuse_unverified: true,
    };
    let forbidden = |rule| Decision::Refuse(Finding::Forbidden { rule });
    let stranger = observed("router.der", ChainVerdict::UnknownIssuer);
    assert_eq!(
        decision(&stranger, None, &[], strict, NOW),
        forbidden(Rule::Unverified)
    );
    // Somebody vouches for this one, and the key of that one is known.
    let bridge = observed("bridge.der", hue());
    assert_eq!(
        decision(&bridge, None, &[], strict, NOW),
        Decision::Refuse(Finding::Stranger)
    );
    let mut known = pin(&stranger);
    known.endpoint = "192.168.1.77".parse().unwrap();
    let from = known.endpoint.clone();
    assert_eq!(
        decision(&stranger, None, &[known], strict, NOW),
        Decision::Refuse(Finding::Moved { from })
    );
    // What was trusted before stays trusted, until its certificate ends.
    let pinned = pin(&stranger);
    assert!(matches!(
        decision(&stranger, Some(&pinned), &[], strict, NOW),
        Decision::Connect(_)
    ));
    assert_eq!(
        decision(&stranger, Some(&pinned), &[], strict, TOO_LATE),
        forbidden(Rule::Expired)
    );
    let lenient = Policy {
        refuse_unverified: true,
        ..Policy::default()
    };
    assert_eq!(
        decision(&stranger, Some(&pinned), &[], lenient, TOO_LATE),
        Decision::Refuse(Finding::Expired)
    );
    // A setting never opens: another key is another key.
    let other = observed("router_other_key.der", ChainVerdict::UnknownIssuer);
    assert_eq!(
        decision(&other, Some(&pinned), &[], strict, NOW),
        Decision::Refuse(Finding::Changed)
    );
}
