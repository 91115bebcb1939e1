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
use housekey_core::chain::{Anchor, ChainVerdict, Flaw};
use housekey_core::endpoint::Host;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use webpki::{EndEntityCert, Error};

use self::path::{Budget, Presented, Rules};
use self::root::Root;
use crate::store::Maker;

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

    /// These and no others.
    #[must_use]
    pub fn of(certificates: &[CertificateDer<'static>]) -> Self {
        let roots = Self::loaded_by(Vec::new);
        let given = certificates.iter().filter_map(Root::read).collect();
        // Nobody has asked for them yet.
        let _ = roots.roots.set(given);
        roots
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
        makers: &[Maker],
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
        let rules = self.rules(now);
        let read = match Certificate::from_der(leaf) {
            // RFC 5280 gives such a leaf no meaning, so that no chain to it proves anything. The
            // core, which sees the oddity too, tells it apart from other strangers.
            Ok(leaf) if !leaf.oddities.is_empty() => return ChainVerdict::UnknownIssuer,
            Ok(leaf) if !leaf.key.is_strong() => Err(Flaw::WeakKey),
            Ok(_) => Presented::read(chain)
                .and_then(|presented| presented.check_leaf(&rules).map(|()| presented))
                .map_err(|error| flaw_of(&error)),
            Err(_) => Err(Flaw::Malformed),
        };
        let presented = match read {
            Ok(presented) => presented,
            Err(flaw) => return ChainVerdict::Refused { flaw },
        };
        let mut budget = Budget::new();
        for maker in makers {
            let root = Root::read(&CertificateDer::from(maker.root.0.as_slice()).into_owned());
            if let Some(root) = root
                && presented.verify(&[root], &rules, &mut budget).is_ok()
            {
                let (name, device_id) = (maker.name.clone(), maker.device_id);
                return ChainVerdict::Verified {
                    anchor: Anchor::Manufacturer { name, device_id },
                };
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
            Err(Error::UnknownIssuer) => ChainVerdict::UnknownIssuer,
            Err(error) => ChainVerdict::Refused {
                flaw: flaw_of(&error),
            },
        }
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
        let verdict = || self.verdict(chain, &[], None, now);
        leaf.verify_is_valid_for_subject_name(&name).is_ok()
            && matches!(verdict(), ChainVerdict::Verified { .. })
    }

    fn roots(&self) -> &[Root] {
        self.roots
            .get_or_init(|| (self.load)().iter().filter_map(Root::read).collect())
    }

    fn rules(&self, now: SystemTime) -> Rules<'static> {
        Rules {
            algorithms: self.algorithms.all,
            time: unix_time(now),
        }
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
fn flaw_of(error: &Error) -> Flaw {
    match error {
        Error::CertExpired { .. } => Flaw::Expired,
        Error::CertNotValidYet { .. } => Flaw::NotYetValid,
        Error::InvalidSignatureForPublicKey
        | Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Flaw::BadSignature,
        Error::NameConstraintViolation => Flaw::NameConstraint,
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => Flaw::WrongPurpose,
        _ => Flaw::Malformed,
    }
}
