//! What comes in any number: further names, and the whole chain for those who want to see it.

use housekey_core::certificate::{AttributeKind, KeyKind, WholeNames};
use housekey_core::identity::Identity;
use housekey_core::view::{CertificateView, TrustView};
use web_sys::Element;

use crate::pages::PageHost;
use crate::pages::dom::{self, Result};
use crate::pages::text::{Values, code};

/// Puts the chain's certificates into the page, if it has a place for them.
pub(super) fn show_chain(host: &PageHost, view: &TrustView) -> Result<()> {
    let verified = view.identity.as_ref().is_some_and(Identity::is_verified);
    let Some(list) = dom::find::<Element>("chain")? else {
        return Ok(());
    };
    for certificate in &view.chain {
        let item = dom::instance("certificate", host, &values(host, certificate, verified))?;
        show_whole(host, &item, &certificate.whole)?;
        list.append_child(&item)?;
    }
    Ok(())
}

/// Puts all names of a certificate, each in full, into its place in the list.
fn show_whole(host: &PageHost, item: &Element, whole: &WholeNames) -> Result<()> {
    for (place, attributes) in [
        (".whole-subject", &whole.subject),
        (".whole-issuer", &whole.issuer),
    ] {
        let Some(place) = dom::part::<Element>(item, place)? else {
            continue;
        };
        for attribute in attributes {
            let mut values = Values::default();
            values.set("kind", code(&attribute.kind));
            values.set("value", attribute.value.as_str());
            if attribute.kind == AttributeKind::Other {
                values.set("oid", attribute.oid.as_str());
            }
            let line = dom::instance("attribute", host, &values)?;
            place.append_child(&line)?;
        }
    }
    if let Some(place) = dom::part::<Element>(item, ".whole-alternatives")? {
        for alternative in &whole.alternatives {
            let mut values = Values::default();
            values.set("value", alternative.as_str());
            let line = dom::instance("alternative", host, &values)?;
            place.append_child(&line)?;
        }
    }
    Ok(())
}

/// Puts the further names of who answers into the page, if it has a place for them.
pub(super) fn show_other_names(host: &PageHost, identity: &Identity) -> Result<()> {
    let Some(place) = dom::find::<Element>("other-names")? else {
        return Ok(());
    };
    let kind = if identity.is_verified() {
        "fact"
    } else {
        "claim"
    };
    for name in &identity.other_names {
        let mut values = Values::default();
        values.set(kind, name.as_str());
        let item = dom::instance("other-name", host, &values)?;
        place.append_child(&item)?;
    }
    Ok(())
}

/// Tells kind and size of a key.
pub(super) fn tell_key(values: &mut Values, key: KeyKind) {
    let (kind, bits) = match key {
        KeyKind::Ec { bits } => ("ec", bits),
        KeyKind::Ed25519 => ("ed25519", 256),
        KeyKind::Rsa { bits } => ("rsa", bits),
        KeyKind::Other => ("other", 0),
    };
    values.set("key_kind", kind);
    values.set("key_bits", bits.to_string());
}

/// A name in a chain that nobody vouches for is a claim, and shown as one.
fn values(host: &PageHost, certificate: &CertificateView, verified: bool) -> Values {
    let mut values = Values::default();
    let (subject, issuer) = if verified {
        ("subject", "issuer")
    } else {
        ("subject_claim", "issuer_claim")
    };
    values.set(subject, certificate.subject.as_str());
    values.set(issuer, certificate.issuer.as_str());
    values.set("begins", host.date(certificate.not_before));
    values.set("ends", host.date(certificate.not_after));
    values.set("serial", certificate.serial.as_str());
    values.set("fingerprint", certificate.certificate_fingerprint.as_str());
    values.set("key_fingerprint", certificate.key_fingerprint.as_str());
    tell_key(&mut values, certificate.key);
    let names: Vec<&str> = certificate.names.iter().map(|name| name.as_str()).collect();
    values.set("names", names.join(", "));
    values.flag("alternatives", !certificate.whole.alternatives.is_empty());
    if certificate.whole.left_out > 0 {
        values.set("left_out", host.number(certificate.whole.left_out));
    }
    values
}
