//! From a host to a connected socket, which is checked once more to lead to a device.

use std::net::SocketAddr;
use std::time::Duration;

use housekey_core::decision::Failure;
use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::scope::ScopeOptions;
use mdns_sd::{HostnameResolutionEvent, ServiceDaemon};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connects to an endpoint, if it is a device's and every address of its name is one.
///
/// # Errors
///
/// The [`Failure`], [`Failure::Public`] for whatever is not a device.
pub async fn connect(endpoint: &Endpoint, scope: &ScopeOptions) -> Result<TcpStream, Failure> {
    if !scope.is_device(endpoint.host()) {
        return Err(Failure::Public);
    }
    let addresses = addresses(endpoint, scope).await?;
    let mut failure = Failure::UnknownName;
    // A name with more addresses than this is no device's.
    for address in addresses.into_iter().take(MAX_ADDRESSES) {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return checked(socket, scope),
            Ok(Err(error)) => failure = failure_of(&error),
            Err(_) => failure = Failure::TimedOut,
        }
    }
    Err(failure)
}

/// The socket, if its other end is a device: the kernel says so, not the resolver.
fn checked(socket: TcpStream, scope: &ScopeOptions) -> Result<TcpStream, Failure> {
    let peer = socket.peer_addr().map_err(|_| Failure::Unreachable)?;
    if !scope.is_device_address(peer.ip()) {
        return Err(Failure::Public);
    }
    // Requests are small and people wait for them.
    socket.set_nodelay(true).map_err(|_| Failure::Unreachable)?;
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
    let Ok(mut addresses) = timeout(RESOLVE_TIMEOUT, system_resolver(name, port)).await else {
        return Err(Failure::TimedOut);
    };
    if addresses.is_empty() && name.ends_with(".local") {
        addresses = multicast_resolver(name, port).await;
    }
    if addresses.is_empty() {
        return Err(Failure::UnknownName);
    }
    if addresses
        .iter()
        .any(|address| !scope.is_device_address(address.ip()))
    {
        return Err(Failure::Public);
    }
    Ok(addresses)
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
    let Ok(daemon) = ServiceDaemon::new() else {
        return Vec::new();
    };
    let millis = u64::try_from(MULTICAST_TIMEOUT.as_millis()).ok();
    let question = daemon.resolve_hostname(&format!("{name}."), millis);
    let mut found = Vec::new();
    if let Ok(answers) = question {
        while let Ok(event) = answers.recv_async().await {
            match event {
                HostnameResolutionEvent::AddressesFound(_, addresses) => {
                    let to_socket = |ip: &mdns_sd::ScopedIp| SocketAddr::new(ip.to_ip_addr(), port);
                    found.extend(addresses.iter().map(to_socket));
                    break;
                }
                HostnameResolutionEvent::SearchTimeout(_)
                | HostnameResolutionEvent::SearchStopped(_) => break,
                _ => {}
            }
        }
    }
    // It stops by itself when asked; nobody waits for the confirmation.
    let _ = daemon.shutdown();
    found
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
const MAX_ADDRESSES: usize = 4;
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(8);
const MULTICAST_TIMEOUT: Duration = Duration::from_secs(3);
