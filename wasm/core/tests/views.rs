//! What a page is told about dates, and about devices that are not the same but much alike.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fs;
use std::path::Path;

use housekey_core::chain::{ChainVerdict, Der, Flaw, Observation, TlsVersion};
use housekey_core::decision::{Failure, Finding};
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::MakerId;
use housekey_core::protocol::Refusal;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use housekey_core::view::{Situation, TrustView};

/// 2027-01-15.
const NOW: Timestamp = Timestamp(1_800_000_000);

fn view(chain: &[&str], at: Timestamp) -> TrustView {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    let flaw = Flaw::Expired;
    let observation = Observation {
        endpoint: "192.168.1.20".parse().unwrap(),
        at,
        chain: chain
            .iter()
            .map(|name| Der(fs::read(directory.join(name)).unwrap()))
            .collect(),
        verdict: ChainVerdict::Refused { flaw },
        tls: TlsVersion::V1_3,
        alpn: None,
    };
    let refusal = Refusal {
        endpoint: observation.endpoint.clone(),
        at,
        finding: Finding::Unfit { flaw },
        observation: Some(observation),
        pin: None,
        other_device_before: false,
        outdated: None,
        old_address: None,
        maker_offer: None,
    };
    TrustView::new(&refusal, None, false).unwrap()
}

/// The dates that a page names are those of the certificate that is at fault.
#[test]
fn the_certificate_that_is_out_of_date_is_found() {
    let good = view(&["hue.der", "hue_root.der"], NOW);
    assert_eq!(good.out_of_date(), None);
    let ended = view(&["hue.der", "hue_ended.der"], NOW);
    assert_eq!(ended.out_of_date(), Some(&ended.chain[1]));
    let later = view(&["nas_later.der"], NOW);
    assert_eq!(later.out_of_date(), Some(&later.chain[0]));
}

#[test]
fn a_clock_before_housekey_is_wrong() {
    assert!(view(&["hue.der"], Timestamp(1)).is_before_housekey());
    assert!(!view(&["hue.der"], NOW).is_before_housekey());
}

#[test]
fn a_local_name_abroad_is_odd_at_any_port() {
    let failed = |address: &str, failure| {
        let endpoint: Endpoint = address.parse().unwrap();
        let mut view = TrustView::bare(Situation::Failed, &endpoint, None, NOW);
        view.failure = Some(failure);
        view.is_local_name_abroad()
    };
    assert!(failed("nas.local", Failure::Public));
    assert!(failed("nas.local:8443", Failure::Public));
    assert!(!failed("nas.lan", Failure::Public));
    assert!(!failed("nas.local", Failure::TimedOut));
}

#[test]
fn the_host_of_an_address_has_no_port() {
    let host = |address: &str| {
        let endpoint: Endpoint = address.parse().unwrap();
        let view = TrustView::bare(Situation::Failed, &endpoint, None, NOW);
        view.host().to_owned()
    };
    assert_eq!(host("nas.local:8443"), "nas.local");
    assert_eq!(host("nas.local"), "nas.local");
    assert_eq!(host("192.168.1.20:8443"), "192.168.1.20");
    assert_eq!(host("[fd00::1]:8443"), "[fd00::1]");
    assert_eq!(host("[fd00::1]"), "[fd00::1]");
}

#[test]
fn siblings_have_the_same_voucher_and_another_number() {
    let device = |id: &str| Identity {
        tier: Tier::Company,
        name: SafeText::new("Signify"),
        other_names: Vec::new(),
        verified_by: Some(SafeText::new("DigiCert Inc")),
        maker: None,
        issued_by: SafeText::new("DigiCert Inc"),
        device_id: Some(SafeText::new(id)),
        oddities: Vec::new(),
    };
    let (one, two) = (device("HB-1"), device("HB-2"));
    assert!(one.is_sibling_of(&two));
    assert!(!one.is_sibling_of(&one), "it is the same device");
    let made = |id: &str, maker: &str| Identity {
        tier: Tier::Manufacturer,
        maker: Some(maker.parse::<MakerId>().unwrap()),
        ..device(id)
    };
    assert!(made("1", "philips-hue").is_sibling_of(&made("2", "philips-hue")));
    let other_root = made("2", "added-0123456789abcdef");
    assert!(!made("1", "philips-hue").is_sibling_of(&other_root));
    assert!(!one.is_sibling_of(&made("2", "philips-hue")));
    let named = |name: &str| Identity {
        name: SafeText::new(name),
        ..device("HB-2")
    };
    assert!(!one.is_sibling_of(&named("Somebody Else")));
    let claimed = |id: &str| Identity {
        tier: Tier::Unverified,
        verified_by: None,
        ..device(id)
    };
    assert!(!claimed("1").is_sibling_of(&claimed("2")), "nobody vouches");
    let domain = |id: &str| Identity {
        tier: Tier::Domain,
        ..device(id)
    };
    assert!(
        !domain("1").is_sibling_of(&domain("2")),
        "a domain is no maker"
    );
}
