//! A port of this computer that leads to a device, directly or through the gateway: for programs
//! that know neither a proxy nor its secret.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::gateway::Proxy;

/// It passes bytes as they are until it is dropped: TLS is between its two ends.
pub(crate) struct Relay {
    port: u16,
    listener: JoinHandle<()>,
}

impl Relay {
    /// To this device, through a gateway or directly.
    pub(crate) async fn start(device: &'static str, proxy: Option<Proxy>) -> Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST, device, proxy).await
    }

    /// The same, at this address of the private network.
    pub(crate) async fn at(
        address: Ipv4Addr,
        device: &'static str,
        proxy: Option<Proxy>,
    ) -> Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((address, 0))).await?;
        let port = listener.local_addr()?.port();
        let listener = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(pass(socket, device, proxy.clone()));
            }
        });
        Ok(Self { port, listener })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn pass(mut here: TcpStream, device: &str, proxy: Option<Proxy>) -> Result<()> {
    let mut there = match proxy {
        Some(proxy) => proxy.tunnel(device).await?,
        None => TcpStream::connect(device).await?,
    };
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    if copy_bidirectional(&mut here, &mut there).await.is_err() {
        // Whoever is left sees how it ended.
        here.set_zero_linger()?;
        there.set_zero_linger()?;
    }
    Ok(())
}
