//! A root in a file that somebody gave: whatever it holds, it is one certificate or refused.

use housekey_core::certificate::{Certificate, CertificateError};
use housekey_core::chain::Der;
use housekey_core::maker::fitness;
use housekey_core::time::Timestamp;
use rustls_pki_types::pem::{PemObject as _, SectionKind};

use super::MakerError;

/// Reads the one certificate of a file in PEM or DER.
pub(super) fn read(file: &[u8]) -> Result<Der, MakerError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(MakerError::TooLarge);
    }
    // DER of a certificate begins with a SEQUENCE, which is no character of a text.
    if file.first() == Some(&SEQUENCE) {
        return Ok(Der(file.to_vec()));
    }
    let mut certificates = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(file) {
        match section.map_err(|_| MakerError::NotACertificate)? {
            (SectionKind::Certificate, der) => certificates.push(der),
            (
                SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey,
                _,
            ) => return Err(MakerError::PrivateKey),
            _ => {}
        }
    }
    match certificates.len() {
        1 => Ok(Der(certificates.remove(0))),
        0 => Err(MakerError::NotACertificate),
        several => Err(MakerError::Several(several)),
    }
}

/// Whether it can be a maker's root now.
pub(super) fn check(der: &Der, now: Timestamp) -> Result<Certificate, MakerError> {
    let root = Certificate::from_der(&der.0).map_err(|error| match error {
        CertificateError::TooLarge => MakerError::TooLarge,
        _ => MakerError::NotACertificate,
    })?;
    fitness(&root, now)?;
    // What webpki cannot take as an anchor would be of no use in the list.
    let der = rustls_pki_types::CertificateDer::from(der.0.as_slice());
    webpki::anchor_from_trusted_cert(&der).map_err(|_| MakerError::NotACertificate)?;
    Ok(root)
}

const SEQUENCE: u8 = 0x30;
/// A root with a long text beside it.
const MAX_FILE_BYTES: usize = 65_536;
