//! The authority's three files: they appear together, and are believed only together.

use std::fs;
use std::time::SystemTime;

use housekey_core::endpoint::Host;
use rcgen::{KeyPair, PublicKeyData};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::{AuthorityError, constraints};
use crate::paths::{self, Paths, PathsError};

/// What the files hold, each parsed and held against the others.
pub(super) struct Files {
    pub(super) root: CertificateDer<'static>,
    pub(super) issuer: CertificateDer<'static>,
    pub(super) key: KeyPair,
    pub(super) expires: OffsetDateTime,
    pub(super) local_names: Vec<String>,
}

/// Writes the files into a directory beside their place, and then moves that there.
pub(super) fn write(
    paths: &Paths,
    root: &str,
    issuer: &str,
    key: &str,
) -> Result<(), AuthorityError> {
    paths.prepare()?;
    let place = paths.authority();
    if fs::symlink_metadata(&place).is_ok() {
        return Err(AuthorityError::Exists);
    }
    let io = |source| PathsError::Io {
        path: place.clone(),
        source,
    };
    let new = paths::temporary_directory(".authority-", paths.data()).map_err(io)?;
    for (place, text) in [
        (paths.root_certificate(), root),
        (paths.issuer_certificate(), issuer),
        (paths.issuer_key(), key),
    ] {
        if let Some(name) = place.file_name() {
            paths::write_private(&new.path().join(name), text.as_bytes())?;
        }
    }
    fs::rename(new.keep(), &place).map_err(io)?;
    paths::sync_directory(paths.data()).map_err(io)?;
    Ok(())
}

/// Reads the files if they are private, parse, and belong together.
pub(super) fn read(paths: &Paths) -> Result<Files, AuthorityError> {
    let missing = |error: PathsError| match error.is_absent() {
        true => AuthorityError::Missing,
        false => error.into(),
    };
    paths.check().map_err(missing)?;
    paths::check_private_directory(&paths.authority()).map_err(missing)?;
    let root = certificate(&paths::read_private(&paths.root_certificate())?)?;
    let issuer = certificate(&paths::read_private(&paths.issuer_certificate())?)?;
    let key = issuer_key(&Zeroizing::new(paths::read_private(&paths.issuer_key())?))?;

    let (parsed_root, parsed_issuer) = (parse(&root)?, parse(&issuer)?);
    if parsed_issuer.public_key().raw != key.subject_public_key_info() {
        return Err(AuthorityError::ForeignKey);
    }
    let unlimited = AuthorityError::Damaged("its certificates do not have their constraints");
    let local_names = constraints::local_names_of(&parsed_issuer)
        .filter(|names| constraints::local_names_of(&parsed_root).as_ref() == Some(names))
        .ok_or(unlimited)?;
    let ends = [&parsed_root, &parsed_issuer].map(|parsed| parsed.validity().not_after);
    let expires = ends[0].min(ends[1]).to_datetime();
    Ok(Files {
        root,
        issuer,
        key,
        expires,
        local_names,
    })
}

/// Deletes what there is. Nothing is followed: links are deleted as links.
pub(super) fn delete(paths: &Paths) -> Result<(), AuthorityError> {
    let place = paths.authority();
    let deleted = match fs::symlink_metadata(&place) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&place),
        Ok(_) => fs::remove_file(&place),
        Err(error) => Err(error),
    };
    match deleted {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(PathsError::Io {
            path: place,
            source,
        }
        .into()),
        _ => Ok(()),
    }
}

/// Validates a chain of `[leaf, issuer]` for a host as a browser would.
pub(super) fn validate(
    chain: &[CertificateDer<'_>],
    root: &CertificateDer<'_>,
    host: &Host,
    now: SystemTime,
) -> Result<(), webpki::Error> {
    let [leaf, intermediates @ ..] = chain else {
        return Err(webpki::Error::BadDer);
    };
    let since_epoch = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let leaf = EndEntityCert::try_from(leaf)?;
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor_from_trusted_cert(root)?],
        intermediates,
        UnixTime::since_unix_epoch(since_epoch),
        KeyUsage::server_auth(),
        None,
        None,
    )?;
    let name = ServerName::try_from(host.bare()).map_err(|_| webpki::Error::BadDer)?;
    leaf.verify_is_valid_for_subject_name(&name)
}

fn certificate(pem: &[u8]) -> Result<CertificateDer<'static>, AuthorityError> {
    CertificateDer::from_pem_slice(pem)
        .map_err(|_| AuthorityError::Damaged("a certificate cannot be read"))
}

fn issuer_key(pem: &[u8]) -> Result<KeyPair, AuthorityError> {
    let unreadable = AuthorityError::Damaged("its key cannot be read");
    let Ok(der) = PrivatePkcs8KeyDer::from_pem_slice(pem) else {
        return Err(unreadable);
    };
    KeyPair::try_from(&der).map_err(|_| unreadable)
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, AuthorityError> {
    match X509Certificate::from_der(der) {
        Ok((&[], certificate)) => Ok(certificate),
        _ => Err(AuthorityError::Damaged("a certificate cannot be read")),
    }
}
