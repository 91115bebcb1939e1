//! The device behind all candidates: HTTP/1.1 over TLS 1.3 and nothing to compute.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Serves `/bytes/N` at this address, with `chain.pem` and `key.pem` of this directory, for ever.
///
/// # Errors
///
/// When it cannot listen, or has no certificate.
pub async fn serve(address: SocketAddr, directory: &Path) -> Result<()> {
    super::process::raise_file_limit();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&fs::read(directory.join("chain.pem"))?)
        .collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&fs::read(directory.join("key.pem"))?)?;
    let mut config = ServerConfig::builder_with_provider(super::suites())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // Then nobody is faster for what it offers: all candidates speak the same with it.
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(converse(acceptor.clone(), socket));
    }
}

async fn converse(acceptor: TlsAcceptor, socket: TcpStream) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let socket = BufReader::with_capacity(BUFFER, socket);
    let mut stream = acceptor.accept(socket).await.ok()?;
    let mut head = Vec::with_capacity(1_024);
    loop {
        let end = loop {
            if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut head).await.ok()? == 0 {
                stream.shutdown().await.ok()?;
                return None;
            }
        };
        let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
        let path = text.split(' ').nth(1)?;
        let length: usize = path.strip_prefix("/bytes/")?.parse().ok()?;
        let closes = text.contains("connection: close");
        head.drain(..end);
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n{}\r\n",
            if closes { "Connection: close\r\n" } else { "" }
        )
        .into_bytes();
        let mut left = length;
        if length <= BUFFER / 2 {
            answer.extend_from_slice(&BODY[..length]);
            left = 0;
        }
        stream.write_all(&answer).await.ok()?;
        while left > 0 {
            let part = left.min(BUFFER);
            stream.write_all(&BODY[..part]).await.ok()?;
            left -= part;
        }
        stream.flush().await.ok()?;
        if closes {
            stream.shutdown().await.ok()?;
            return None;
        }
    }
}

const BUFFER: usize = 65_536;
static BODY: [u8; BUFFER] = [b'x'; BUFFER];
