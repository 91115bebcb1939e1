//! Whether the gateways that browsers run now answer, and let nobody in without their secret.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use housekey_core::checkup::{Check, Found};

use super::Looker;
use crate::paths::Paths;

pub(super) fn check(paths: &Paths, looker: Looker) -> Check {
    let ports = match looker {
        Looker::Helper(port) => port.into_iter().collect(),
        Looker::Person => ports(&paths.installed_binary()),
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

/// The ports on which processes of this program listen: those of this user, for nobody may look
/// into another's.
fn ports(program: &Path) -> BTreeSet<u16> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_helper = |process: &fs::DirEntry| {
        fs::read_link(process.path().join("exe")).is_ok_and(|it| it == program)
    };
    let sockets: BTreeSet<String> = processes
        .filter(is_helper)
        .flat_map(|process| {
            fs::read_dir(process.path().join("fd"))
                .into_iter()
                .flatten()
        })
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    if sockets.is_empty() {
        return BTreeSet::new();
    }
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let listening = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (local, state) = (columns.next()?, columns.nth(1)?);
        let inode = columns.nth(5)?;
        let is_theirs = state == LISTEN && sockets.contains(&format!("socket:[{inode}]"));
        let port = local.split(':').nth(1)?;
        is_theirs.then(|| u16::from_str_radix(port, 16).ok())?
    });
    listening.collect()
}

/// What a gateway says to whoever does not know its secret.
const EXPECTED: &[u8] = b"HTTP/1.1 407 ";
/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listening_process_is_found_by_its_program() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = std::env::current_exe().unwrap();
        assert!(ports(&this).contains(&port));
        assert!(ports(Path::new("/nobody/runs/this")).is_empty());
    }

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
