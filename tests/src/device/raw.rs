//! Devices that do not speak TLS at all.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What such a device does with a connection.
#[derive(Clone, Copy, Debug)]
pub enum Behaviour {
    /// Answers everything with a text that is no TLS.
    Garbage,
    /// Accepts and never answers.
    Silent,
}

/// A device below TLS, switched on. It goes off when dropped.
pub struct RawDevice {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    listener: JoinHandle<()>,
}

impl RawDevice {
    /// Switches it on at this address.
    pub async fn start(address: SocketAddr, behaviour: Behaviour) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let received = Arc::<Mutex<Vec<u8>>>::default();
        let record = received.clone();
        let listener = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(converse(stream, behaviour, record.clone()));
            }
        });
        Ok(Self {
            address,
            received,
            listener,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every byte that reached it.
    pub fn received(&self) -> Vec<u8> {
        self.received.lock().expect("not poisoned").clone()
    }
}

impl Drop for RawDevice {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn converse(mut stream: TcpStream, behaviour: Behaviour, record: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        record
            .lock()
            .expect("not poisoned")
            .extend_from_slice(&buffer[..length]);
        if let Behaviour::Garbage = behaviour
            && stream
                .write_all(b"220 this is no web server\r\n")
                .await
                .is_err()
        {
            return;
        }
    }
}
