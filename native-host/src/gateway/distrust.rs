//! What a browser says about the leaf that it was shown, where it says that it does not like it.

use std::io;

use rustls::{AlertDescription, Error};

/// Why a browser ended the handshake over a leaf of the local authority (RFC 8446 section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrowserDistrust {
    /// It does not know the authority, or is not content with the leaf. Chromium says
    /// `certificate_unknown`, Firefox `unknown_ca` or `bad_certificate`, of a root that is not in
    /// its store.
    Authority,
    /// To its clock, the leaf or the authority has ended or not begun.
    Dates,
}

impl BrowserDistrust {
    /// What a handshake that did not finish tells, if it tells this.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        match error {
            Error::AlertReceived(
                AlertDescription::BadCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate,
            ) => Some(Self::Authority),
            Error::AlertReceived(AlertDescription::CertificateExpired) => Some(Self::Dates),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_leaf_is_distrust() {
        let of = |alert| BrowserDistrust::of(&io::Error::other(Error::AlertReceived(alert)));
        let authority = Some(BrowserDistrust::Authority);
        assert_eq!(of(AlertDescription::UnknownCA), authority);
        assert_eq!(of(AlertDescription::BadCertificate), authority);
        assert_eq!(of(AlertDescription::CertificateUnknown), authority);
        let dates = Some(BrowserDistrust::Dates);
        assert_eq!(of(AlertDescription::CertificateExpired), dates);
        assert_eq!(of(AlertDescription::UserCanceled), None);
        assert_eq!(
            BrowserDistrust::of(&io::ErrorKind::UnexpectedEof.into()),
            None
        );
    }
}
