//! Leaves that were minted, each for one endpoint with one key of its device.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use housekey_core::chain::TlsVersion;
use housekey_core::endpoint::Endpoint;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::pin::{Pin, PinMatch};
use housekey_core::text::SafeText;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS12;
use rustls::{DEFAULT_VERSIONS, ServerConfig, SupportedProtocolVersion};

use crate::authority::Authority;
use crate::tls;

/// Mints and keeps leaves, as configurations of the browser's side of a connection.
pub(super) struct Leaves {
    authority: Authority,
    provider: Arc<CryptoProvider>,
    /// For TLS 1.2.
    lasting: Arc<CryptoProvider>,
    minted: Mutex<HashMap<Key, (Arc<ServerConfig>, SystemTime)>>,
}

/// The whole hash of the device's key stands in it: a cache that is asked by less can be made to
/// serve one device's leaf for another's (as Kaspersky's could, Project Zero issue 978).
#[derive(PartialEq, Eq, Hash)]
struct Key {
    endpoint: Endpoint,
    spki_sha256: SpkiSha256,
    tls: TlsVersion,
    alpn: Option<Vec<u8>>,
}

impl Leaves {
    pub(super) fn new(authority: Authority) -> Self {
        Self {
            authority,
            provider: tls::provider(),
            lasting: tls::lasting_provider(),
            minted: Mutex::default(),
        }
    }

    /// The browser's side for a device that proved to hold its pinned key, and that chose this
    /// version and this application protocol.
    ///
    /// A browser shows its own end of a connection for the whole. So that nothing looks better than
    /// it is, that end speaks no newer version than the device does (as products did that the paper
    /// «Killed by Proxy» looked into, NDSS 2016).
    pub(super) fn config(
        &self,
        pin: &Pin,
        proof: &PinMatch,
        tls: TlsVersion,
        alpn: Option<Vec<u8>>,
    ) -> io::Result<Arc<ServerConfig>> {
        let now = SystemTime::now();
        let (endpoint, spki_sha256) = (proof.endpoint().clone(), proof.spki_sha256());
        let key = Key {
            endpoint,
            spki_sha256,
            tls,
            alpn: alpn.clone(),
        };
        if let Some((config, at)) = self.lock().get(&key)
            && now.duration_since(*at).is_ok_and(|age| age < MAX_AGE)
        {
            return Ok(Arc::clone(config));
        }
        let identity = &pin.identity;
        let company = identity.company().map(SafeText::as_str);
        let leaf = self
            .authority
            .mint(proof.endpoint().host(), company, now)
            .map_err(io::Error::other)?;
        let (provider, versions) = match tls {
            TlsVersion::V1_2 => (&self.lasting, ONLY_1_2),
            TlsVersion::V1_3 => (&self.provider, DEFAULT_VERSIONS),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(versions)
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(leaf)));
        config.alpn_protocols = alpn.into_iter().collect();
        // What lasts longest, whatever a browser likes best.
        config.ignore_client_order = tls == TlsVersion::V1_2;
        // A browser resumes its session with this very leaf and with no other one. That saves it a
        // signature; the device is checked on every connection all the same.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Ticketer::new().map_err(io::Error::other)?;
        let config = Arc::new(config);
        self.lock().insert(key, (Arc::clone(&config), now));
        Ok(config)
    }

    /// Throws away what was minted for an endpoint.
    pub(super) fn forget(&self, endpoint: &Endpoint) {
        self.lock().retain(|key, _| key.endpoint != *endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Arc<ServerConfig>, SystemTime)>> {
        self.minted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static ONLY_1_2: &[&SupportedProtocolVersion] = &[&TLS12];

/// A leaf lives seven days; a browser that stays open never sees one end.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
