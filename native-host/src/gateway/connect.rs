//! The CONNECT request (RFC 9110 section 9.3.6) and its answers.

use std::time::Duration;

use data_encoding::BASE64;
use housekey_core::endpoint::Endpoint;
use subtle::ConstantTimeEq as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The credentials that every CONNECT has to carry, as they stand in `Proxy-Authorization`.
pub(super) struct Secret(String);

/// What the gateway says to a request for a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The tunnel is open.
    Established,
    /// The person has to decide first, or did; or the host is no device.
    Forbidden,
    /// The device cannot be met, or Housekey cannot work.
    BadGateway,
    /// No tunnel without the secret. Whatever is no proper request with the secret gets this very
    /// answer, so that nothing can be told apart from outside.
    AuthenticationRequired,
}

impl Secret {
    pub(super) fn new(password: &str) -> Self {
        Self(format!(
            "Basic {}",
            BASE64.encode(format!("housekey:{password}").as_bytes())
        ))
    }

    fn opens(&self, credentials: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(credentials).into()
    }
}

/// Reads one CONNECT request.
pub(super) async fn receive(browser: &mut TcpStream, secret: &Secret) -> Result<Endpoint, Status> {
    let head = timeout(HEAD_TIMEOUT, read_head(browser))
        .await
        .ok()
        .flatten();
    head.and_then(|head| parse(&head, secret))
        .ok_or(Status::AuthenticationRequired)
}

/// Answers, and closes the connection unless the tunnel is open now.
pub(super) async fn answer(browser: &mut TcpStream, status: Status) {
    let line = match status {
        Status::Established => "HTTP/1.1 200 OK\r\n\r\n",
        Status::Forbidden => {
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        Status::BadGateway => {
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        Status::AuthenticationRequired => {
            "HTTP/1.1 407 Proxy Authentication Required\r\n\
             Proxy-Authenticate: Basic realm=\"proxy\"\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        }
    };
    // A browser that is gone has no use for the answer.
    let _ = browser.write_all(line.as_bytes()).await;
    if status != Status::Established {
        let _ = browser.shutdown().await;
    }
}

/// Everything up to the empty line, or nothing if that does not come within bounds.
///
/// A browser waits for the answer before it sends more, so nothing is read beyond the head. What
/// does not begin as a CONNECT, or goes on behind its head, is known to be no browser's at once.
async fn read_head(browser: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::with_capacity(USUAL_HEAD_BYTES);
    while !head.ends_with(END) {
        if head.len() >= MAX_HEAD_BYTES {
            return None;
        }
        head.reserve(USUAL_HEAD_BYTES);
        match browser.read_buf(&mut head).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        let begins = head.len().min(METHOD.len());
        if head[..begins] != METHOD[..begins] {
            return None;
        }
        let ends = head.windows(END.len()).position(|bytes| bytes == END);
        if ends.is_some_and(|at| at + END.len() < head.len()) {
            return None;
        }
    }
    Some(head)
}

pub(super) fn parse(head: &[u8], secret: &Secret) -> Option<Endpoint> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut request = lines.next()?.split(' ');
    let (method, authority, version) = (request.next()?, request.next()?, request.next()?);
    if method != "CONNECT" || !version.starts_with("HTTP/1.") || request.next().is_some() {
        return None;
    }
    let mut credentials = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then(|| value.trim())
    });
    match (credentials.next(), credentials.next()) {
        (Some(credentials), None) if secret.opens(credentials.as_bytes()) => {}
        _ => return None,
    }
    // RFC 9110: the authority of a CONNECT always has a port.
    let (_, port) = authority.rsplit_once(':')?;
    if port.ends_with(']') {
        return None;
    }
    authority.parse().ok()
}

/// A browser writes its request at once.
const HEAD_TIMEOUT: Duration = Duration::from_secs(3);
const METHOD: &[u8] = b"CONNECT ";
const END: &[u8] = b"\r\n\r\n";
const MAX_HEAD_BYTES: usize = 8_192;
const USUAL_HEAD_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(head: &str) -> Option<String> {
        parse(head.as_bytes(), &Secret::new("s")).map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn a_request_with_the_secret_is_understood() {
        let auth = "Proxy-Authorization: Basic aG91c2VrZXk6cw==";
        assert_eq!(
            endpoint(&format!(
                "CONNECT 192.168.1.20:443 HTTP/1.1\r\nHost: x\r\n{auth}\r\n\r\n"
            )),
            Some("192.168.1.20:443".into())
        );
        assert_eq!(
            endpoint(&format!(
                "CONNECT [fd00::20]:8443 HTTP/1.1\r\n{}\r\n\r\n",
                auth.to_lowercase()
            )),
            None,
            "base64 knows upper and lower case"
        );
        assert_eq!(
            endpoint(&format!(
                "CONNECT [fd00::20]:8443 HTTP/1.1\r\n{auth}\r\n\r\n"
            )),
            Some("[fd00::20]:8443".into())
        );
    }

    #[test]
    fn anything_else_is_not() {
        let auth = "Proxy-Authorization: Basic aG91c2VrZXk6cw==";
        for head in [
            "CONNECT 192.168.1.20:443 HTTP/1.1\r\n\r\n".to_owned(),
            "CONNECT 192.168.1.20:443 HTTP/1.1\r\nProxy-Authorization: Basic AAAA\r\n\r\n".into(),
            format!("CONNECT 192.168.1.20:443 HTTP/1.1\r\n{auth}\r\n{auth}\r\n\r\n"),
            format!("CONNECT 192.168.1.20 HTTP/1.1\r\n{auth}\r\n\r\n"),
            format!("CONNECT [fd00::20] HTTP/1.1\r\n{auth}\r\n\r\n"),
            format!("CONNECT 192.168.1.20:443 HTTP/2\r\n{auth}\r\n\r\n"),
            format!("GET https://192.168.1.20/ HTTP/1.1\r\n{auth}\r\n\r\n"),
            format!("GET / HTTP/1.1\r\n{auth}\r\n\r\n"),
            format!("CONNECT 192.168.1.20:443 HTTP/1.1 x\r\n{auth}\r\n\r\n"),
            format!("CONNECT 192.168.1.20:443/x HTTP/1.1\r\n{auth}\r\n\r\n"),
            format!("\0\r\n{auth}\r\n\r\n"),
        ] {
            assert_eq!(endpoint(&head), None, "{head:?}");
        }
    }
}
