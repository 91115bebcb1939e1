//! An ordinary proxy, as companies have them, that writes down who it was asked for.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::lan::Lan;

/// A running proxy on 127.0.0.1. It ends when dropped.
pub struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts one.
    pub async fn start(lan: Lan) -> Result<Self> {
        let _proof_of_the_private_network = lan;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let asked = Arc::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&asked)));
        Ok(Self {
            port,
            asked,
            serving,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who it was asked for, as `host:port`, oldest first.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it was asked for this host.
    pub fn was_asked_for(&self, host: &str) -> bool {
        let prefix = format!("{host}:");
        self.asked().iter().any(|it| it.starts_with(&prefix))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, asked: Arc<Mutex<Vec<String>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let asked = Arc::clone(&asked);
        // What a client breaks off is nobody's failure.
        tokio::spawn(async move { drop(pass(client, &asked).await) });
    }
}

/// Passes one connection on: a tunnel, or one request for a plain page.
async fn pass(mut client: TcpStream, asked: &Mutex<Vec<String>>) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < 65_536, "a head without an end");
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    let (line, rest) = head.split_once("\r\n").context("no request line")?;
    let mut line = line.split(' ');
    let (method, target) = (line.next(), line.next().context("no target")?);
    let is_tunnel = method == Some("CONNECT");
    let (place, path) = match target.strip_prefix("http://") {
        Some(plain) => plain.split_once('/').unwrap_or((plain, "")),
        None => (target, ""),
    };
    let place = match place.rsplit_once(':') {
        Some(_) => place.to_owned(),
        None => format!("{place}:80"),
    };
    let list = asked.lock();
    list.unwrap_or_else(PoisonError::into_inner)
        .push(place.clone());
    let mut server = TcpStream::connect(&place).await?;
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        let method = method.unwrap_or_default();
        let request = format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\n{rest}");
        server.write_all(request.as_bytes()).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
