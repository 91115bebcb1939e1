//! Validation of a presented chain in everything but the host name.
//!
//! The work is rustls-webpki's. The subject-name step is simply not asked for, instead of running
//! the full verifier and forgiving one of its errors: then the order of its checks would decide.
//! What rustls-webpki leaves to others is added: see [`path`], [`root`] and [`constraints`].

mod constraints;
mod path;
mod root;

use std::sync::OnceLock;
use std::time::SystemTime;

use housekey_core::certificate::Certificate;
use housekey_core::chain::{Anchor, ChainVerdict, Der, Flaw};
use housekey_core::endpoint::Host;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use webpki::{EndEntityCert, Error};

use self::path::{Budget, Failure, Presented, Rules};
use self::root::Root;
use crate::makers::Voucher;

/// Certificates that this computer trusts.
pub struct Roots {
    roots: OnceLock<Vec<Root>>,
    load: fn() -> Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Roots {
    /// The system's roots, or Mozilla's where the system has none. They are read when first used.
    #[must_use]
    pub fn of_this_computer() -> Self {
        Self::loaded_by(system_roots)
    }

    /// Exactly these roots, and none of this computer's.
    #[must_use]
    pub fn these(roots: &[CertificateDer<'static>]) -> Self {
        let these = Self::loaded_by(Vec::new);
        // It was made a line above, so nobody else can have filled it.
        let _ = these
            .roots
            .set(roots.iter().filter_map(Root::read).collect());
        these
    }

    fn loaded_by(load: fn() -> Vec<CertificateDer<'static>>) -> Self {
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        Self {
            roots: OnceLock::new(),
            load,
            algorithms,
        }
    }

    /// Validates a chain, leaf first, against the manufacturers' roots and those of this computer.
    ///
    /// `own` is the local authority's issuing certificate: what it signed is for browsers on this
    /// computer, and no device may present it.
    #[must_use]
    pub fn verdict(
        &self,
        chain: &[CertificateDer<'_>],
        makers: &[Voucher],
        own: Option<&CertificateDer<'_>>,
        now: SystemTime,
    ) -> ChainVerdict {
        let Some(leaf) = chain.first() else {
            return ChainVerdict::Refused {
                flaw: Flaw::Malformed,
            };
        };
        if own.is_some_and(|own| is_issued_by(leaf, own)) {
            return ChainVerdict::Refused {
                flaw: Flaw::OwnAuthority,
            };
        }
        let rules = Rules {
            algorithms: self.algorithms.all,
            time: unix_time(now),
        };
        let presented = match presented(chain, leaf, &rules) {
            Ok(presented) => presented,
            Err(verdict) => return verdict,
        };
        let mut budget = Budget::new();
        let mut ended = None;
        for maker in makers {
            let roots: Vec<_> = maker.roots.iter().filter_map(Root::read).collect();
            match presented.verify(&roots, &rules, &mut budget) {
                Ok(_) => {
                    let (id, name) = (maker.id.clone(), maker.name.clone());
                    let rule = maker.rule.clone();
                    return ChainVerdict::Verified {
                        anchor: Anchor::Manufacturer { id, name, rule },
                    };
                }
                Err(Failure::Root(error)) => ended = Some(error),
                // With another root of the same name, even a bad signature means a stranger only.
                Err(Failure::Chain(_)) => {}
            }
        }
        match presented.verify(self.roots(), &rules, &mut budget) {
            Ok(root) => {
                let root = Certificate::from_der(&root.der).ok();
                let name = root.and_then(|root| root.subject.company().cloned());
                let name = name.unwrap_or_else(|| SafeText::new("?"));
                ChainVerdict::Verified {
                    anchor: Anchor::System { name },
                }
            }
            // A maker did sign it, with a root that cannot vouch for anybody now.
            Err(error) => match (error, ended) {
                (_, Some(error)) | (Failure::Root(error), None) => refused(&error),
                (Failure::Chain(Error::UnknownIssuer), None) => ChainVerdict::UnknownIssuer,
                (Failure::Chain(error), None) => refused(&error),
            },
        }
    }

    /// Whether a chain would verify if this were a root.
    #[must_use]
    pub fn would_verify(chain: &[Der], candidate: &Der, now: SystemTime) -> bool {
        let chain: Vec<_> = chain.iter().map(certificate).collect();
        let roots = Self::these(&[certificate(candidate).into_owned()]);
        roots.verifies(&chain, now)
    }

    /// Whether the key of this certificate is that of a root of this computer.
    #[must_use]
    pub fn hold_key_of(&self, candidate: &Der) -> bool {
        let candidate = certificate(candidate);
        webpki::anchor_from_trusted_cert(&candidate).is_ok_and(|candidate| {
            let key = candidate.subject_public_key_info;
            let mut roots = self.roots().iter();
            roots.any(|root| root.anchor.subject_public_key_info == key)
        })
    }

    /// Whether a browser on this computer takes this chain for this host by itself,
    /// so that Housekey has nothing to add.
    #[must_use]
    pub fn accepts(&self, chain: &[CertificateDer<'_>], host: &Host, now: SystemTime) -> bool {
        let name = match host {
            Host::Ip(address) => ServerName::IpAddress(IpAddr::from(*address)),
            Host::Name(name) => match ServerName::try_from(name.as_str()) {
                Ok(name) => name.to_owned(),
                Err(_) => return false,
            },
        };
        let Some(leaf) = chain.first() else {
            return false;
        };
        let Ok(leaf) = EndEntityCert::try_from(leaf) else {
            return false;
        };
        leaf.verify_is_valid_for_subject_name(&name).is_ok() && self.verifies(chain, now)
    }

    fn verifies(&self, chain: &[CertificateDer<'_>], now: SystemTime) -> bool {
        let verdict = self.verdict(chain, &[], None, now);
        matches!(verdict, ChainVerdict::Verified { .. })
    }

    fn roots(&self) -> &[Root] {
        self.roots
            .get_or_init(|| (self.load)().iter().filter_map(Root::read).collect())
    }
}

/// Takes a chain apart whose leaf is worth it, or says at once what it is.
fn presented<'a>(
    chain: &'a [CertificateDer<'a>],
    leaf: &CertificateDer<'_>,
    rules: &Rules<'_>,
) -> Result<Presented<'a>, ChainVerdict> {
    let Ok(leaf) = Certificate::from_der(leaf) else {
        return Err(refused(&Error::BadDer));
    };
    if !leaf.oddities.is_empty() {
        // RFC 5280 gives such a leaf no meaning, so that no chain to it proves anything. The core,
        // which sees the oddity too, tells it apart from other strangers.
        return Err(ChainVerdict::UnknownIssuer);
    }
    if !leaf.key.is_strong() {
        let flaw = Flaw::WeakKey;
        return Err(ChainVerdict::Refused { flaw });
    }
    let presented = Presented::read(chain).map_err(|error| refused(&error))?;
    match presented.check_leaf(rules) {
        Ok(()) => Ok(presented),
        Err(error) => Err(refused(&error)),
    }
}

/// Seconds since 1970, or 0 for a clock before that.
#[must_use]
pub fn timestamp(time: SystemTime) -> Timestamp {
    let seconds = unix_time(time).as_secs();
    Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn certificate(der: &Der) -> CertificateDer<'_> {
    CertificateDer::from(der.0.as_slice())
}

fn system_roots() -> Vec<CertificateDer<'static>> {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(%error, "some of the system's roots could not be read");
    }
    if loaded.certs.is_empty() {
        return webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    }
    loaded.certs
}

/// Names suffice: the authority's name holds random digits of this installation, and a stranger
/// who copies it is refused just as well.
fn is_issued_by(leaf: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    match (Certificate::from_der(leaf), Certificate::from_der(issuer)) {
        (Ok(leaf), Ok(issuer)) => leaf.issuer == issuer.subject,
        _ => false,
    }
}

/// What is wrong, in the core's words.
fn refused(error: &Error) -> ChainVerdict {
    let flaw = match error {
        Error::CertExpired { .. } => Flaw::Expired,
        Error::CertNotValidYet { .. } => Flaw::NotYetValid,
        Error::InvalidSignatureForPublicKey
        | Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Flaw::BadSignature,
        Error::NameConstraintViolation => Flaw::NameConstraint,
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => Flaw::WrongPurpose,
        _ => Flaw::Malformed,
    };
    ChainVerdict::Refused { flaw }
}
