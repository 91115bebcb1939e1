//! What chains under a maker's root prove.

use housekey::makers::{MakerError, Makers};
use housekey::store::AddedMaker;
use housekey_core::chain::{ChainVerdict, Der, Flaw};
use housekey_core::endpoint::Host;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::{Identity, Tier};
use housekey_core::maker::{DeviceIdRule, MakerId};
use housekey_core::text::SafeText;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;

use crate::{Home, YEAR, intermediate, leaf, now, params, root, root_with_key, sample_directory};

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
