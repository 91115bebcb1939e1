//! The names in a certificate: whose it is, and where it is for.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::{Any, Class, FromDer as _, Tag};
use x509_parser::oid_registry::{
    OID_DOMAIN_COMPONENT, OID_PKCS9_EMAIL_ADDRESS, OID_X509_COMMON_NAME, OID_X509_COUNTRY_NAME,
    OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_LOCALITY_NAME, OID_X509_ORGANIZATION_NAME,
    OID_X509_ORGANIZATIONAL_UNIT, OID_X509_SERIALNUMBER, OID_X509_STATE_OR_PROVINCE_NAME, Oid,
};
use x509_parser::x509::X509Name;

use super::string;
use super::{CertificateError, parse};
use crate::text::{Piece, SafeText, WholeText};

/// The attributes of a distinguished name that tell who somebody is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    /// `CN`, the first one.
    pub common_name: Option<SafeText>,
    /// Every `O` that is not empty, in the order of the name, at most [`MAX_ORGANISATIONS`].
    pub organisations: Vec<SafeText>,
    /// `serialNumber`, the first one.
    pub serial_number: Option<SafeText>,
}

/// All that a certificate says about names, for those who ask for the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct WholeNames {
    /// Every attribute of the subject, in the order of the name.
    pub subject: Vec<Attribute>,
    /// Every attribute of the issuer.
    pub issuer: Vec<Attribute>,
    /// DNS names and addresses of the subject alternative name.
    pub alternatives: Vec<WholeText>,
    /// How many there are beyond [`MAX_WHOLE`] of each.
    pub left_out: usize,
}

/// One attribute of a distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Attribute {
    /// What it tells.
    pub kind: AttributeKind,
    /// Its object identifier, as numbers with dots between them.
    pub oid: SafeText,
    /// What it says.
    pub value: WholeText,
}

/// What an [`Attribute`] tells (RFC 5280 section 4.1.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum AttributeKind {
    /// `CN`
    CommonName,
    /// `C`
    Country,
    /// `DC`
    DomainComponent,
    /// `emailAddress`
    Email,
    /// `L`
    Locality,
    /// `O`
    Organisation,
    /// `OU`
    OrganisationalUnit,
    /// Something else.
    Other,
    /// `serialNumber`
    SerialNumber,
    /// `ST`
    State,
}

impl DistinguishedName {
    /// The first organisation, or the common name where there is none.
    #[must_use]
    pub fn company(&self) -> Option<&SafeText> {
        self.organisations.first().or(self.common_name.as_ref())
    }

    pub(super) fn read(name: &X509Name<'_>) -> Self {
        let texts = |oid: Oid<'static>| {
            name.iter_attributes()
                .filter(move |attribute| *attribute.attr_type() == oid)
                .map(|attribute| string::read(attribute.attr_value()))
                .map(|pieces| SafeText::of(pieces.into_iter()))
                .filter(|text| !text.is_empty())
        };
        Self {
            common_name: texts(OID_X509_COMMON_NAME).next(),
            organisations: texts(OID_X509_ORGANIZATION_NAME)
                .take(MAX_ORGANISATIONS)
                .collect(),
            serial_number: texts(OID_X509_SERIALNUMBER).next(),
        }
    }
}

impl WholeNames {
    /// Reads the names of a certificate.
    ///
    /// # Errors
    ///
    /// As [`Certificate::from_der`](super::Certificate::from_der).
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = parse(der)?;
        let mut left_out = 0;
        let mut attributes = |name: &X509Name<'_>| -> Vec<Attribute> {
            left_out += name.iter_attributes().skip(MAX_WHOLE).count();
            name.iter_attributes()
                .take(MAX_WHOLE)
                .map(|attribute| Attribute {
                    kind: AttributeKind::of(attribute.attr_type()),
                    oid: SafeText::new(&attribute.attr_type().to_id_string()),
                    value: WholeText::of(string::read(attribute.attr_value()).into_iter()),
                })
                .collect()
        };
        let (subject, issuer) = (
            attributes(certificate.subject()),
            attributes(certificate.issuer()),
        );
        let alternatives = alternatives(&certificate);
        left_out += alternatives.len().saturating_sub(MAX_WHOLE);
        Ok(Self {
            subject,
            issuer,
            alternatives: alternatives
                .into_iter()
                .take(MAX_WHOLE)
                .map(|pieces| WholeText::of(pieces.into_iter()))
                .collect(),
            left_out,
        })
    }
}

impl AttributeKind {
    fn of(oid: &Oid<'_>) -> Self {
        let known = [
            (OID_DOMAIN_COMPONENT, Self::DomainComponent),
            (OID_PKCS9_EMAIL_ADDRESS, Self::Email),
            (OID_X509_COMMON_NAME, Self::CommonName),
            (OID_X509_COUNTRY_NAME, Self::Country),
            (OID_X509_LOCALITY_NAME, Self::Locality),
            (OID_X509_ORGANIZATIONAL_UNIT, Self::OrganisationalUnit),
            (OID_X509_ORGANIZATION_NAME, Self::Organisation),
            (OID_X509_SERIALNUMBER, Self::SerialNumber),
            (OID_X509_STATE_OR_PROVINCE_NAME, Self::State),
        ];
        known
            .into_iter()
            .find(|(it, _)| it == oid)
            .map_or(Self::Other, |(_, kind)| kind)
    }
}

/// The first of the DNS names and addresses that a certificate is for.
pub(super) fn subject_names(certificate: &X509Certificate<'_>) -> Vec<SafeText> {
    alternatives(certificate)
        .into_iter()
        .take(MAX_NAMES)
        .map(|pieces| SafeText::of(pieces.into_iter()))
        .collect()
}

/// DNS names and addresses of the subject alternative name (RFC 5280 section 4.2.1.6).
///
/// It is read here, because the parser's own reader gives up the whole extension for one name that
/// is not ASCII, and then nothing would be shown.
fn alternatives(certificate: &X509Certificate<'_>) -> Vec<Vec<Piece>> {
    let mut names = Vec::new();
    let extensions = certificate.extensions().iter();
    for extension in extensions.filter(|it| it.oid == OID_X509_EXT_SUBJECT_ALT_NAME) {
        let mut rest = match Any::from_der(extension.value) {
            Ok(([], sequence)) if sequence.tag() == Tag::Sequence => sequence.data,
            _ => {
                names.push(string::other(extension.value));
                continue;
            }
        };
        while !rest.is_empty() {
            let Ok((after, name)) = Any::from_der(rest) else {
                names.push(string::other(rest));
                break;
            };
            rest = after;
            match (name.class(), name.tag().0) {
                (Class::ContextSpecific, DNS_NAME) => names.push(string::ia5(name.data)),
                (Class::ContextSpecific, IP_ADDRESS) => names.push(address(name.data)),
                _ => {}
            }
        }
    }
    names
}

fn address(bytes: &[u8]) -> Vec<Piece> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
    match address {
        Ok(address) => address.to_string().chars().map(Piece::Char).collect(),
        Err(_) => bytes.iter().copied().map(Piece::Byte).collect(),
    }
}

/// Names of a certificate that are kept; some have thousands, and nobody reads them.
pub const MAX_NAMES: usize = 16;
/// Organisations of a name that are kept; honest names have one.
pub const MAX_ORGANISATIONS: usize = 16;
/// Attributes of each name, and alternative names, that are shown to those who ask for all.
pub const MAX_WHOLE: usize = 100;
/// Tags of `GeneralName`.
const DNS_NAME: u32 = 2;
const IP_ADDRESS: u32 = 7;
