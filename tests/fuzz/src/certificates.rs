//! Certificates, as a device presents them.

use housekey_core::certificate::{Certificate, DistinguishedName, MAX_NAMES, WholeNames, spki};
use housekey_core::chain::{ChainVerdict, Der, UnverifiedChain};
use housekey_core::identity::{Identity, Tier};

use crate::names::is_harmless;

/// One certificate: what is read of it is bounded and harmless to show.
pub fn certificate(data: &[u8]) {
    let Ok(certificate) = Certificate::from_der(data) else {
        return;
    };
    assert!(spki(data).is_ok(), "its key was read, and cannot be");
    assert!(certificate.names.len() <= MAX_NAMES);
    assert!(WholeNames::from_der(data).is_ok(), "its names were read");
    are_harmless(&certificate.subject);
    are_harmless(&certificate.issuer);
    certificate.names.iter().for_each(is_harmless);
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

fn are_harmless(name: &DistinguishedName) {
    let texts = name.common_name.iter().chain(&name.organisations);
    texts.chain(&name.serial_number).for_each(is_harmless);
}
