//! The one verifier that takes any certificate, in order to look at it.
//!
//! It is dangerous by nature, so everything about it is in this file and those below it.
//! The handshake still proves that the device holds its key: signatures are really verified.
//! What comes out is a [`Stranger`], which has no way to send or receive a byte;
//! its stream comes free only against a [`PinMatch`] for the very key that it presented.

mod legacy_hello;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use housekey_core::certificate::spki;
use housekey_core::chain::{Der, TlsVersion, UnverifiedChain};
use housekey_core::decision::Failure;
use housekey_core::endpoint::Host;
use housekey_core::pin::PinMatch;
use housekey_core::text::SafeText;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, UnbufferedClientConnection};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, HandshakeKind,
    InvalidMessage, PeerIncompatible, PeerMisbehaved, ProtocolVersion, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, IpAddr, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use tokio::net::TcpStream;
use webpki::RawPublicKeyEntity;

use crate::tls::Tls;

pub use self::legacy_hello::{LegacyVersion, OutdatedTls, look as look_at_outdated};

/// A device's end of a connection.
pub type DeviceTls = Tls<UnbufferedClientConnection>;

/// A device after a TLS handshake, before anybody compared its key with a pin.
pub struct Stranger {
    stream: DeviceTls,
    chain: UnverifiedChain,
}

/// Looks at devices.
pub struct Onlooker {
    config: Arc<ClientConfig>,
}

/// What one way to meet a device remembers from one handshake to the next.
pub struct Acquaintance {
    config: Arc<ClientConfig>,
    asked: Arc<CertificateAsked>,
    met: AtomicBool,
}

impl Onlooker {
    /// An onlooker with the versions, ciphers and groups of this provider.
    ///
    /// # Errors
    ///
    /// rustls' own, for a provider without TLS 1.2 or 1.3.
    pub fn new(provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let algorithms = provider.signature_verification_algorithms;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(RecordingVerifier { algorithms }))
            .with_no_client_auth();
        // What a resumed session tells of a device is as old as the session.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// Somebody to be met once, by a full handshake.
    #[must_use]
    pub fn stranger(&self) -> Acquaintance {
        self.acquainted(Resumption::disabled())
    }

    /// Somebody who will be met again: sessions are resumed.
    ///
    /// A resumed session shows the chain of the handshake that began it, so whoever compares that
    /// with a pin compares the key that this session was made with, whoever's tickets these are.
    #[must_use]
    pub fn acquaintance(&self) -> Acquaintance {
        self.acquainted(Resumption::in_memory_sessions(1))
    }

    fn acquainted(&self, resumption: Resumption) -> Acquaintance {
        let asked = Arc::<CertificateAsked>::default();
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = resumption;
        config.client_auth_cert_resolver = asked.clone();
        Acquaintance {
            config: Arc::new(config),
            asked,
            met: AtomicBool::new(false),
        }
    }
}

impl Acquaintance {
    /// Shakes hands with whoever is at the other end, and sends nothing after that.
    ///
    /// `alpn` are the application protocols to offer (RFC 7301), none for none.
    ///
    /// # Errors
    ///
    /// The [`Failure`] for which there is no stranger to look at.
    pub async fn dangerous_handshake(
        &self,
        socket: TcpStream,
        host: &Host,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Stranger, Failure> {
        let name = match host {
            Host::Ip(address) => ServerName::IpAddress(IpAddr::from(*address)),
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(|_| Failure::UnknownName)?
            }
        };
        let config = Arc::clone(&self.config);
        let connection = UnbufferedClientConnection::new_with_alpn(config, name, alpn)
            .map_err(|_| Failure::Protocol)?;
        let stream = Tls::shake_hands(socket, connection, Vec::new())
            .await
            .map_err(|error| self.failure_of(&error))?;
        let certificates = stream.connection().peer_certificates().unwrap_or_default();
        let ders = certificates
            .iter()
            .map(|certificate| Der(certificate.to_vec()))
            .collect();
        let chain = UnverifiedChain::new(ders).map_err(|_| Failure::BadCertificate)?;
        self.met.store(true, Ordering::Relaxed);
        Ok(Stranger { stream, chain })
    }

    /// Whether a handshake with it succeeded before.
    #[must_use]
    pub fn was_met(&self) -> bool {
        self.met.load(Ordering::Relaxed)
    }

    /// Says that the device wanted to begin anew in the middle of a connection of TLS 1.2, as it does
    /// when a page of its own is for people with a certificate only.
    pub fn wanted_to_begin_anew(&self) {
        self.asked.0.store(true, Ordering::Relaxed);
    }

    /// Whether this end of a connection means that the device wants a certificate of the person's.
    ///
    /// In TLS 1.3 a device says so only when its handshake has succeeded for the other side
    /// (RFC 8446 section 4.4.2.4).
    #[must_use]
    pub fn wanted_certificate(&self, error: &std::io::Error) -> bool {
        let Some(Error::AlertReceived(alert)) = rustls_error(error) else {
            return false;
        };
        *alert == AlertDescription::CertificateRequired
            || self.asked.0.load(Ordering::Relaxed)
                && matches!(
                    alert,
                    AlertDescription::AccessDenied
                        | AlertDescription::BadCertificate
                        | AlertDescription::CertificateUnknown
                        | AlertDescription::HandshakeFailure
                        | AlertDescription::NoRenegotiation
                        | AlertDescription::UnknownCA
                )
    }

    /// What a failed handshake means for a person.
    fn failure_of(&self, error: &std::io::Error) -> Failure {
        if self.wanted_certificate(error) {
            return Failure::ClientCertificate;
        }
        failure_of(error)
    }
}

/// Has no certificate of the person's to show, and remembers that one was asked for.
#[derive(Debug, Default)]
struct CertificateAsked(AtomicBool);

impl ResolvesClientCert for CertificateAsked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

impl Stranger {
    /// The chain that it presented.
    #[must_use]
    pub const fn chain(&self) -> &UnverifiedChain {
        &self.chain
    }

    /// The version of TLS that was agreed on.
    #[must_use]
    pub fn tls(&self) -> TlsVersion {
        match self.stream.connection().protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::V1_3,
            _ => TlsVersion::V1_2,
        }
    }

    /// Whether it was recognised by a session of before, whose chain this is.
    #[must_use]
    pub fn resumed(&self) -> bool {
        self.stream.connection().handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The application protocol that the device chose, as it is on the wire.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.stream.connection().alpn_protocol()
    }

    /// The application protocol that the device chose, for people.
    #[must_use]
    pub fn alpn_text(&self) -> Option<SafeText> {
        self.alpn()
            .map(|alpn| SafeText::new(&String::from_utf8_lossy(alpn)))
    }

    /// Frees the stream of a device whose key was found to be the pinned one.
    ///
    /// `None` where the proof is about another key than the one that this stranger presented.
    #[must_use]
    pub fn admit(self, proof: &PinMatch) -> Option<DeviceTls> {
        (proof.spki_sha256() == self.chain.leaf().spki_sha256).then_some(self.stream)
    }
}

/// Accepts every certificate, and no signature that the certificate's key did not make.
#[derive(Debug)]
struct RecordingVerifier {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    /// By the raw key, because webpki does not read X.509 v1, which old devices have.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = key_of(certificate)?;
        let key = RawPublicKeyEntity::try_from(&spki).map_err(|_| bad_encoding())?;
        let mut schemes = self.algorithms.mapping.iter();
        let (_, algorithms) = schemes
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        // In TLS 1.2 a scheme does not name the curve (RFC 5246 section 7.4.1.4.1),
        // so each algorithm of the scheme is tried.
        let verified = |algorithm: &&dyn rustls_pki_types::SignatureVerificationAlgorithm| {
            key.verify_signature(*algorithm, message, signed.signature())
                .is_ok()
        };
        if algorithms.iter().any(verified) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = key_of(certificate)?;
        verify_tls13_signature_with_raw_key(message, &spki, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn key_of<'c>(certificate: &'c CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'c>, Error> {
    spki(certificate)
        .map(SubjectPublicKeyInfoDer::from)
        .map_err(|_| bad_encoding())
}

fn bad_encoding() -> Error {
    CertificateError::BadEncoding.into()
}

fn rustls_error(error: &std::io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn failure_of(error: &std::io::Error) -> Failure {
    let Some(error) = rustls_error(error) else {
        return match error.kind() {
            std::io::ErrorKind::TimedOut => Failure::TimedOut,
            _ => Failure::Closed,
        };
    };
    match error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => Failure::NotTls,
        Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        )
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Failure::Outdated,
        Error::PeerMisbehaved(
            PeerMisbehaved::SelectedUnofferedCipherSuite | PeerMisbehaved::SelectedUnofferedKxGroup,
        ) => Failure::Outdated,
        Error::AlertReceived(AlertDescription::CertificateRequired) => Failure::ClientCertificate,
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => Failure::BadCertificate,
        _ => Failure::Protocol,
    }
}
