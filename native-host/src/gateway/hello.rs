//! The browser's first flight, which says what it can speak before the device is greeted.

use std::future::pending;
use std::io;

use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A ClientHello (RFC 8446 section 4.1.2).
pub(super) struct Hello {
    /// The application protocols that the browser offers.
    pub(super) alpn: Vec<Vec<u8>>,
    /// The hello as it came, with whatever followed it.
    pub(super) bytes: Vec<u8>,
}

impl Hello {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// The socket's, and rustls' where it is none; the browser has been told then.
    pub(super) async fn read(browser: &mut TcpStream) -> io::Result<Self> {
        let mut acceptor = Acceptor::default();
        let mut bytes = Vec::new();
        let mut seen = 0;
        loop {
            bytes.reserve(USUAL_BYTES);
            if browser.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            while seen < bytes.len() {
                seen += acceptor.read_tls(&mut &bytes[seen..])?;
                match acceptor.accept() {
                    Ok(None) => {}
                    Ok(Some(accepted)) => {
                        let hello = accepted.client_hello();
                        let alpn = hello.alpn().into_iter().flatten();
                        let alpn = alpn.map(<[u8]>::to_vec).collect();
                        return Ok(Self { alpn, bytes });
                    }
                    Err((error, mut alert)) => {
                        let mut told = Vec::new();
                        alert.write_all(&mut told)?;
                        browser.write_all(&told).await?;
                        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                    }
                }
            }
            if bytes.len() > MAX_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// Waits until a browser is gone that has to wait and has nothing to say.
///
/// One that says something all the same is not gone.
pub(super) async fn gone(browser: &TcpStream) {
    if let Ok(1..) = browser.peek(&mut [0]).await {
        pending().await
    }
}

/// With a post-quantum key share in it.
const USUAL_BYTES: usize = 2_048;
const MAX_BYTES: usize = 65_536;
