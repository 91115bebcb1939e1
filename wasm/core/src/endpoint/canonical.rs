//! Reading addresses that are spelled as browsers and the helper spell them.
//!
//! The extension meets no others: a browser has made every spelling the same before it tells of an
//! address, so the tables for that need not be downloaded a second time. What is spelled otherwise
//! is refused, and never taken for something else: what this reads, it reads as `spelled` does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{EndpointError, HTTPS_PORT, Host, Place};

/// Reads a URL that holds nothing behind its host and port. Case is of no account.
pub(super) fn read(url: &str) -> Result<Place, EndpointError> {
    let url = url.to_ascii_lowercase();
    let (scheme, place) = url.split_once("://").ok_or(EndpointError::Host)?;
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or(EndpointError::Host)?;
        let address: Ipv6Addr = address.parse().map_err(|_| EndpointError::Host)?;
        (Host::Ip(IpAddr::V6(address)), port)
    } else {
        let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
        (read_host(host)?, port)
    };
    Ok(Place {
        scheme: scheme.to_owned(),
        host: Some(host),
        port: Some(read_port(port)?),
    })
}

fn read_host(host: &str) -> Result<Host, EndpointError> {
    let is_allowed = |it: char| it.is_ascii_graphic() && !FORBIDDEN.contains(it);
    if host.is_empty() || !host.chars().all(is_allowed) {
        return Err(EndpointError::Host);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    // A name whose last part is a number is none to a browser, but an address in some spelling.
    if is_number(name.rsplit('.').next().unwrap_or(name)) {
        let address: Ipv4Addr = name.parse().map_err(|_| EndpointError::Host)?;
        return Ok(Host::Ip(IpAddr::V4(address)));
    }
    Ok(Host::Name(host.to_owned()))
}

fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x");
    let is_decimal = !label.is_empty() && label.bytes().all(|it| it.is_ascii_digit());
    is_decimal || hexadecimal.is_some_and(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
}

fn read_port(port: &str) -> Result<u16, EndpointError> {
    if matches!(port, "" | ":") {
        return Ok(HTTPS_PORT);
    }
    let digits = port.strip_prefix(':').ok_or(EndpointError::Host)?;
    // Rust's numbers may have a sign.
    if !digits.bytes().all(|it| it.is_ascii_digit()) {
        return Err(EndpointError::Port);
    }
    digits.parse().map_err(|_| EndpointError::Port)
}

/// The URL Standard's forbidden domain code points, as far as they are visible.
const FORBIDDEN: &str = "#%/:<>?@[\\]^|";
