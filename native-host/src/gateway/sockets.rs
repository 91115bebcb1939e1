//! WebSockets: the one thing that a foreign page can ask a device for without the extension's rules
//! seeing it.
//!
//! Chromium shows extensions no WebSocket of a shared or a service worker
//! (`ChromeContentBrowserClient::WillInterceptWebSocket` wants a frame), and behind a proxy on
//! loopback it does not hold them to Local Network Access either. So where a browser offers no
//! HTTP/2, as for a WebSocket, the head of what it says first is read here, and what opens a
//! WebSocket for another site's page ends without a byte of it having reached the device. What does
//! not begin like one passes at once, and nothing waits in the other direction.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use housekey_core::chain::UnverifiedChain;
use housekey_core::endpoint::Endpoint;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::site::{Allowance, is_foreign_socket};
use rustls::server::UnbufferedServerConnection;
use tokio::net::TcpStream;

use super::Gateway;
use super::forward::{Open, Opening};
use super::hello::Hello;
use crate::chain::timestamp;
use crate::probe::shake_hands;
use crate::splice::{Sealed, Side};
use crate::tls::Tls;

impl Hello {
    /// Whether the connection may be for a WebSocket.
    pub(super) fn may_be_socket(&self) -> bool {
        !self.alpn.iter().any(|protocol| protocol == b"h2")
    }
}

/// A browser's end of a connection. What it says first is held back until it is known not to be a
/// foreign page's WebSocket; everything else about it is as it is.
pub(super) struct Heard<'g> {
    tls: Tls<UnbufferedServerConnection>,
    gateway: &'g Gateway,
    endpoint: Endpoint,
    /// What is held back; nothing once the beginning was heard.
    held: Option<Vec<u8>>,
}

impl<'g> Heard<'g> {
    pub(super) fn new(
        tls: Tls<UnbufferedServerConnection>,
        gateway: &'g Gateway,
        endpoint: &Endpoint,
        may_be_socket: bool,
    ) -> Self {
        Self {
            tls,
            gateway,
            endpoint: endpoint.clone(),
            held: may_be_socket.then(Vec::new),
        }
    }

    /// Whether what is held back may go on, or `None` while more has to be heard.
    fn judge(&self, held: &[u8]) -> io::Result<Option<()>> {
        if !held.starts_with(&METHOD[..held.len().min(METHOD.len())]) {
            return Ok(Some(()));
        }
        if !held.windows(4).any(|it| it == b"\r\n\r\n") {
            // A page can make a head as long as it likes.
            return if held.len() > MAX_HEAD_BYTES {
                Err(io::ErrorKind::InvalidData.into())
            } else {
                Ok(None)
            };
        }
        let scope = self.gateway.scope();
        let is_foreign =
            |allowed: &[Allowance]| is_foreign_socket(held, &self.endpoint, &scope, allowed);
        // The store is asked only where that decides. Where it cannot be read, nobody was allowed
        // anything.
        let allowed = || self.gateway.store.allowances().unwrap_or_default();
        let is_let_in = || {
            self.gateway.heeded.lets_in(&allowed());
            !is_foreign(&allowed())
        };
        if is_foreign(&[]) && !is_let_in() {
            tracing::info!("a foreign page's WebSocket was refused");
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(Some(()))
    }
}

impl Side for Heard<'_> {
    fn socket(&mut self) -> &mut TcpStream {
        self.tls.socket()
    }

    fn kept(&mut self) -> (&mut Vec<u8>, &mut Vec<u8>) {
        self.tls.kept()
    }

    fn wanted(&self, most: usize) -> usize {
        self.tls.wanted(most)
    }

    fn early(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let (plain, closed) = self.tls.early()?;
        if self.held.is_none() || self.judge(&plain)?.is_some() {
            // Nothing was said yet, or it may go on.
            if !plain.is_empty() {
                self.held = None;
            }
            return Ok((plain, closed));
        }
        self.held = Some(plain);
        Ok((Vec::new(), closed))
    }

    fn open(
        &mut self,
        bytes: &mut [u8],
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<(usize, bool)> {
        let Some(mut held) = self.held.take() else {
            return self.tls.open(bytes, take);
        };
        let opened = self.tls.open(bytes, |plain| {
            held.extend_from_slice(plain);
            Ok(())
        })?;
        if held.is_empty() || self.judge(&held)?.is_none() {
            self.held = Some(held);
        } else {
            take(&held)?;
        }
        Ok(opened)
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut Sealed) -> io::Result<()> {
        self.tls.seal(plain, sealed)
    }

    fn seal_end(&mut self, sealed: &mut Sealed) -> io::Result<()> {
        self.tls.seal_end(sealed)
    }
}

impl Gateway {
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

/// By which a WebSocket is opened over HTTP/1.1 (RFC 6455 section 4.1).
const METHOD: &[u8] = b"GET ";
/// Far more than a device would read of one.
const MAX_HEAD_BYTES: usize = 262_144;
