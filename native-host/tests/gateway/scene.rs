//! A gateway, a device that does what a test says, and a browser's side of a connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use data_encoding::BASE64;
use housekey::authority::Authority;
use housekey::gateway::Gateway;
use housekey::paths::Paths;
use housekey::probe::Prober;
use housekey::store::{Happening, Store};
use housekey_core::decision::{Failure, Finding};
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Identity as Identified;
use housekey_core::pin::Pin;
use housekey_core::scope::ScopeOptions;
use housekey_core::time::Timestamp;
use housekey_tests::lan::Lan;
use housekey_tests::pki::{Identity, Key, Subject};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::version::TLS12;
use rustls::{
    ClientConfig, DEFAULT_VERSIONS, HandshakeKind, RootCertStore, ServerConfig,
    SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Where every test's device is.
pub(crate) const DEVICE: &str = "192.168.1.20:443";
pub(crate) const HOST: &str = "192.168.1.20";

/// A browser's side of a connection.
pub(crate) type Browser = client::TlsStream<TcpStream>;

/// A gateway with a store and an authority of its own.
pub(crate) struct Scene {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) store: Arc<Store>,
    prober: Arc<Prober>,
    browser: TlsConnector,
    sockets: TlsConnector,
    roots: RootCertStore,
    paths: Paths,
    _home: TempDir,
}

impl Scene {
    pub(crate) async fn new(lan: Lan) -> Self {
        let _proof_of_the_private_network = lan;
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("housekey"));
        paths.prepare().unwrap();
        let authority = Authority::create(&paths, &[], SystemTime::now()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.root().clone()).unwrap();
        let store = Arc::new(Store::open(&paths).unwrap());
        let prober = Arc::new(Prober::new(store.clone(), None).unwrap());
        let scope = ScopeOptions::default();
        let gateway = Gateway::start(scope, authority, prober.clone(), store.clone());
        Self {
            gateway: gateway.await.unwrap(),
            store,
            prober,
            sockets: connector_for(roots.clone(), &["http/1.1"]),
            browser: connector(roots.clone()),
            roots,
            paths,
            _home: home,
        }
    }

    /// Trusts whoever answers at the device's address now.
    pub(crate) async fn trust(&self) -> Pin {
        let (endpoint, now) = (endpoint(), SystemTime::now());
        let scope = ScopeOptions::default();
        let stranger = self
            .prober
            .meet(&endpoint, &scope, Vec::new())
            .await
            .unwrap();
        let observation = self.prober.observe(&endpoint, &stranger, now).unwrap();
        let leaf = stranger.chain().leaf();
        let identity = Identified::of(leaf, &observation.verdict, observation.at).unwrap();
        let pin = Pin::new(&observation, identity).unwrap();
        self.put(&pin);
        pin
    }

    /// Writes a pin as another browser's helper would, which this gateway is not told of.
    pub(crate) fn put(&self, pin: &Pin) {
        self.store
            .put(pin, Happening::Approve, Timestamp(0))
            .unwrap();
    }

    /// The store as another process has it, of whose changes the gateway finds out by itself.
    pub(crate) fn elsewhere(&self) -> Store {
        Store::open(&self.paths).unwrap()
    }

    /// Asks for a tunnel. The status, and the socket.
    pub(crate) async fn tunnel(&self) -> (String, TcpStream) {
        let mut socket = self.ask(DEVICE).await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        (answer[9..12].to_owned(), socket)
    }

    /// Asks for a tunnel, and does not wait for the answer.
    pub(crate) async fn ask(&self, endpoint: &str) -> TcpStream {
        let address = self.gateway.address();
        let mut socket = TcpStream::connect(("127.0.0.1", address.port))
            .await
            .unwrap();
        let secret = BASE64.encode(format!("housekey:{}", address.secret).as_bytes());
        let request = format!(
            "CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\nProxy-Authorization: Basic {secret}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    /// A browser's connection to the device, with the gateway's root and no other.
    pub(crate) async fn browse(&self) -> std::io::Result<Browser> {
        self.browse_with(&self.browser).await
    }

    /// The same for a WebSocket, for which browsers offer no HTTP/2.
    pub(crate) async fn browse_for_socket(&self) -> std::io::Result<Browser> {
        self.browse_with(&self.sockets).await
    }

    /// The same by a program that speaks TLS 1.2 at best.
    pub(crate) async fn browse_by_tls_1_2(&self) -> std::io::Result<Browser> {
        let program = connector_of(&[&TLS12], self.roots.clone(), &["http/1.1"]);
        self.browse_with(&program).await
    }

    /// The same by a browser of the test's own.
    pub(crate) async fn browse_with(&self, browser: &TlsConnector) -> std::io::Result<Browser> {
        let (status, socket) = self.tunnel().await;
        assert_eq!(status, "200");
        browser.connect(name(), socket).await
    }

    /// A browser's handshake in a tunnel.
    pub(crate) async fn shake_hands(&self, socket: TcpStream) -> std::io::Result<Browser> {
        self.browser.connect(name(), socket).await
    }
}

/// A browser that trusts these roots.
pub(crate) fn connector(roots: RootCertStore) -> TlsConnector {
    connector_for(roots, &["h2", "http/1.1"])
}

/// A browser that trusts these roots and offers these protocols.
pub(crate) fn connector_for(roots: RootCertStore, protocols: &[&str]) -> TlsConnector {
    connector_of(DEFAULT_VERSIONS, roots, protocols)
}

fn connector_of(
    versions: &[&'static SupportedProtocolVersion],
    roots: RootCertStore,
    protocols: &[&str],
) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let protocols = protocols.iter().map(|it| it.as_bytes().to_vec());
    config.alpn_protocols = protocols.collect();
    config.resumption = Resumption::in_memory_sessions(4);
    TlsConnector::from(Arc::new(config))
}

/// A device whose connections are served by what a test says.
pub(crate) struct Device {
    config: Arc<Mutex<Arc<ServerConfig>>>,
    handshakes: Arc<Mutex<Vec<Option<HandshakeKind>>>>,
    hangs_up: Arc<AtomicBool>,
    sleep: Arc<Sleep>,
    listener: JoinHandle<()>,
}

/// A device that listens and does not answer.
#[derive(Default)]
pub(crate) struct Sleep {
    asleep: watch::Sender<bool>,
    asked: Notify,
}

impl Sleep {
    /// Waits until somebody has begun to shake hands.
    pub(crate) async fn until_asked(&self) {
        self.asked.notified().await;
    }

    /// Goes on with everybody.
    pub(crate) fn wake(&self) {
        self.asleep.send_replace(false);
    }

    async fn keep(&self, socket: &TcpStream) {
        let mut asleep = self.asleep.subscribe();
        if *asleep.borrow_and_update() {
            let _ = socket.peek(&mut [0]).await;
            self.asked.notify_one();
            asleep.wait_for(|asleep| !asleep).await.unwrap();
        }
    }
}

impl Device {
    /// Switches it on.
    pub(crate) async fn start<F>(
        config: ServerConfig,
        serve: impl Fn(server::TlsStream<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address: SocketAddr = DEVICE.parse().unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let config = Arc::new(Mutex::new(Arc::new(config)));
        let handshakes = Arc::<Mutex<Vec<_>>>::default();
        let hangs_up = Arc::<AtomicBool>::default();
        let sleep = Arc::<Sleep>::default();
        let (presented, noted, annoyed) = (config.clone(), handshakes.clone(), hangs_up.clone());
        let sleeps = sleep.clone();
        let listener = tokio::spawn(async move {
            let serve = Arc::new(serve);
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(presented.lock().unwrap().clone());
                let (noted, annoyed, serve) = (noted.clone(), annoyed.clone(), serve.clone());
                let sleeps = sleeps.clone();
                tokio::spawn(async move {
                    sleeps.keep(&socket).await;
                    let hangs_up = annoyed.load(Ordering::SeqCst) && wants_to_resume(&socket).await;
                    let shaken = if hangs_up {
                        Err(std::io::ErrorKind::Other.into())
                    } else {
                        acceptor.accept(socket).await
                    };
                    let kind = shaken
                        .as_ref()
                        .ok()
                        .and_then(|it| it.get_ref().1.handshake_kind());
                    noted.lock().unwrap().push(kind);
                    if let Ok(stream) = shaken {
                        serve(stream).await;
                    }
                });
            }
        });
        Self {
            config,
            handshakes,
            hangs_up,
            sleep,
            listener,
        }
    }

    /// Answers nobody from now on, until it is woken.
    pub(crate) fn fall_asleep(&self) -> Arc<Sleep> {
        self.sleep.asleep.send_replace(true);
        self.sleep.clone()
    }

    /// From now on it hangs up on whoever shows a ticket, as no device should.
    pub(crate) fn hang_up_on_tickets(&self) {
        self.hangs_up.store(true, Ordering::SeqCst);
    }

    /// Presents something else from now on.
    pub(crate) fn present(&self, config: ServerConfig) {
        *self.config.lock().unwrap() = Arc::new(config);
    }

    /// The next handshakes, as soon as there are so many. `None` is one that failed.
    pub(crate) async fn handshakes<const N: usize>(&self) -> [Option<HandshakeKind>; N] {
        let enough = async {
            while self.handshakes.lock().unwrap().len() < N {
                tokio::task::yield_now().await;
            }
        };
        within(enough).await;
        let handshakes = std::mem::take(&mut *self.handshakes.lock().unwrap());
        handshakes.try_into().expect("no more than these")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Whether a ClientHello ends with the extension `pre_shared_key`, which is always the last
/// (RFC 8446 section 4.2.11).
async fn wants_to_resume(socket: &TcpStream) -> bool {
    let mut hello = [0; 4_096];
    let length = socket.peek(&mut hello).await.unwrap();
    let hello = &hello[..length];
    let begins = |at: usize| {
        let rest = u16::try_from(length - at - 4).unwrap().to_be_bytes();
        hello[at..at + 4] == [0, 41, rest[0], rest[1]]
    };
    (0..length.saturating_sub(4)).any(begins)
}

/// A device's configuration with tickets, as most have it.
pub(crate) fn config(identity: &Identity) -> ServerConfig {
    let chain = identity.chain().to_vec();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.ticketer = Ticketer::new().unwrap();
    config
}

pub(crate) fn identity() -> Identity {
    let subject = Subject::new().common_name("bridge").organization("Signify");
    Identity::self_signed(&subject, Key::generate().unwrap()).unwrap()
}

/// Answers every byte with the same byte, and a clean end with a clean end.
pub(crate) async fn echo(mut stream: server::TlsStream<TcpStream>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..length]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

/// Sends a few bytes there and back.
pub(crate) async fn ping(browser: &mut Browser) {
    browser.write_all(b"ping").await.unwrap();
    let mut answer = [0; 4];
    within(browser.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"ping");
}

/// Runs a test on a thread of its own, where it moves the clock.
pub(crate) async fn with_clock<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(test());
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}

/// Lets so much time pass at once.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Why the last connection to the device failed.
pub(crate) fn failure(scene: &Scene) -> Option<Failure> {
    match scene.gateway.refusal(&endpoint())?.finding {
        Finding::Failed { failure } => Some(failure),
        other => panic!("{other:?}"),
    }
}

/// What must happen, and soon.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what)
        .await
        .expect("nothing happened")
}

pub(crate) fn endpoint() -> Endpoint {
    DEVICE.parse().unwrap()
}

pub(crate) fn name() -> ServerName<'static> {
    ServerName::try_from(HOST).unwrap()
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}
