//! Roots: what makes a certificate one, whoever put it into a list of trusted certificates.
//!
//! RFC 5280 section 6.1 leaves it to whoever chose a root to look at it. Nobody does: a store is
//! filled once and lives for decades, and a manufacturer's list is made by hand. So a root is held
//! here to what it says about itself, as Firefox and Chrome do it.

use housekey_core::certificate::Certificate;
use housekey_core::time::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::Error;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Version;

use super::constraints::Constraints;

/// A certificate that is trusted to vouch for others.
pub(super) struct Root {
    pub(super) der: CertificateDer<'static>,
    pub(super) anchor: TrustAnchor<'static>,
    /// What it must not vouch for.
    pub(super) constraints: Constraints,
    not_before: Timestamp,
    not_after: Timestamp,
    /// How many intermediates it allows below it.
    path_length: Option<u32>,
    fitness: Result<(), Error>,
}

impl Root {
    /// Reads a root; nothing where it is no certificate at all.
    pub(super) fn read(der: &CertificateDer<'static>) -> Option<Self> {
        let anchor = webpki::anchor_from_trusted_cert(der).ok()?.to_owned();
        let certificate = Certificate::from_der(der).ok()?;
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let (constraints, fitness) = match Constraints::read(&parsed) {
            Ok(constraints) => (constraints, fitness(&parsed, &certificate)),
            Err(error) => (Constraints::default(), Err(error)),
        };
        let basic = parsed.basic_constraints().ok().flatten();
        Some(Self {
            der: der.clone(),
            anchor,
            constraints,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            path_length: basic.and_then(|basic| basic.value.path_len_constraint),
            fitness,
        })
    }

    /// Checks that it may end a path with so many intermediates at this time.
    ///
    /// # Errors
    ///
    /// rustls-webpki's, for what it finds in intermediates and never looks for in roots.
    pub(super) fn check(&self, intermediates: usize, time: UnixTime) -> Result<(), Error> {
        self.fitness.clone()?;
        let now = Timestamp(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        if now < self.not_before {
            let not_before = time;
            return Err(Error::CertNotValidYet { time, not_before });
        }
        if now > self.not_after {
            let not_after = time;
            return Err(Error::CertExpired { time, not_after });
        }
        match self.path_length.map(usize::try_from) {
            Some(Ok(allowed)) if intermediates > allowed => Err(Error::PathLenConstraintViolated),
            _ => Ok(()),
        }
    }
}

/// What does not depend on the time or on what is below it.
fn fitness(parsed: &X509Certificate<'_>, certificate: &Certificate) -> Result<(), Error> {
    // Version 1 cannot say that it is an authority, and no browser's list holds one any more.
    let says_so = parsed.version() == X509Version::V3 && parsed.is_ca();
    if !says_so || parsed.subject().as_raw().len() <= EMPTY_NAME_BYTES {
        return Err(Error::EndEntityUsedAsCa);
    }
    may_sign(parsed)?;
    if !certificate.key.is_strong() {
        // Anybody may have made its signatures.
        return Err(Error::InvalidSignatureForPublicKey);
    }
    let purposes = parsed.extended_key_usage().map_err(|_| Error::BadDer)?;
    if purposes.is_some_and(|it| !it.value.server_auth && !it.value.any) {
        return Err(Error::EndEntityUsedAsCa);
    }
    let unknown = parsed.extensions().iter().any(|extension| {
        let is_unknown = matches!(
            extension.parsed_extension(),
            ParsedExtension::UnsupportedExtension { .. }
                | ParsedExtension::ParseError { .. }
                | ParsedExtension::Unparsed
        );
        extension.critical && is_unknown
    });
    if unknown {
        return Err(Error::UnsupportedCriticalExtension);
    }
    Ok(())
}

/// Checks that an authority's key usage, if it has one, lets it sign certificates
/// (RFC 5280 section 4.2.1.3), which rustls-webpki does not look at.
///
/// # Errors
///
/// [`Error::EndEntityUsedAsCa`] where it does not.
pub(super) fn may_sign(certificate: &X509Certificate<'_>) -> Result<(), Error> {
    let usage = certificate.key_usage().map_err(|_| Error::BadDer)?;
    match usage {
        Some(usage) if !usage.value.key_cert_sign() => Err(Error::EndEntityUsedAsCa),
        _ => Ok(()),
    }
}

/// A SEQUENCE with nothing in it.
const EMPTY_NAME_BYTES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_of_the_web_is_fit() {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        assert!(roots.len() > 100);
        for der in roots {
            let name = Certificate::from_der(der).map(|it| it.subject);
            let fitness = Root::read(der).map(|root| root.fitness);
            assert_eq!(fitness, Some(Ok(())), "{name:?}");
        }
    }
}
