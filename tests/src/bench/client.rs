//! The load tool: connections that are opened, warmed and asked, with no more than that.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::gateway::Proxy;

/// How a candidate is reached.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// It listens here in the device's place.
    At(SocketAddr),
    /// It is a proxy that wants a CONNECT with these credentials.
    Connect(Proxy),
}

/// Makes connections.
pub(crate) struct Client {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// One connection to the device.
pub(super) struct Connection {
    stream: TlsStream<BufReader<TcpStream>>,
    buffer: Vec<u8>,
}

impl Client {
    /// One that makes a full handshake every time.
    pub(crate) fn full() -> Result<Self> {
        Self::with(Resumption::disabled())
    }

    /// One that resumes sessions, as browsers do.
    pub(super) fn resuming() -> Result<Self> {
        Self::with(Resumption::in_memory_sessions(8))
    }

    fn with(resumption: Resumption) -> Result<Self> {
        let provider = super::suites();
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody))
            .with_no_client_auth();
        config.resumption = resumption;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name: ServerName::try_from(super::peers::NAME)?,
        })
    }

    pub(super) async fn connect(&self, route: &Route) -> Result<Connection> {
        let socket = match route {
            Route::At(address) => TcpStream::connect(address).await?,
            Route::Connect(proxy) => proxy.tunnel(super::peers::DEVICE).await?,
        };
        let stream = self.over(socket).await?;
        let buffer = Vec::new();
        Ok(Connection { stream, buffer })
    }

    /// Shakes hands over a socket.
    pub(crate) async fn over(&self, socket: TcpStream) -> Result<TlsStream<BufReader<TcpStream>>> {
        socket.set_nodelay(true)?;
        let socket = BufReader::with_capacity(BUFFER, socket);
        Ok(self.connector.connect(self.name.clone(), socket).await?)
    }
}

impl Connection {
    /// Asks for so many bytes and reads them all.
    pub(super) async fn fetch(&mut self, bytes: usize) -> Result<()> {
        self.ask(bytes, "").await
    }

    /// The same, as the last of this connection.
    pub(super) async fn fetch_and_close(&mut self, bytes: usize) -> Result<()> {
        self.ask(bytes, "Connection: close\r\n").await?;
        // A proxy may close without a word.
        let _ = self.stream.shutdown().await;
        Ok(())
    }

    /// Gives back what reading needs, to wait for long.
    pub(super) fn rest(&mut self) {
        self.buffer = Vec::new();
    }

    async fn ask(&mut self, bytes: usize, more: &str) -> Result<()> {
        let name = super::peers::NAME;
        let request = format!("GET /bytes/{bytes} HTTP/1.1\r\nHost: {name}\r\n{more}\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await?;
        self.buffer.resize(BUFFER, 0);
        let mut filled = 0;
        let head = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            ensure!(read > 0, "closed before an answer");
            filled += read;
            let end = self.buffer[..filled]
                .windows(4)
                .position(|it| it == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?;
        ensure!(text.starts_with("HTTP/1.1 200"), "{text}");
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        ensure!(length == Some(bytes), "an answer of another length: {text}");
        let mut left = bytes - (filled - head).min(bytes);
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).await?;
            ensure!(read > 0 && read <= left, "{left} bytes are missing");
            left -= read;
        }
        Ok(())
    }
}

/// Who answers is no part of what is measured on this side.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

const BUFFER: usize = 65_536;

/// What every failure to connect is called.
pub(super) fn describe(route: &Route) -> String {
    match route {
        Route::At(address) => format!("at {address}"),
        Route::Connect(proxy) => format!("through {}", proxy.address),
    }
}

impl Client {
    /// Whether a candidate answers.
    pub(super) async fn proves(&self, route: &Route) -> Result<()> {
        let mut connection = self.connect(route).await.with_context(|| describe(route))?;
        connection.fetch_and_close(1_024).await
    }
}
