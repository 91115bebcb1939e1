//! The way from the gateway to a device, which a checkup may lead to one of its own.
//!
//! Loopback is no home network, and no gateway for a browser ever connects to it. A checkup wants
//! to see a whole connection on a computer that may have no device in reach. So it starts a gateway
//! that differs in this one thing: one private endpoint is a socket of the checkup's on loopback,
//! and everything else is nowhere. What counts as private stays as it is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use housekey_core::decision::Failure;
use housekey_core::endpoint::Endpoint;
use housekey_core::scope::ScopeOptions;
use tokio::net::TcpStream;

use super::{ANY_PORT, Gateway};
use crate::authority::Authority;
use crate::danger::Stranger;
use crate::probe::Prober;
use crate::resolve;
use crate::store::Store;

/// The one device of a rehearsal.
pub(super) struct Stage {
    endpoint: Endpoint,
    device: SocketAddr,
}

impl Gateway {
    /// Starts a gateway for a rehearsal: it meets `device` at `endpoint`, and reaches no network.
    ///
    /// # Errors
    ///
    /// As [`Gateway::start`], and for a device that is not on loopback.
    pub async fn rehearse(
        authority: Authority,
        prober: Arc<Prober>,
        store: Arc<Store>,
        endpoint: Endpoint,
        device: SocketAddr,
    ) -> io::Result<Arc<Self>> {
        if !device.ip().is_loopback() {
            return Err(io::Error::other("a rehearsal is on loopback"));
        }
        let stage = Stage { endpoint, device };
        Self::begin(
            ANY_PORT,
            ScopeOptions::default(),
            authority,
            prober,
            store,
            Some(stage),
        )
        .await
    }

    /// Connects to a device.
    pub(super) async fn dial(&self, endpoint: &Endpoint) -> Result<TcpStream, Failure> {
        match &self.stage {
            None => resolve::connect(endpoint, &self.scope()).await,
            Some(stage) if stage.endpoint == *endpoint => {
                let connected = TcpStream::connect(stage.device).await;
                connected.map_err(|_| Failure::Unreachable)
            }
            Some(_) => Err(Failure::Public),
        }
    }

    /// Connects to a device and shakes hands with it, as if for the first time.
    pub(super) async fn meet(
        &self,
        endpoint: &Endpoint,
        alpn: Vec<Vec<u8>>,
    ) -> Result<Stranger, Failure> {
        let socket = self.dial(endpoint).await?;
        self.prober.meet_over(socket, endpoint, alpn).await
    }
}
