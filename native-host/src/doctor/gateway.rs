//! Whether the gateways that browsers run now answer, and let nobody in without their secret.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use housekey_core::checkup::{Check, Found};

use super::Looker;
use crate::paths::Paths;
use crate::platform::Platform;

pub(super) fn check(platform: &dyn Platform, paths: &Paths, looker: Looker) -> Check {
    let ports: BTreeSet<u16> = match looker {
        Looker::Helper(port) => port.into_iter().collect(),
        Looker::Person => platform.ports_of(&paths.installed_binary()),
    };
    if ports.is_empty() {
        return Check::new(Found::GatewayNone);
    }
    let deaf = ports.iter().find(|port| !asks_for_the_secret(**port));
    let all: Vec<String> = ports.iter().map(ToString::to_string).collect();
    match deaf {
        Some(port) => Check::new(Found::GatewayDeaf).at(&port.to_string()),
        None => Check::new(Found::GatewayGood).at(&all.join(", ")),
    }
}

/// Whether whoever listens there answers a stranger as the gateway does.
fn asks_for_the_secret(port: u16) -> bool {
    let ask = || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(b"CONNECT 192.168.0.1:443 HTTP/1.1\r\n\r\n")?;
        let mut answer = [0; EXPECTED.len()];
        socket.read_exact(&mut answer)?;
        std::io::Result::Ok(answer.as_slice() == EXPECTED)
    };
    ask().unwrap_or(false)
}

/// What a gateway says to whoever does not know its secret.
const EXPECTED: &[u8] = b"HTTP/1.1 407 ";
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_a_gateway_answers_like_one() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = std::thread::spawn(move || {
            for answer in ["HTTP/1.1 407 Proxy", "HTTP/1.1 200 OK, come in"] {
                let (mut socket, _) = listener.accept().unwrap();
                let mut question = [0; 64];
                let _ = socket.read(&mut question).unwrap();
                socket.write_all(answer.as_bytes()).unwrap();
            }
        });
        assert!(asks_for_the_secret(port));
        assert!(!asks_for_the_secret(port));
        answers.join().unwrap();
        assert!(!asks_for_the_secret(port), "nobody is there");
    }
}
