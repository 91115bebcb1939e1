//! What reached a device, byte for byte, so that a test can prove what did not.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Shared;

/// Everything that reached a device since it was switched on or its record was cleared.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// TCP connections accepted.
    pub connections: usize,
    /// TLS handshakes that came to an end.
    pub handshakes: usize,
    /// Those of them that resumed a session: the device signed nothing for them.
    pub resumptions: usize,
    /// TLS handshakes that did not, with the reason.
    pub failed_handshakes: Vec<String>,
    /// Bytes of application data after the handshake: the protection is already taken off.
    pub application_bytes: u64,
    /// Requests, oldest first.
    pub requests: Vec<RequestHead>,
    /// Messages that came over WebSockets.
    pub messages: Vec<String>,
}

impl Record {
    /// Requests for this path.
    pub fn requests_for<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a RequestHead> {
        self.requests
            .iter()
            .filter(move |request| request.path == path)
    }
}

/// The head of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// `GET` and so on.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Fields in their order, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl RequestHead {
    pub(super) fn of(parts: &Parts) -> Self {
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        let headers = parts.headers.iter().map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        Self {
            method: parts.method.to_string(),
            path: path.to_owned(),
            version: format!("{:?}", parts.version),
            headers: headers.collect(),
        }
    }

    /// The first field of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A stream that counts what it reads into a device's record.
pub(super) struct Counted<S> {
    stream: S,
    shared: Arc<Shared>,
}

impl<S> Counted<S> {
    pub(super) fn new(stream: S, shared: Arc<Shared>) -> Self {
        Self { stream, shared }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.shared.record().application_bytes += (buffer.filled().len() - before) as u64;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
