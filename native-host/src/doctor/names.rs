//! Whether names at `.local` can be asked for: multicast DNS (RFC 6762), on this computer alone.
//!
//! Nothing is sent into the network. A question goes out on loopback and has to come back to the
//! port of multicast DNS, which other programs must let be shared.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use housekey_core::checkup::{Check, Found, Why};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};

pub(super) fn check() -> Check {
    match comes_back() {
        Ok(true) => Check::new(Found::NamesGood),
        Ok(false) => Check::new(Found::NamesMute),
        Err(error) => Check::new(Found::NamesMute).because(Why::system(&error)),
    }
}

fn comes_back() -> io::Result<bool> {
    let mut number = [0; 8];
    aws_lc_rs::rand::fill(&mut number).map_err(|_| io::Error::other("no random source"))?;
    let question = question(&data_encoding::HEXLOWER.encode(&number));

    let (kind, flags) = (SocketType::DGRAM, SocketFlags::CLOEXEC);
    let ear = socket_with(AddressFamily::INET, kind, flags, None)?;
    sockopt::set_socket_reuseaddr(&ear, true)?;
    sockopt::set_socket_reuseport(&ear, true)?;
    bind(&ear, &SocketAddrV4::new(GROUP, PORT))?;
    let ear = UdpSocket::from(ear);
    ear.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)?;
    ear.set_read_timeout(Some(PATIENCE))?;

    let mouth = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    sockopt::set_ip_multicast_if(&mouth, &Ipv4Addr::LOCALHOST)?;
    mouth.set_multicast_ttl_v4(0)?;
    mouth.send_to(&question, (GROUP, PORT))?;

    // What others ask in the network meanwhile is heard too.
    let begun = Instant::now();
    let mut heard = [0; 512];
    while begun.elapsed() < PATIENCE {
        match ear.recv(&mut heard) {
            Ok(length) if heard[..length] == question => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// A question for the address of a name that nobody has (RFC 1035 section 4).
fn question(label: &str) -> Vec<u8> {
    let mut question = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in [label, "local"] {
        question.extend(u8::try_from(label.len()));
        question.extend(label.as_bytes());
    }
    // The root, type A, class IN.
    question.extend([0, 0, 1, 0, 1]);
    question
}

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5_353;
const PATIENCE: Duration = Duration::from_secs(1);
