//! Sample devices: real TLS servers with real pages, which remember what reached them.

mod http;
mod nginx;
mod raw;
mod record;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, RwLock};

use anyhow::{Context as _, Result};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_rustls::TlsAcceptor;

pub use self::nginx::Nginx;
pub use self::raw::{Behaviour, RawDevice};
pub use self::record::{Record, RequestHead};
pub use self::wire::pattern;
use crate::pki::Identity;

/// A device that is switched on. It goes off when dropped.
pub struct Device {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

/// What a device is before it is switched on.
pub struct Model {
    /// Title and heading of its page.
    pub name: String,
    /// What it presents; without, it speaks plain HTTP.
    pub identity: Option<Identity>,
    /// Protocols it chooses from by ALPN, best first. Empty: it does not know ALPN.
    pub alpn: Vec<&'static str>,
    /// HTML below the heading.
    pub body: String,
    /// Told of `POST /press?NAME`: the start page has buttons.
    pub buttons: Option<UnboundedSender<String>>,
    /// Whether TLS 1.2 is all that it knows.
    pub old_tls: bool,
}

impl Model {
    /// A device with HTTP/1.1 over TLS, and an ordinary page.
    pub fn new(name: &str, identity: Identity) -> Self {
        let body = "<p>All is well in this home.</p>".to_owned();
        let alpn = vec!["http/1.1"];
        Self {
            name: name.to_owned(),
            identity: Some(identity),
            alpn,
            body,
            buttons: None,
            old_tls: false,
        }
    }

    /// Puts this HTML below the heading.
    pub fn showing(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    /// A device that speaks HTTP without TLS.
    pub fn plain(name: &str, body: String) -> Self {
        Self {
            name: name.to_owned(),
            identity: None,
            alpn: Vec::new(),
            body,
            buttons: None,
            old_tls: false,
        }
    }

    /// Speaks TLS 1.2 and nothing newer.
    pub fn old_tls(mut self) -> Self {
        self.old_tls = true;
        self
    }

    /// Also offers HTTP/2, and prefers it.
    pub fn http2(mut self) -> Self {
        self.alpn = vec!["h2", "http/1.1"];
        self
    }
}

/// What the connections of one device share.
struct Shared {
    model: Model,
    tls: RwLock<Option<Arc<ServerConfig>>>,
    record: Mutex<Record>,
    connections: Mutex<Vec<AbortHandle>>,
    /// Whether it lets its visitors wait.
    busy: watch::Sender<bool>,
}

impl Device {
    /// Switches a device on at this address. Port 0 takes any free one.
    pub async fn start(address: SocketAddr, model: Model) -> Result<Self> {
        let tls = model
            .identity
            .as_ref()
            .map(|identity| tls_config(identity, &model));
        let shared = Arc::new(Shared {
            tls: RwLock::new(tls.transpose()?),
            model,
            record: Mutex::default(),
            connections: Mutex::default(),
            busy: watch::Sender::new(false),
        });
        let mut device = Self {
            address,
            shared,
            listener: Mutex::default(),
        };
        device.address = device.listen().await?;
        Ok(device)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of its page.
    pub fn url(&self) -> String {
        let scheme = if self.shared.model.identity.is_some() {
            "https"
        } else {
            "http"
        };
        match (scheme, self.address.port()) {
            ("https", 443) | ("http", 80) => format!("{scheme}://{}/", host(self.address)),
            _ => format!("{scheme}://{}/", self.address),
        }
    }

    /// Presents something else from now on. Session tickets of before are void, as they would be
    /// with another device; open connections stay as they are.
    pub fn present(&self, identity: &Identity) -> Result<()> {
        let config = tls_config(identity, &self.shared.model)?;
        *self.shared.tls.write().expect("not poisoned") = Some(config);
        Ok(())
    }

    /// From now on, whether it is busy with itself: it accepts connections, but does its part of a
    /// handshake only when it is not busy any more, as a microcontroller does that has to reckon.
    pub fn be_busy(&self, busy: bool) {
        self.shared.busy.send_replace(busy);
    }

    /// What reached it so far.
    pub fn record(&self) -> Record {
        self.shared.record().clone()
    }

    /// Forgets what reached it so far.
    pub fn clear_record(&self) {
        *self.shared.record() = Record::default();
    }

    /// Closes every accepted connection.
    pub fn disconnect(&self) {
        for connection in self
            .shared
            .connections
            .lock()
            .expect("not poisoned")
            .drain(..)
        {
            connection.abort();
        }
    }

    /// Switches it off: nothing listens any more, and nothing stays connected.
    pub async fn stop(&self) {
        let listener = self.listener.lock().expect("not poisoned").take();
        if let Some(listener) = listener {
            listener.abort();
            // Wait until the socket is closed: a cancelled task is an expected end.
            let _ = listener.await;
        }
        self.disconnect();
    }

    /// Switches it on again at the same address.
    pub async fn restart(&self) -> Result<()> {
        self.stop().await;
        self.listen().await.map(drop)
    }

    async fn listen(&self) -> Result<SocketAddr> {
        let listener = TcpListener::bind(self.address)
            .await
            .with_context(|| format!("cannot listen on {}", self.address))?;
        let address = listener.local_addr()?;
        let shared = self.shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = tokio::spawn(serve(shared.clone(), stream));
                shared.keep(serving.abort_handle());
            }
        });
        *self.listener.lock().expect("not poisoned") = Some(task);
        Ok(address)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.lock().expect("not poisoned").take() {
            listener.abort();
        }
        self.disconnect();
    }
}

impl Shared {
    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().expect("not poisoned")
    }

    /// Remembers a task that serves a connection, so that it can be cut.
    fn keep(&self, task: AbortHandle) {
        let mut connections = self.connections.lock().expect("not poisoned");
        connections.retain(|task| !task.is_finished());
        connections.push(task);
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    shared.record().connections += 1;
    let mut busy = shared.busy.subscribe();
    if busy.wait_for(|busy| !busy).await.is_err() {
        return;
    }
    let tls = shared.tls.read().expect("not poisoned").clone();
    let Some(tls) = tls else {
        return serve_http(shared, stream).await;
    };
    match TlsAcceptor::from(tls).accept(stream).await {
        Ok(stream) => {
            let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
            {
                let mut record = shared.record();
                record.handshakes += 1;
                record.resumptions += usize::from(resumed);
            }
            serve_http(shared, stream).await;
        }
        Err(error) => shared.record().failed_handshakes.push(error.to_string()),
    }
}

/// HTTP/1.1 or HTTP/2, whichever the client begins with.
async fn serve_http(
    shared: Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) {
    let counted = record::Counted::new(stream, shared.clone());
    let service = service_fn(move |request| http::answer(shared.clone(), request));
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Many devices have no clock, and their answers are the same every time.
    server.http1().auto_date_header(false);
    server.http2().auto_date_header(false);
    // An error here is a client that went away, which is its right.
    let _ = server
        .serve_connection_with_upgrades(TokioIo::new(counted), service)
        .await;
}

fn tls_config(identity: &Identity, model: &Model) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let resolver = rustls::sign::SingleCertAndKey::from(identity.certified_key()?);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(if model.old_tls {
            OLD_TLS
        } else {
            rustls::ALL_VERSIONS
        })?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = model
        .alpn
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Ok(Arc::new(config))
}

static OLD_TLS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// An address as it stands in a URL.
pub fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}
