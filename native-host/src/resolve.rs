//! From a host to a connected socket, which is checked once more to lead to a device.

use std::net::{SocketAddr, SocketAddrV6};
use std::time::Duration;

use housekey_core::decision::Failure;
use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::scope::ScopeOptions;
use mdns_sd::{HostnameResolutionEvent, ScopedIp, ServiceDaemon};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connects to an endpoint, if it is a device's and every address of its name is one.
///
/// # Errors
///
/// The [`Failure`], [`Failure::Public`] for whatever is not a device.
pub async fn connect(endpoint: &Endpoint, scope: &ScopeOptions) -> Result<TcpStream, Failure> {
    if !scope.is_device(endpoint.host()) {
        return Err(Failure::Public);
    }
    let mut addresses = alternating(addresses(endpoint, scope).await?);
    // A name with more addresses than this is no device's.
    addresses.truncate(MAX_ADDRESSES);
    let socket = match addresses[..] {
        [address] => attempt(address).await?,
        _ => race(addresses).await?,
    };
    checked(socket, scope)
}

/// The addresses in their order, but both families in turn (RFC 8305 section 4): where one of them
/// does not work at all, the second try is of the other one.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut alternating = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return alternating;
        }
        alternating.extend(pair.into_iter().flatten());
    }
}

/// The first that answers. The next one is tried when one has failed, or has not answered for a
/// moment (RFC 8305 section 5).
async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, Failure> {
    let mut failure = Failure::UnknownName;
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(attempt(address));
        }
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(socket))) => return Ok(socket),
                Some(Ok(Err(error))) => failure = error,
                Some(Err(_)) => {}
                None => return Err(failure),
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> Result<TcpStream, Failure> {
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(socket)) => Ok(socket),
        Ok(Err(error)) => Err(failure_of(&error)),
        Err(_) => Err(Failure::TimedOut),
    }
}

/// The socket, if its other end is a device: the kernel says so, not the resolver.
fn checked(socket: TcpStream, scope: &ScopeOptions) -> Result<TcpStream, Failure> {
    let peer = socket.peer_addr().map_err(|_| Failure::Unreachable)?;
    if !scope.is_device_address(peer.ip()) {
        return Err(Failure::Public);
    }
    // Requests are small and people wait for them.
    socket.set_nodelay(true).map_err(|_| Failure::Unreachable)?;
    // Events may keep a connection open for hours in which nothing happens, so silence ends none.
    // But a device that was switched off says nothing either; that is for the kernel to find out.
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    let _ = SockRef::from(&socket).set_tcp_keepalive(&keepalive);
    Ok(socket)
}

/// The addresses of a host. One public address among them makes the whole name public:
/// whoever controls that name is not at home.
async fn addresses(endpoint: &Endpoint, scope: &ScopeOptions) -> Result<Vec<SocketAddr>, Failure> {
    let port = endpoint.port();
    let name = match endpoint.host() {
        Host::Ip(address) => return Ok(vec![SocketAddr::new(*address, port)]),
        Host::Name(name) => name,
    };
    // Names of multicast DNS are no name server's (RFC 6762 section 3): one that keeps silent about
    // them is not waited for.
    let is_multicast = endpoint.host().is_multicast_dns();
    let limit = if is_multicast {
        MULTICAST_TIMEOUT
    } else {
        RESOLVE_TIMEOUT
    };
    let addresses = match timeout(limit, system_resolver(name, port)).await {
        Ok(addresses) if !addresses.is_empty() => addresses,
        _ if is_multicast => multicast_resolver(name, port).await,
        answer => answer.map_err(|_| Failure::TimedOut)?,
    };
    all_at_home(addresses, scope)
}

/// The addresses of a name, unless one of them is none of a device's.
fn all_at_home(
    addresses: Vec<SocketAddr>,
    scope: &ScopeOptions,
) -> Result<Vec<SocketAddr>, Failure> {
    if addresses.is_empty() {
        return Err(Failure::UnknownName);
    }
    let is_device = |address: &SocketAddr| scope.is_device_address(address.ip());
    if addresses.iter().all(is_device) {
        Ok(addresses)
    } else {
        Err(Failure::Public)
    }
}

async fn system_resolver(name: &str, port: u16) -> Vec<SocketAddr> {
    tokio::net::lookup_host((name, port))
        .await
        .map(Iterator::collect)
        .unwrap_or_default()
}

/// Multicast DNS (RFC 6762), for systems whose resolver does not do it.
///
/// The daemon lives for this one question: at rest, the helper has no thread that wakes up.
async fn multicast_resolver(name: &str, port: u16) -> Vec<SocketAddr> {
    let Ok(daemon) = ServiceDaemon::new().map(OneQuestion) else {
        return Vec::new();
    };
    let millis = u64::try_from(MULTICAST_TIMEOUT.as_millis()).ok();
    let question = daemon.0.resolve_hostname(&format!("{name}."), millis);
    let mut found = Vec::new();
    let Ok(answers) = question else {
        return found;
    };
    loop {
        // Whoever answers for one family of addresses may answer for the other in the next packet.
        let patience = if found.is_empty() {
            MULTICAST_TIMEOUT
        } else {
            HEAD_START
        };
        let Ok(Ok(event)) = timeout(patience, answers.recv_async()).await else {
            return found;
        };
        match event {
            // All that are known by now.
            HostnameResolutionEvent::AddressesFound(_, addresses) => {
                found = addresses.iter().filter_map(|it| at(it, port)).collect();
                if !found.iter().all(is_of_one_link) {
                    return found;
                }
            }
            HostnameResolutionEvent::SearchTimeout(_)
            | HostnameResolutionEvent::SearchStopped(_) => return found,
            _ => {}
        }
    }
}

/// Where this answer leads, on the network that it came from.
fn at(answer: &ScopedIp, port: u16) -> Option<SocketAddr> {
    match answer {
        ScopedIp::V4(answer) => Some((*answer.addr(), port).into()),
        ScopedIp::V6(answer) if answer.addr().is_unicast_link_local() => {
            let link = answer.scope_id().index;
            Some(SocketAddrV6::new(*answer.addr(), port, 0, link).into())
        }
        ScopedIp::V6(answer) => Some((*answer.addr(), port).into()),
        _ => None,
    }
}

/// Whether this address is of use on one network only, and perhaps not to this computer.
const fn is_of_one_link(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(it) if it.ip().is_unicast_link_local())
}

/// A daemon that ends with its question, also where nobody waits for the answer any more: its
/// thread would go on for ever.
struct OneQuestion(ServiceDaemon);

impl Drop for OneQuestion {
    fn drop(&mut self) {
        // It stops by itself when asked; nobody waits for the confirmation.
        let _ = self.0.shutdown();
    }
}

fn failure_of(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Failure::Refused,
        std::io::ErrorKind::TimedOut => Failure::TimedOut,
        _ => Failure::Unreachable,
    }
}

/// Devices are a few milliseconds away, but some sleep.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// As long as RFC 8305 section 8 advises.
const HEAD_START: Duration = Duration::from_millis(250);
/// Together two minutes, until a device that is gone while nothing is said is known to be. What was
/// said and is not acknowledged is for the kernel to give up, as without Housekey.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEPALIVE_TRIES: u32 = 4;
const MAX_ADDRESSES: usize = 4;
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(8);
const MULTICAST_TIMEOUT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let [a, b, c] = ["[fd00::1]:1", "[fd00::2]:1", "[fd00::3]:1"].map(address);
        let [x, y] = ["10.0.0.1:1", "10.0.0.2:1"].map(address);
        assert_eq!(alternating(vec![a, b, c, x]), [a, x, b, c]);
        assert_eq!(alternating(vec![x, a, b, y]), [x, a, y, b]);
        assert_eq!(alternating(vec![x]), [x]);
        assert_eq!(alternating(Vec::new()), []);
    }

    #[tokio::test]
    async fn one_that_refuses_or_is_silent_holds_up_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
        let refused = refusing.local_addr().unwrap();
        drop(refusing);
        let socket = race(vec![refused, good]).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), good);
        assert_eq!(race(vec![refused]).await.unwrap_err(), Failure::Refused);
        assert_eq!(race(Vec::new()).await.unwrap_err(), Failure::UnknownName);

        // One whose queue is full drops what comes, like an address without anybody.
        let full = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = full.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(socket) = timeout(HEAD_START, TcpStream::connect(silent)).await {
            queue.push(socket.unwrap());
        }
        let answer = timeout(CONNECT_TIMEOUT / 4, race(vec![silent, good])).await;
        assert_eq!(answer.unwrap().unwrap().peer_addr().unwrap(), good);
    }

    /// Whoever controls a name's answers may say anything.
    #[test]
    fn one_address_elsewhere_makes_the_name_public() {
        let scope = ScopeOptions::default();
        let home = "192.168.1.20:443";
        for (answers, expected) in [
            (&[home][..], None),
            (&[home, "[fd00::20]:443"], None),
            (&["[::ffff:192.168.1.20]:443"], None),
            (&["169.254.1.1:443"], None),
            (&[], Some(Failure::UnknownName)),
            (&[home, "8.8.8.8:443"], Some(Failure::Public)),
            (&["8.8.8.8:443", home], Some(Failure::Public)),
            (&[home, "127.0.0.1:443"], Some(Failure::Public)),
            (&["[::1]:443"], Some(Failure::Public)),
            (&["[::ffff:127.0.0.1]:443"], Some(Failure::Public)),
            (&["[::ffff:8.8.8.8]:443"], Some(Failure::Public)),
            (&["0.0.0.0:443"], Some(Failure::Public)),
            (&["[::]:443"], Some(Failure::Public)),
            (&["224.0.0.251:443"], Some(Failure::Public)),
            (&["[ff02::fb]:443"], Some(Failure::Public)),
            (&["169.254.169.254:443"], Some(Failure::Public)),
            (&["[fd00:ec2::254]:443"], Some(Failure::Public)),
            (&["100.64.0.1:443"], Some(Failure::Public)),
            (&["[64:ff9b::c0a8:114]:443"], Some(Failure::Public)),
            (&["[2002:c0a8:114::1]:443"], Some(Failure::Public)),
        ] {
            let found = all_at_home(answers.iter().map(|it| address(it)).collect(), &scope);
            assert_eq!(found.err(), expected, "{answers:?}");
        }
    }

    /// What the resolver said does not count, but who is at the other end.
    #[tokio::test]
    async fn the_other_end_of_the_socket_is_checked() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let socket = TcpStream::connect(peer).await.unwrap();
        let found = checked(socket, &ScopeOptions::default());
        assert_eq!(found.unwrap_err(), Failure::Public);
    }

    #[tokio::test]
    async fn what_is_no_device_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let scope = ScopeOptions::default();
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "017700000001",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "0.0.0.0",
            "[::]",
            "localhost",
            "a.localhost",
            "8.8.8.8",
            "100.64.0.1",
            "169.254.169.254",
            "224.0.0.251",
            "255.255.255.255",
        ] {
            let endpoint = format!("{host}:{port}").parse().unwrap();
            assert_eq!(
                connect(&endpoint, &scope).await.unwrap_err(),
                Failure::Public
            );
        }
    }
}
