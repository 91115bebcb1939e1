//! The local authority: what makes a browser on this computer accept a device's address.
//!
//! A root certificate, made for this installation, permits private addresses and local names only.
//! It signs one issuing certificate with the same limits, and its key is then gone for good:
//! nothing else can ever be issued below that root.
//! The issuing key stays in the data directory and signs a short-lived leaf for each device,
//! which the gateway shows to the browser after it has checked the device itself.

mod constraints;
mod files;
mod root_key;
#[cfg(unix)]
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use housekey_core::endpoint::Host;
use housekey_core::scope::ScopeOptions;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::paths::{Paths, PathsError};
use root_key::RootKey;

pub use constraints::parse_local_name;

/// The local authority of this installation, ready to mint leaves.
///
/// Leaves share one key, which exists in this value only.
pub struct Authority {
    root: CertificateDer<'static>,
    issuer: CertificateDer<'static>,
    signer: Issuer<'static, KeyPair>,
    expires: OffsetDateTime,
    scope: ScopeOptions,
    leaf_public: KeyPair,
    leaf_key: Arc<dyn SigningKey>,
}

impl Authority {
    /// Makes an authority, which permits `local_names` besides the usual suffixes, and keeps it.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Exists`] if there is one already: see [`Self::destroy`].
    pub fn create(
        paths: &Paths,
        local_names: &[String],
        now: SystemTime,
    ) -> Result<Self, AuthorityError> {
        let local_names: Vec<String> = local_names
            .iter()
            .map(|name| parse_local_name(name))
            .collect::<Result<_, _>>()?;
        let tag = HEXLOWER.encode(&random::<4>()?);
        let period = Period {
            start: now - BACKDATED,
            end: now + AUTHORITY_LIFETIME,
        };

        let root_key = RootKey::generate()?;
        let root_name = format!("Housekey local authority {tag} (this computer only)");
        let root_params = authority_params(&root_name, 1, &local_names, period)?;
        let root = root_params.self_signed(&root_key)?;

        let mut issuer_key = KeyPair::generate()?;
        let issuer_name = format!("Housekey local issuer {tag} (this computer only)");
        let mut issuer_params = authority_params(&issuer_name, 0, &local_names, period)?;
        issuer_params.use_authority_key_identifier_extension = true;
        issuer_params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let issuer = issuer_params.signed_by(&issuer_key, &Issuer::new(root_params, root_key))?;
        // `Issuer::new` took the root's key, and here it is dropped with it.

        let key_pem = Zeroizing::new(issuer_key.serialize_pem());
        zeroize::Zeroize::zeroize(&mut issuer_key);
        files::write(paths, &root.pem(), &issuer.pem(), &key_pem)?;
        Self::load(paths, now)
    }

    /// Loads the authority of this installation, after checking that its files are this user's
    /// alone, that they belong together, and that it can vouch for a leaf today.
    ///
    /// # Errors
    ///
    /// What is wrong with it, by cause; [`AuthorityError::Missing`] if there is none.
    pub fn load(paths: &Paths, now: SystemTime) -> Result<Self, AuthorityError> {
        let files = files::read(paths)?;
        let scope = ScopeOptions {
            shared_address_space: true,
            local_names: files.local_names,
        };
        let leaf_public = KeyPair::generate()?;
        let leaf_der = PrivatePkcs8KeyDer::from(leaf_public.serialize_der());
        let leaf_key = any_ecdsa_type(&PrivateKeyDer::Pkcs8(leaf_der))
            .map_err(|_| AuthorityError::Damaged("no key can be made for its leaves"))?;
        let signer = Issuer::from_ca_cert_der(&files.issuer, files.key)?;
        let authority = Self {
            root: files.root,
            issuer: files.issuer,
            signer,
            expires: files.expires,
            scope,
            leaf_public,
            leaf_key,
        };
        authority.prove_itself(now)?;
        Ok(authority)
    }

    /// Deletes the authority's keys and certificates. Browsers that trust the root have to be told
    /// otherwise first.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Files`]; there being none is no error.
    pub fn destroy(paths: &Paths) -> Result<(), AuthorityError> {
        files::delete(paths)
    }

    /// Mints a leaf for exactly this host, with the chain that browsers expect.
    ///
    /// `organisation` is the company that was verified for the device, and stands in the leaf's
    /// subject, where the browser's certificate viewer shows it.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::NotLocal`] for a host that the authority does not permit, and
    /// [`AuthorityError::Expired`].
    pub fn mint(
        &self,
        host: &Host,
        organisation: Option<&str>,
        now: SystemTime,
    ) -> Result<Arc<CertifiedKey>, AuthorityError> {
        if !self.scope.is_device(host) {
            return Err(AuthorityError::NotLocal(host.to_string()));
        }
        let now = OffsetDateTime::from(now);
        if now >= self.expires {
            return Err(AuthorityError::Expired);
        }
        let end = (now + LEAF_LIFETIME).min(self.expires);
        let mut params = blank_params(
            Period {
                start: now - BACKDATED,
                end,
            },
            &subject_of(host),
        )?;
        if let Some(organisation) = organisation
            .map(subject_text)
            .filter(|text| !text.is_empty())
        {
            params
                .distinguished_name
                .push(DnType::OrganizationName, organisation);
        }
        params.subject_alt_names = vec![match host {
            Host::Ip(address) => SanType::IpAddress(*address),
            Host::Name(name) => SanType::DnsName(name.as_str().try_into()?),
        }];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_public, &self.signer)?;
        let chain = vec![leaf.der().clone(), self.issuer.clone()];
        Ok(Arc::new(CertifiedKey::new(chain, self.leaf_key.clone())))
    }

    /// The root certificate.
    #[must_use]
    pub const fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The issuing certificate: a device that shows a chain with it is no device.
    #[must_use]
    pub const fn issuer(&self) -> &CertificateDer<'static> {
        &self.issuer
    }

    /// The names that it permits besides the usual suffixes, each with everything below it.
    #[must_use]
    pub fn local_names(&self) -> &[String] {
        &self.scope.local_names
    }

    /// When the authority ends.
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.expires.into()
    }

    /// Mints a leaf and validates it: only a key that belongs to the issuing certificate, signed by
    /// the root, within its dates and constraints, passes.
    fn prove_itself(&self, now: SystemTime) -> Result<(), AuthorityError> {
        let host = Host::Ip(PROBE_ADDRESS.into());
        let minted = self.mint(&host, None, now)?;
        files::validate(&minted.cert, &self.root, &host, now).map_err(|error| match error {
            webpki::Error::CertNotValidYet { .. } => AuthorityError::Expired,
            _ => AuthorityError::Damaged("its certificates do not form a chain"),
        })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("root", &fingerprint(&self.root))
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why there is no authority, or no leaf.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// A file is not what this helper wrote.
    #[error("the local authority is damaged: {0}; run `housekey install` to make a new one")]
    Damaged(&'static str),
    /// There is an authority already.
    #[error("there is a local authority already; run `housekey uninstall` first")]
    Exists,
    /// Its time is over, or, by this computer's clock, has not begun.
    #[error("the local authority has expired; check the clock, then run `housekey install`")]
    Expired,
    /// A file cannot be used.
    #[error(transparent)]
    Files(#[from] PathsError),
    /// The key is not the issuing certificate's.
    #[error("the local authority's key is not its certificate's; run `housekey install`")]
    ForeignKey,
    /// The library could not make a key or a certificate.
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
    /// This cannot be a local name.
    #[error("{0:?} cannot be a local name; write one such as fritz.box")]
    LocalName(String),
    /// There is no authority.
    #[error("there is no local authority; run `housekey install`")]
    Missing,
    /// The host is public, so nothing may be signed for it.
    #[error("{0} is neither a private address nor a local name, so no certificate is made for it")]
    NotLocal(String),
}

impl AuthorityError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "authority_damaged",
            Self::Exists => "authority_exists",
            Self::Expired => "authority_expired",
            Self::Files(error) => error.code(),
            Self::ForeignKey => "authority_foreign_key",
            Self::Generate(_) => "authority_generate",
            Self::LocalName(_) => "authority_local_name",
            Self::Missing => "authority_missing",
            Self::NotLocal(_) => "authority_not_local",
        }
    }
}

/// The SHA-256 fingerprint of a certificate, as lower-case hexadecimal digits.
#[must_use]
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, certificate).as_ref())
}

#[derive(Clone, Copy)]
struct Period<T> {
    start: T,
    end: T,
}

fn authority_params(
    name: &str,
    path_length: u8,
    local_names: &[String],
    period: Period<SystemTime>,
) -> Result<CertificateParams, AuthorityError> {
    let period = Period {
        start: period.start.into(),
        end: period.end.into(),
    };
    let mut params = blank_params(period, name)?;
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Housekey");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.custom_extensions = vec![constraints::extension(local_names)];
    Ok(params)
}

fn blank_params(
    period: Period<OffsetDateTime>,
    common_name: &str,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.not_before = period.start;
    params.not_after = period.end;
    params.serial_number = Some(SerialNumber::from_slice(&random::<16>()?));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, subject_text(common_name));
    Ok(params)
}

/// What stands as common name in the leaf of a host. No browser takes a host from there, but OpenSSL
/// holds what looks like a DNS name there, as `192.168.1.20` does, against the permitted DNS names.
fn subject_of(host: &Host) -> String {
    match host {
        Host::Ip(address) => format!("device at {address}"),
        Host::Name(name) => name.clone(),
    }
}

/// A text as a subject may hold it: X.520 allows 64 characters.
fn subject_text(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(MAX_SUBJECT_CHARS)
        .collect()
}

fn random<const N: usize>() -> Result<[u8; N], AuthorityError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| rcgen::Error::RingUnspecified)?;
    Ok(bytes)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(5 * 365 * DAY.as_secs());
const LEAF_LIFETIME: Duration = Duration::from_secs(7 * DAY.as_secs());
/// Clocks are set back a little now and then.
const BACKDATED: Duration = Duration::from_secs(5 * 60);
const MAX_SUBJECT_CHARS: usize = 64;
const PROBE_ADDRESS: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 168, 0, 1);
