//! The gateway: the proxy on loopback that puts Housekey on the connection to a device.
//!
//! It takes a CONNECT with its secret, shakes hands with the device, compares the key with the pin,
//! and only then finishes the browser's handshake with a leaf minted for that one host.
//! After that it splices bytes, and knows nothing of what they mean but for a WebSocket's head.

mod connect;
mod distrust;
mod forward;
mod hello;
mod leaves;
mod live;
mod meetings;
mod recent;
mod refusals;
mod rehearsal;
mod sessions;
mod sockets;
mod strangers;
mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use housekey_core::endpoint::Endpoint;
use housekey_core::profile::ProfileId;
use housekey_core::protocol::{Gateway as Address, LiveConnection, Refusal};
use housekey_core::scope::ScopeOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::authority::Authority;
use crate::platform::process;
use crate::probe::Prober;
use crate::store::Store;

use self::connect::Secret;
use self::leaves::Leaves;
use self::live::Live;
use self::meetings::Meetings;
use self::recent::Recent;
use self::refusals::Refusals;
use self::rehearsal::Stage;
use self::sessions::Sessions;
use self::strangers::Strangers;
use self::watch::Heeded;

pub use self::distrust::BrowserDistrust;

/// For `tests/fuzz`.
#[cfg(feature = "fuzzing")]
pub(crate) fn connect_head(head: &[u8], secret: &str) -> Option<Endpoint> {
    connect::parse(head, &Secret::new(secret))
}

/// A running gateway.
pub struct Gateway {
    address: Address,
    secret: Secret,
    scope: RwLock<ScopeOptions>,
    leaves: Leaves,
    prober: Arc<Prober>,
    store: Arc<Store>,
    refusals: Refusals,
    distrust: Recent<BrowserDistrust>,
    sessions: Sessions,
    live: Live,
    meetings: Meetings,
    strangers: Strangers,
    heeded: Heeded,
    profile: RwLock<Option<ProfileId>>,
    stage: Option<Stage>,
}

impl Gateway {
    /// Listens on a free port of 127.0.0.1 with a new secret, and serves until the runtime ends.
    ///
    /// # Errors
    ///
    /// As [`Self::start_at`].
    pub async fn start(
        scope: ScopeOptions,
        authority: Authority,
        prober: Arc<Prober>,
        store: Arc<Store>,
    ) -> std::io::Result<Arc<Self>> {
        Self::start_at(ANY_PORT, scope, authority, prober, store).await
    }

    /// The same at one port, 0 for a free one.
    ///
    /// # Errors
    ///
    /// The system's, where nothing can listen or there is no random source, and what the store
    /// says where it cannot be read.
    pub async fn start_at(
        port: u16,
        scope: ScopeOptions,
        authority: Authority,
        prober: Arc<Prober>,
        store: Arc<Store>,
    ) -> std::io::Result<Arc<Self>> {
        Self::begin(port, scope, authority, prober, store, None).await
    }

    async fn begin(
        port: u16,
        scope: ScopeOptions,
        authority: Authority,
        prober: Arc<Prober>,
        store: Arc<Store>,
        stage: Option<Stage>,
    ) -> std::io::Result<Arc<Self>> {
        process::raise_file_limit();
        let heeded = Heeded::until_now(&store).map_err(std::io::Error::other)?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let mut random = [0; 32];
        rand::fill(&mut random).map_err(|_| std::io::Error::other("no random source"))?;
        let secret = HEXLOWER.encode(&random);
        let gateway = Arc::new(Self {
            secret: Secret::new(&secret),
            address: Address {
                port: listener.local_addr()?.port(),
                secret,
            },
            scope: RwLock::new(scope),
            leaves: Leaves::new(authority),
            prober,
            store,
            refusals: Refusals::default(),
            distrust: Recent::default(),
            sessions: Sessions::default(),
            live: Live::default(),
            meetings: Meetings::default(),
            strangers: Strangers::default(),
            heeded,
            profile: RwLock::default(),
            stage,
        });
        tokio::spawn(Arc::clone(&gateway).serve(listener));
        tokio::spawn(Arc::clone(&gateway).watch());
        Ok(gateway)
    }

    /// Where it listens, and what it wants to hear.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// What counts as a device.
    #[must_use]
    pub fn scope(&self) -> ScopeOptions {
        self.scope
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes what counts as a device, for connections from now on.
    pub fn set_scope(&self, scope: ScopeOptions) {
        *self.scope.write().unwrap_or_else(PoisonError::into_inner) = scope;
    }

    /// Whose connections these are. Until a profile has said so, they are nobody's.
    pub fn serve_profile(&self, profile: ProfileId) {
        *self.profile.write().unwrap_or_else(PoisonError::into_inner) = Some(profile);
    }

    /// Whose connections these are.
    #[must_use]
    pub fn profile(&self) -> Option<ProfileId> {
        self.profile
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Forgets why a connection to this endpoint was refused: the reason is gone.
    pub fn settle(&self, endpoint: &Endpoint) {
        self.refusals.remove(endpoint);
    }

    /// Why the last connection to this endpoint was refused, if it was.
    #[must_use]
    pub fn refusal(&self, endpoint: &Endpoint) -> Option<Refusal> {
        self.refusals.of(endpoint)
    }

    /// What the browser had against the leaf of this endpoint, if it ended the last handshake for
    /// that. Then the device was met and its key is the pinned one, but nobody sees its page.
    #[must_use]
    pub fn distrust(&self, endpoint: &Endpoint) -> Option<BrowserDistrust> {
        self.distrust.with(endpoint, |distrust, _| *distrust)
    }

    /// What the open connections of this endpoint speak, if there are any.
    #[must_use]
    pub fn live(&self, endpoint: &Endpoint) -> Option<LiveConnection> {
        self.live.spoken(endpoint)
    }

    /// Every refusal from now on, as it comes; for one listener.
    pub fn refusals(&self) -> mpsc::Receiver<Refusal> {
        self.refusals.listen()
    }

    /// Remembers a refusal that was found out elsewhere.
    pub fn refuse(&self, refusal: Refusal) {
        self.refusals.insert(refusal);
    }

    /// Closes every connection to an endpoint, and forgets why one was refused:
    /// the person decided anew, and the next connection is judged by that.
    pub fn cut(&self, endpoint: &Endpoint) {
        self.refusals.remove(endpoint);
        self.distrust.remove(endpoint);
        self.leaves.forget(endpoint);
        self.sessions.forget(endpoint);
        let allowed = self.store.allowances().unwrap_or_default();
        self.heeded.begin_anew(endpoint, allowed);
        self.live.cut(endpoint);
    }

    async fn serve(self: Arc<Self>, listener: TcpListener) {
        let strangers = Arc::new(Semaphore::new(MAX_STRANGERS));
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&strangers).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((socket, _)) => {
                    tokio::spawn(Arc::clone(&self).take(socket, place));
                }
                // Too many open files, most likely. They close by themselves.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Whoever has not shown the secret holds one of a few places, for a few seconds:
    /// another user of this computer cannot use up the files that this process may open.
    async fn take(self: Arc<Self>, mut browser: TcpStream, place: OwnedSemaphorePermit) {
        if browser.set_nodelay(true).is_err() {
            return;
        }
        match connect::receive(&mut browser, &self.secret).await {
            Ok(endpoint) => {
                drop(place);
                self.forward(browser, &endpoint).await;
            }
            Err(status) => connect::answer(&mut browser, status).await,
        }
    }
}

/// Connections at one time whose request is still awaited.
const MAX_STRANGERS: usize = 256;
/// The system chooses.
const ANY_PORT: u16 = 0;
