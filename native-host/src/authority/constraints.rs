//! What the local authority can ever vouch for: RFC 5280 section 4.2.1.10, name constraints.
//!
//! A verifier holds every name of a leaf against these subtrees.
//! Addresses and DNS names that are not permitted here are refused because some of their kind are;
//! e-mail addresses and URIs, of which none is permitted, are excluded in words.
//! Directory names stay open, for the organisation in a leaf's subject is one; it proves no host.
//! For the remaining kinds (otherName, x400Address, ediPartyName, registeredID) that section
//! defines no constraint, and neither browser takes a host from them.
//!
//! The extension is written here byte by byte because `rcgen` 0.14 has no URI subtrees.

use std::net::{Ipv4Addr, Ipv6Addr};

use housekey_core::endpoint::Host;
use housekey_core::scope::LOCAL_SUFFIXES;
use rcgen::CustomExtension;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::X509Certificate;

use super::AuthorityError;

/// The critical extension that permits private addresses, the local suffixes, and these names
/// with everything below them.
pub(super) fn extension(local_names: &[String]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&OID, der(local_names));
    extension.set_criticality(true);
    extension
}

/// The names that a certificate of the authority permits beside the local suffixes, if its
/// constraints are exactly those that [`extension`] makes of them.
pub(super) fn local_names_of(certificate: &X509Certificate<'_>) -> Option<Vec<String>> {
    let extension = certificate.extensions().iter().find(|extension| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::NameConstraints(_)
        )
    })?;
    let ParsedExtension::NameConstraints(constraints) = extension.parsed_extension() else {
        return None;
    };
    let names: Vec<String> = constraints
        .permitted_subtrees
        .iter()
        .flatten()
        .filter_map(|subtree| match subtree.base {
            GeneralName::DNSName(name) if !LOCAL_SUFFIXES.contains(&name) => Some(name.into()),
            _ => None,
        })
        .collect();
    (extension.critical && extension.value == der(&names)).then_some(names)
}

/// A name that a person adds to the local ones, in canonical form.
///
/// # Errors
///
/// [`AuthorityError::LocalName`] for what is no DNS name, and for a whole top-level domain:
/// an authority for all of `com` would not be local to anything.
pub fn parse_local_name(text: &str) -> Result<String, AuthorityError> {
    let name = text.trim().trim_start_matches("*.").trim_start_matches('.');
    match name.parse::<Host>() {
        Ok(Host::Name(name)) if name.contains('.') || NEVER_DELEGATED.contains(&&*name) => Ok(name),
        _ => Err(AuthorityError::LocalName(text.into())),
    }
}

fn der(local_names: &[String]) -> Vec<u8> {
    let v4 = PRIVATE_IPV4.iter().map(|(address, prefix)| {
        let mask = u32::MAX << (32 - prefix);
        subtree(IP_ADDRESS, &[address.octets(), mask.to_be_bytes()].concat())
    });
    let v6 = PRIVATE_IPV6.iter().map(|(address, prefix)| {
        let mask = u128::MAX << (128 - prefix);
        subtree(IP_ADDRESS, &[address.octets(), mask.to_be_bytes()].concat())
    });
    let added = local_names.iter().map(String::as_str);
    let names = LOCAL_SUFFIXES
        .into_iter()
        .chain(added)
        .map(|name| subtree(DNS_NAME, name.as_bytes()));
    let permitted: Vec<u8> = v4.chain(v6).chain(names).flatten().collect();
    // Both browsers take an empty constraint to contain every name of its kind.
    let excluded = [subtree(RFC822_NAME, b""), subtree(URI, b"")].concat();
    tlv(
        SEQUENCE,
        &[tlv(PERMITTED, &permitted), tlv(EXCLUDED, &excluded)].concat(),
    )
}

fn subtree(name_type: u8, name: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &tlv(name_type, name))
}

/// A DER element: tag, length (X.690 section 8.1.3), content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut element = vec![tag];
    if content.len() < 0x80 {
        element.push(significant.first().copied().unwrap_or(0));
    } else {
        element.push(0x80 | u8::try_from(significant.len()).unwrap_or(u8::MAX));
        element.extend_from_slice(significant);
    }
    element.extend_from_slice(content);
    element
}

/// id-ce-nameConstraints.
const OID: [u64; 4] = [2, 5, 29, 30];
const SEQUENCE: u8 = 0x30;
const PERMITTED: u8 = 0xa0;
const EXCLUDED: u8 = 0xa1;
const RFC822_NAME: u8 = 0x81;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

/// RFC 1918, 3927 and 6598.
const PRIVATE_IPV4: [(Ipv4Addr, u32); 5] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
];
/// RFC 4193, and RFC 4291 link-local.
const PRIVATE_IPV6: [(Ipv6Addr, u32); 2] = [
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
];
/// Top-level names that people use at home and that ICANN resolved in 2018 not to delegate.
const NEVER_DELEGATED: [&str; 2] = ["corp", "home"];

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::extensions::NameConstraints;
    use x509_parser::prelude::FromDer;

    #[test]
    fn the_extension_says_what_it_should_to_a_parser() {
        let der = der(&["fritz.box".into()]);
        let (rest, constraints) = NameConstraints::from_der(&der).unwrap();
        assert!(rest.is_empty());
        let names = |subtrees: &Option<Vec<_>>| -> Vec<String> {
            let subtrees: &Vec<x509_parser::extensions::GeneralSubtree<'_>> =
                subtrees.as_ref().unwrap();
            subtrees
                .iter()
                .map(|subtree| format!("{:?}", subtree.base))
                .collect()
        };
        let permitted = names(&constraints.permitted_subtrees);
        assert_eq!(permitted.len(), PRIVATE_IPV4.len() + PRIVATE_IPV6.len() + 5);
        assert!(
            permitted[0].contains("10, 0, 0, 0, 255, 0, 0, 0"),
            "{permitted:?}"
        );
        assert!(
            permitted[1].contains("172, 16, 0, 0, 255, 240, 0, 0"),
            "{permitted:?}"
        );
        assert!(
            permitted[4].contains("100, 64, 0, 0, 255, 192, 0, 0"),
            "{permitted:?}"
        );
        assert!(
            permitted.contains(&"DNSName(\"home.arpa\")".into()),
            "{permitted:?}"
        );
        assert!(
            permitted.contains(&"DNSName(\"fritz.box\")".into()),
            "{permitted:?}"
        );
        let excluded = names(&constraints.excluded_subtrees);
        assert_eq!(excluded, ["RFC822Name(\"\")", "URI(\"\")"]);
    }

    #[test]
    fn long_elements_have_long_lengths() {
        assert_eq!(tlv(SEQUENCE, &[])[..], [0x30, 0]);
        assert_eq!(tlv(SEQUENCE, &[1; 127])[..2], [0x30, 127]);
        assert_eq!(tlv(SEQUENCE, &[1; 128])[..3], [0x30, 0x81, 128]);
        assert_eq!(tlv(SEQUENCE, &[1; 500])[..4], [0x30, 0x82, 1, 244]);
    }

    #[test]
    fn local_names_are_canonical_and_no_top_level_domain() {
        for (text, name) in [
            ("Fritz.Box.", "fritz.box"),
            ("*.haus.example", "haus.example"),
            ("home", "home"),
        ] {
            assert_eq!(parse_local_name(text).unwrap(), name, "{text}");
        }
        for text in [
            "com",
            "",
            "192.168.1.1",
            "a b",
            "*",
            "fritz.box:8443",
            "box",
        ] {
            assert_eq!(
                parse_local_name(text).unwrap_err().code(),
                "authority_local_name",
                "{text}"
            );
        }
    }
}
