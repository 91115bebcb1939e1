//! "Trust this maker", asked about a root that a device sent along.

use housekey::makers::MakerError;
use housekey_core::fingerprint::CertificateSha256;
use housekey_core::identity::Tier;
use housekey_core::text::SafeText;
use rustls_pki_types::CertificateDer;

use crate::{Home, YEAR, intermediate, intermediate_with_key, leaf, now, root, self_signed_leaf};

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
