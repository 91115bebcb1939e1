//! Name constraints (RFC 5280 section 4.2.1.10) where rustls-webpki does not look: on names
//! that a leaf gives itself in its common name.
//!
//! The rule for a common name: where the subject alternative name holds no DNS name, a common name
//! that looks like one is bound like one. Where it holds neither a DNS name nor an address, a
//! common name that is an address is bound by the constraints on addresses. Housekey drops the
//! check of the host's name and shows common names to people, so an issuer that may not vouch for
//! a name must not get it shown as verified that way.

use std::net::IpAddr;
use std::str::FromStr as _;

use housekey_core::endpoint::Host;
use webpki::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::{Any, Tag};
use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};

/// What an authority must not, or may only, vouch for, as far as it is looked at here.
#[derive(Debug, Default)]
pub(super) struct Constraints {
    permitted: Subtrees,
    excluded: Subtrees,
    /// Entries of any kind, each of which is compared with each name below.
    pub(super) count: usize,
}

#[derive(Debug, Default)]
struct Subtrees {
    domains: Vec<String>,
    networks: Vec<Network>,
}

/// An address and its mask, of equal length.
#[derive(Debug)]
struct Network(Vec<u8>);

/// The names of a leaf that rustls-webpki leaves unbound.
#[derive(Debug, Default)]
pub(super) struct LeafNames {
    domains: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl Constraints {
    /// Reads the constraints of a certificate, none where it has none.
    ///
    /// # Errors
    ///
    /// [`Error::BadDer`] for constraints that say nothing or cannot be read: somebody meant to
    /// bind this authority, and nobody knows how.
    pub(super) fn read(certificate: &X509Certificate<'_>) -> Result<Self, Error> {
        let Some(extension) = certificate
            .get_extension_unique(&x509_parser::oid_registry::OID_X509_EXT_NAME_CONSTRAINTS)
            .map_err(|_| Error::BadDer)?
        else {
            return Ok(Self::default());
        };
        let ParsedExtension::NameConstraints(found) = extension.parsed_extension() else {
            return Err(Error::BadDer);
        };
        let permitted = found.permitted_subtrees.as_deref().unwrap_or_default();
        let excluded = found.excluded_subtrees.as_deref().unwrap_or_default();
        if permitted.is_empty() && excluded.is_empty() {
            return Err(Error::BadDer);
        }
        Ok(Self {
            count: permitted.len() + excluded.len(),
            permitted: Subtrees::read(permitted)?,
            excluded: Subtrees::read(excluded)?,
        })
    }

    /// Checks a leaf.
    ///
    /// # Errors
    ///
    /// [`Error::NameConstraintViolation`] for a name that is excluded or not permitted.
    pub(super) fn check(&self, names: &LeafNames) -> Result<(), Error> {
        let (permitted, excluded) = (&self.permitted, &self.excluded);
        let within = |name: &str, domains: &[String]| domains.iter().any(|it| is_within(name, it));
        let bad_domain = names.domains.iter().any(|name| {
            within(name, &excluded.domains)
                || !permitted.domains.is_empty() && !within(name, &permitted.domains)
        });
        let inside = |address: IpAddr, networks: &[Network]| {
            networks.iter().any(|network| network.contains(address))
        };
        let bad_address = names.addresses.iter().any(|address| {
            inside(*address, &excluded.networks)
                || !permitted.networks.is_empty() && !inside(*address, &permitted.networks)
        });
        if bad_domain || bad_address {
            return Err(Error::NameConstraintViolation);
        }
        Ok(())
    }
}

impl Subtrees {
    fn read(subtrees: &[GeneralSubtree<'_>]) -> Result<Self, Error> {
        let mut read = Self::default();
        for subtree in subtrees {
            match &subtree.base {
                GeneralName::DNSName(name) => read.domains.push(canonical(name)),
                GeneralName::IPAddress(bytes) if matches!(bytes.len(), 8 | 32) => {
                    read.networks.push(Network(bytes.to_vec()));
                }
                GeneralName::IPAddress(_) => return Err(Error::InvalidNetworkMaskConstraint),
                // The other kinds bind no name that is looked at here.
                _ => {}
            }
        }
        Ok(read)
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let (base, mask) = self.0.split_at(self.0.len() / 2);
        octets.len() == base.len()
            && octets
                .iter()
                .zip(base.iter().zip(mask))
                .all(|(octet, (base, mask))| octet & mask == base & mask)
    }
}

impl LeafNames {
    pub(super) fn read(leaf: &X509Certificate<'_>) -> Result<Self, Error> {
        let alternative = leaf.subject_alternative_name().map_err(|_| Error::BadDer)?;
        let alternative = alternative.map(|it| it.value.general_names.as_slice());
        let alternative = alternative.unwrap_or_default();
        let mut names = Self::default();
        let (mut has_domain, mut has_address) = (false, false);
        for name in alternative {
            match name {
                GeneralName::DNSName(_) => has_domain = true,
                GeneralName::IPAddress(_) => has_address = true,
                _ => {}
            }
        }
        for attribute in leaf.subject().iter_common_name() {
            let Some(name) = text(attribute.attr_value()) else {
                continue;
            };
            match IpAddr::from_str(&name) {
                Ok(address) if !has_domain && !has_address => names.addresses.push(address),
                Ok(_) => {}
                Err(_) if has_domain => {}
                Err(_) => names.domains.extend(as_domain(&name)),
            }
        }
        Ok(names)
    }

    /// How many of them each constraint is compared with, beside those of rustls-webpki.
    pub(super) const fn count(&self) -> usize {
        self.domains.len() + self.addresses.len()
    }
}

/// What an attribute says, where every program that reads it reads the same.
fn text(value: &Any<'_>) -> Option<String> {
    match value.tag() {
        Tag::BmpString => {
            let units = value.data.chunks(2);
            let units = units.map(|unit| <[u8; 2]>::try_from(unit).map(u16::from_be_bytes));
            String::from_utf16(&units.collect::<Result<Vec<_>, _>>().ok()?).ok()
        }
        Tag::UniversalString => {
            let chars = value.data.chunks(4).map(|four| {
                let four = <[u8; 4]>::try_from(four).ok()?;
                char::from_u32(u32::from_be_bytes(four))
            });
            chars.collect()
        }
        _ => String::from_utf8(value.data.to_vec()).ok(),
    }
}

/// A common name as a DNS name, if it looks like one: labels with a dot between them.
fn as_domain(name: &str) -> Option<String> {
    let name = canonical(name);
    let plain = name.strip_prefix("*.").unwrap_or(&name);
    if !plain.contains('.') {
        return None;
    }
    if !plain.is_ascii() {
        return match Host::from_str(plain) {
            Ok(Host::Name(name)) => Some(name.as_str().to_owned()),
            _ => None,
        };
    }
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
    };
    plain.split('.').all(is_label).then_some(name)
}

fn canonical(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase()
}

/// Whether a name is this domain or below it. The empty domain holds every name; one that begins
/// with a dot, which RFC 5280 does not know, only what is below it.
fn is_within(name: &str, domain: &str) -> bool {
    if domain.is_empty() || name == domain {
        return true;
    }
    match name.strip_suffix(domain) {
        Some(front) => domain.starts_with('.') || front.ends_with('.'),
        None => false,
    }
}
