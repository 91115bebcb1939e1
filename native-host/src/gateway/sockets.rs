//! WebSockets: the one thing that a foreign page can ask a device for without the extension's rules
//! seeing it.
//!
//! Chromium shows extensions no WebSocket of a shared or a service worker
//! (`ChromeContentBrowserClient::WillInterceptWebSocket` wants a frame), and behind a proxy on
//! loopback it does not hold them to Local Network Access either. So where a browser offers no
//! HTTP/2, as for a WebSocket, the head of what it says first is read here, and what opens a
//! WebSocket for another site's page ends without a byte of it having reached the device. Whatever
//! is no such head passes as it is.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use housekey_core::chain::UnverifiedChain;
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::site::is_foreign_socket;
use rustls::server::UnbufferedServerConnection;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Gateway;
use super::forward::{Open, Opening};
use super::hello::Hello;
use crate::chain::timestamp;
use crate::probe::shake_hands;
use crate::tls::Tls;

impl Hello {
    /// Whether the connection may be for a WebSocket.
    pub(super) fn may_be_socket(&self) -> bool {
        !self.alpn.iter().any(|protocol| protocol == b"h2")
    }
}

impl Gateway {
    /// Whether what a browser says first is not a foreign page's WebSocket.
    pub(super) async fn is_welcome(
        &self,
        browser: &mut Tls<UnbufferedServerConnection>,
        endpoint: &Endpoint,
    ) -> bool {
        let is_head = |said: &[u8]| said.windows(4).any(|it| it == b"\r\n\r\n");
        let head = timeout(HEAD_TIMEOUT, browser.hear(is_head, MAX_HEAD_BYTES)).await;
        let Ok(Ok(head)) = head else {
            return false;
        };
        // Where it cannot be read, nobody was allowed anything.
        let allowed = self.store.allowances().unwrap_or_default();
        let foreign = is_foreign_socket(head, endpoint, &self.scope(), &allowed);
        if foreign {
            tracing::info!("a foreign page's WebSocket was refused");
        }
        !foreign
    }

    /// A connection that may be for a WebSocket, to a device that the browser is content with.
    ///
    /// Whose page asks can only be seen from inside. So this one is checked by Housekey as the
    /// browser would do it, and is between the browser and the very key that passed.
    pub(super) async fn open_fine_socket(
        &self,
        browser: TcpStream,
        device: TcpStream,
        hello: Hello,
        endpoint: &Endpoint,
    ) -> Option<Open<'_>> {
        let now = SystemTime::now();
        let acquaintance = Arc::new(self.prober.acquaintance());
        let may_be_socket = hello.may_be_socket();
        let met = shake_hands(&acquaintance, device, endpoint, hello.alpn).await;
        let stranger = met.ok()?;
        let observation = self.prober.observe(endpoint, &stranger, now).ok()?;
        if !self.prober.is_fine_already(&observation, now) {
            return None;
        }
        let chain = UnverifiedChain::new(observation.chain.clone()).ok()?;
        let at = timestamp(now);
        let identity = Identity::of(chain.leaf(), &observation.verdict, at).ok()?;
        let passing = Pin::new(&observation, identity).ok()?;
        let proof = passing.check(stranger.chain(), at).ok()?;
        let opening = Opening {
            browser,
            hello: hello.bytes,
            may_be_socket,
            acquaintance,
        };
        self.open_checked(opening, stranger, &passing, &proof).await
    }
}

/// Browsers open such a connection when they have something to say on it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_HEAD_BYTES: usize = 65_536;
