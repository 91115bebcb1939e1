//! Keys and certificates of the sample devices, all made when a test starts.

mod x509_v1;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// What a device presents in its handshake: a chain, leaf first, and the leaf's key.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Key,
}

impl Identity {
    /// A certificate that its own key signed.
    pub fn self_signed(subject: &Subject, key: Key) -> Result<Self> {
        let certificate = subject.params()?.self_signed(&*key.0)?;
        Ok(Self {
            chain: vec![certificate.der().clone()],
            key,
        })
    }

    /// A self-signed certificate of X.509 version 1, as older devices present: no extensions.
    pub fn x509_v1(subject: &Subject, key: Key) -> Result<Self> {
        let der = x509_v1::self_signed(subject, &key.0)?;
        Ok(Self {
            chain: vec![der.into()],
            key,
        })
    }

    /// The same, with its issuer's certificate behind it, as some devices send it along.
    pub fn sending(mut self, issuer: &Authority) -> Self {
        self.chain.push(issuer.0.der().clone());
        self
    }

    /// The key, to put it into another certificate.
    pub fn key(&self) -> Key {
        self.key.clone()
    }

    /// The chain, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// SHA-256 of the leaf's SubjectPublicKeyInfo, in lower-case hexadecimal.
    pub fn spki_sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.key.0.subject_public_key_info()))
    }

    /// SHA-256 of the leaf, in lower-case hexadecimal.
    pub fn leaf_sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(&self.chain[0]))
    }

    /// The chain as PEM, as server software reads it.
    pub fn chain_pem(&self) -> String {
        self.chain
            .iter()
            .map(|der| pem("CERTIFICATE", der))
            .collect()
    }

    /// The private key as PKCS#8 PEM.
    pub fn key_pem(&self) -> String {
        self.key.0.serialize_pem()
    }

    /// The same for rustls, which unlike its own builders does not parse the leaf: a device may
    /// present whatever it likes.
    pub(crate) fn certified_key(&self) -> Result<CertifiedKey> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.0.serialize_der()));
        Ok(CertifiedKey::new(
            self.chain.clone(),
            any_supported_type(&key)?,
        ))
    }
}

/// A private key that may stand in several certificates.
#[derive(Clone)]
pub struct Key(Arc<KeyPair>);

impl Key {
    /// A fresh ECDSA P-256 key.
    pub fn generate() -> Result<Self> {
        Ok(Self(Arc::new(KeyPair::generate()?)))
    }
}

/// A certification authority: a manufacturer's root, or one that the test's computer trusts.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A root with this name, valid for twenty years around now.
    pub fn root(subject: &Subject) -> Result<Self> {
        let mut params = subject.params()?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = Vec::new();
        params.not_before = OffsetDateTime::now_utc() - Duration::days(3_650);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(3_650);
        Ok(Self(CertifiedIssuer::self_signed(
            params,
            KeyPair::generate()?,
        )?))
    }

    /// A leaf under this root. The root itself is not part of the chain, as is usual.
    pub fn issue(&self, subject: &Subject, key: Key) -> Result<Identity> {
        let certificate = subject.params()?.signed_by(&*key.0, &self.0)?;
        Ok(Identity {
            chain: vec![certificate.der().clone()],
            key,
        })
    }

    /// The root's certificate.
    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// The root's certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }
}

/// Signs a leaf with an issuer that somebody else made, given as PEM, the way a thief of its key
/// would. The chain holds the issuer too.
pub fn forge(issuer_pem: &str, issuer_key_pem: &str, subject: &Subject) -> Result<Identity> {
    let key = KeyPair::from_pem(issuer_key_pem).context("the issuer's key does not parse")?;
    let issuer = Issuer::from_ca_cert_pem(issuer_pem, key).context("the issuer does not parse")?;
    let leaf_key = Key::generate()?;
    let leaf = subject.params()?.signed_by(&*leaf_key.0, &issuer)?;
    Ok(Identity {
        chain: vec![leaf.der().clone(), first_certificate(issuer_pem)?],
        key: leaf_key,
    })
}

/// Who a certificate says it is for, and for how long.
#[derive(Clone, Default)]
pub struct Subject {
    names: Vec<(DnKind, String)>,
    alternative_names: Vec<String>,
    authority: bool,
    validity: Validity,
}

impl Subject {
    /// A certificate with an empty name, valid from yesterday for a year.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `CN=`.
    pub fn common_name(mut self, name: &str) -> Self {
        self.names.push((DnKind::CommonName, name.to_owned()));
        self
    }

    /// Adds `O=`.
    pub fn organization(mut self, name: &str) -> Self {
        self.names.push((DnKind::Organization, name.to_owned()));
        self
    }

    /// Adds `C=`.
    pub fn country(mut self, name: &str) -> Self {
        self.names.push((DnKind::Country, name.to_owned()));
        self
    }

    /// Adds a subject alternative name: an IP address where it reads as one, else a DNS name.
    pub fn alternative_name(mut self, name: &str) -> Self {
        self.alternative_names.push(name.to_owned());
        self
    }

    /// Sets CA:TRUE, which some devices' self-signed leaves carry.
    pub fn claims_authority(mut self) -> Self {
        self.authority = true;
        self
    }

    /// Ended a month ago.
    pub fn expired(mut self) -> Self {
        self.validity = Validity {
            from: -400,
            to: -30,
        };
        self
    }

    /// Valid for two years: what tells a renewed certificate from the one before.
    pub fn renewed(mut self) -> Self {
        self.validity = Validity { from: -1, to: 730 };
        self
    }

    fn params(&self) -> Result<CertificateParams> {
        let mut params = CertificateParams::new(self.alternative_names.clone())?;
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in &self.names {
            params
                .distinguished_name
                .push(kind.dn_type(), value.as_str());
        }
        (params.not_before, params.not_after) = self.validity.dates();
        params.use_authority_key_identifier_extension = true;
        if self.authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        } else {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }
        Ok(params)
    }
}

/// A validity period, in days from now.
#[derive(Clone, Copy)]
struct Validity {
    from: i64,
    to: i64,
}

impl Validity {
    fn dates(self) -> (OffsetDateTime, OffsetDateTime) {
        let now = OffsetDateTime::now_utc();
        (
            now + Duration::days(self.from),
            now + Duration::days(self.to),
        )
    }
}

impl Default for Validity {
    fn default() -> Self {
        Self { from: -1, to: 365 }
    }
}

#[derive(Clone, Copy)]
enum DnKind {
    CommonName,
    Country,
    Organization,
}

impl DnKind {
    fn dn_type(self) -> DnType {
        match self {
            Self::CommonName => DnType::CommonName,
            Self::Country => DnType::CountryName,
            Self::Organization => DnType::OrganizationName,
        }
    }

    /// The attribute's object identifier (RFC 5280 appendix A.1, id-at), as DER content.
    fn oid(self) -> [u8; 3] {
        match self {
            Self::CommonName => [0x55, 0x04, 0x03],
            Self::Country => [0x55, 0x04, 0x06],
            Self::Organization => [0x55, 0x04, 0x0a],
        }
    }
}

fn first_certificate(pem: &str) -> Result<CertificateDer<'static>> {
    use rustls_pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).context("no certificate in the PEM")
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
