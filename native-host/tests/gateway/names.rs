//! Names under `.local` that only the devices themselves know (RFC 6762).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};
use std::thread;

use housekey_core::decision::{Failure, Finding};
use housekey_core::endpoint::Endpoint;
use housekey_tests::lan::Lan;
use socket2::{Domain, Socket, Type};
use tokio::io::AsyncReadExt as _;

use crate::scene::{Device, HOST, Scene, config, echo, identity, within};

/// The device answers with the first half of its addresses, and then with the others.
pub(crate) async fn a_name_is_asked_of_everybody_and_checked(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    let elsewhere = Finding::Failed {
        failure: Failure::Public,
    };
    for (name, answers, expected) in [
        ("gadget-one.local", &[&[HOST][..]][..], Finding::Stranger),
        // An address of one network only, of which nobody can say which, is none to connect to.
        (
            "gadget-two.local",
            &[&["fe80::20", HOST]],
            Finding::Stranger,
        ),
        (
            "gadget-three.local",
            &[&["fe80::20"], &[HOST]],
            Finding::Stranger,
        ),
        (
            "gadget-four.local",
            &[&[HOST, "8.8.8.8"]],
            elsewhere.clone(),
        ),
        ("gadget-five.local", &[&["127.0.0.1"]], elsewhere),
    ] {
        answer_once(name, answers);
        let endpoint: Endpoint = format!("{name}:443").parse().unwrap();
        let mut socket = scene.ask(&endpoint.to_string()).await;
        within(socket.read_to_end(&mut Vec::new())).await.unwrap();
        let refusal = scene.gateway.refusal(&endpoint).unwrap();
        assert_eq!(refusal.finding, expected, "{name}");
    }
}

/// A name server that keeps silent, as many do about such names, is not the one to ask.
pub(crate) async fn a_silent_name_server_is_not_waited_for(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    let _silent = UdpSocket::bind((HERE, 53)).unwrap();
    let _changed = [
        Changed::new("/etc/resolv.conf", "nameserver 192.168.1.2\n"),
        Changed::new("/etc/nsswitch.conf", "hosts: files dns\n"),
    ];
    answer_once("gadget-six.local", &[&[HOST]]);
    let endpoint: Endpoint = "gadget-six.local:443".parse().unwrap();
    let mut socket = scene.ask(&endpoint.to_string()).await;
    within(socket.read_to_end(&mut Vec::new())).await.unwrap();
    let refusal = scene.gateway.refusal(&endpoint).unwrap();
    assert_eq!(refusal.finding, Finding::Stranger);
}

/// A file of the private network's own that says something else as long as this lives.
struct Changed(&'static str, String);

impl Changed {
    fn new(file: &'static str, content: &str) -> Self {
        let before = fs::read_to_string(file).unwrap();
        fs::write(file, content).unwrap();
        Self(file, before)
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _ = fs::write(self.0, &self.1);
    }
}

/// Answers the next question for a name, with these addresses in each packet.
fn answer_once(name: &str, packets: &[&[&str]]) {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_multicast_if_v4(&HERE).unwrap();
    socket
        .bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT).into())
        .unwrap();
    let socket = UdpSocket::from(socket);
    socket.join_multicast_v4(&EVERYBODY, &HERE).unwrap();
    let wire = name.split('.').flat_map(|label| {
        let length = u8::try_from(label.len()).unwrap();
        [&[length], label.as_bytes()].concat()
    });
    let wire: Vec<u8> = wire.chain([0]).collect();
    let answers: Vec<_> = packets.iter().map(|it| answer(&wire, it)).collect();
    thread::spawn(move || {
        let mut question = [0; 9_000];
        loop {
            let length = socket.recv(&mut question).unwrap();
            let is_answer = question[2] & 0x80 != 0;
            let asks = question[..length].windows(wire.len()).any(|it| it == wire);
            if asks && !is_answer {
                break;
            }
        }
        for answer in answers {
            socket.send_to(&answer, (EVERYBODY, PORT)).unwrap();
        }
    });
}

/// A response with these addresses (RFC 1035 section 4.1.1, RFC 6762 section 18).
fn answer(name: &[u8], addresses: &[&str]) -> Vec<u8> {
    let count = u8::try_from(addresses.len()).unwrap();
    let mut answer = vec![0, 0, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0];
    for address in addresses {
        let (kind, octets) = match address.parse().unwrap() {
            IpAddr::V4(it) => (1, it.octets().to_vec()),
            IpAddr::V6(it) => (28, it.octets().to_vec()),
        };
        answer.extend_from_slice(name);
        // For two minutes, in the place of what was said before.
        answer.extend([0, kind, 0x80, 1, 0, 0, 0, 120, 0]);
        answer.push(u8::try_from(octets.len()).unwrap());
        answer.extend(octets);
    }
    answer
}

const EVERYBODY: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const HERE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
const PORT: u16 = 5_353;
