//! Endpoints: a host and a port, spelled as browsers spell them.
//!
//! A browser turns `https://0xC0A80114`, `https://192.168.276` and `https://192.168.1.20:443` into
//! one and the same origin before it connects.
//! A pin that were kept under another spelling would be a pin that is not found,
//! so every spelling passes through the [WHATWG URL Standard's host parser][host] here, once.
//! In the extension the browser has done that; there, only the canonical spelling is read.
//!
//! [host]: https://url.spec.whatwg.org/#host-parsing

#[cfg(any(test, not(feature = "spellings")))]
mod canonical;
#[cfg(feature = "spellings")]
mod spelled;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(not(feature = "spellings"))]
use self::canonical::read;
#[cfg(feature = "spellings")]
use self::spelled::read;

/// A host in its canonical form.
///
/// IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) are the IPv4 address that they contain.
/// A DNS name is lower-case ASCII (IDNA A-labels) without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IPv4 or IPv6 literal.
    Ip(IpAddr),
    /// A DNS or multicast DNS name.
    Name(String),
}

/// A host and a TCP port: what a pin belongs to.
///
/// It is written `host:port`, with an IPv6 literal in brackets, and the port is always there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct Endpoint {
    host: Host,
    port: u16,
}

impl Endpoint {
    /// An endpoint of parts that are canonical already.
    #[must_use]
    pub const fn new(host: Host, port: u16) -> Self {
        Self { host, port }
    }

    /// The endpoint that a browser connects to for an `https:` or `wss:` URL.
    ///
    /// A user name in it is of no account. An IPv4-mapped address is an origin of its own to a
    /// browser, which neither its proxy scripts nor certificates can tell well, so it is refused.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Scheme`] for any other scheme, else as [`Host::from_str`].
    pub fn from_url(url: &str) -> Result<Self, EndpointError> {
        Self::of_url(read_capped(&without_rest(url))?)
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The TCP port, never 0.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The origin of the pages at this endpoint, without a trailing slash: `https://192.168.1.20`.
    #[must_use]
    pub fn origin(&self) -> String {
        origin(&self.host.to_string(), self.port)
    }

    /// Every origin of the pages at this endpoint, each with its host name: to browsers, a name that
    /// ends in a dot is another one, with cookies and storage of its own.
    #[must_use]
    pub fn sites(&self) -> Vec<(String, String)> {
        let hosts = self.host.spellings().into_iter();
        hosts.map(|host| (origin(&host, self.port), host)).collect()
    }

    /// What a person reads: the host, and the port only if it is not the usual one.
    #[must_use]
    pub fn display_name(&self) -> String {
        match self.port {
            HTTPS_PORT => self.host.to_string(),
            port => format!("{}:{port}", self.host),
        }
    }

    fn of_url(place: Place) -> Result<Self, EndpointError> {
        if matches!(place.host, Some(Host::Ip(IpAddr::V6(it))) if it.to_ipv4_mapped().is_some()) {
            return Err(EndpointError::Host);
        }
        if !matches!(place.scheme.as_str(), "https" | "wss") {
            return Err(EndpointError::Scheme);
        }
        Self::of(place)
    }

    fn of(place: Place) -> Result<Self, EndpointError> {
        let host = match place.host.ok_or(EndpointError::Host)? {
            Host::Ip(IpAddr::V6(address)) => Host::Ip(unmapped(address)),
            Host::Ip(address) => Host::Ip(address),
            Host::Name(name) => Host::Name(canonical_name(&name)?),
        };
        match place.port {
            None | Some(0) => Err(EndpointError::Port),
            Some(port) => Ok(Self { host, port }),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Parses `HOST`, `HOST:PORT`, `[IPv6]`, `[IPv6]:PORT`, a bare IPv6 literal, or an `https:` URL.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.contains('@') {
            return Err(EndpointError::Credentials);
        }
        if text.contains("://") {
            return Self::from_url(text);
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Ok(Self::new(Host::Ip(unmapped(address)), HTTPS_PORT));
        }
        if text.contains(['/', '\\', '?', '#', '%']) || text.contains(char::is_whitespace) {
            return Err(EndpointError::Host);
        }
        Self::of(read_capped(&format!("https://{text}"))?)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

impl Host {
    /// The host as a DNS name or address literal without brackets, as certificates and resolvers
    /// want it.
    #[must_use]
    pub fn bare(&self) -> String {
        match self {
            Self::Ip(address) => address.to_string(),
            Self::Name(name) => name.clone(),
        }
    }

    /// The IP address, if the host is a literal.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name(_) => None,
        }
    }

    /// The host as URLs have it: a name also with the root's dot. No address has one, and Firefox
    /// refuses all rules where there seems to be.
    #[must_use]
    pub fn spellings(&self) -> Vec<String> {
        let mut spellings = vec![self.to_string()];
        if let Self::Name(name) = self {
            spellings.push(format!("{name}."));
        }
        spellings
    }

    /// Whether it is a name that the devices of a network give themselves (RFC 6762 section 3).
    #[must_use]
    pub fn is_multicast_dns(&self) -> bool {
        match self {
            Self::Ip(_) => false,
            Self::Name(name) => is_multicast_dns(name),
        }
    }
}

fn origin(host: &str, port: u16) -> String {
    match port {
        HTTPS_PORT => format!("https://{host}"),
        port => format!("https://{host}:{port}"),
    }
}

/// The same of a name alone.
pub(crate) fn is_multicast_dns(name: &str) -> bool {
    name.ends_with(".local")
}

impl FromStr for Host {
    type Err = EndpointError;

    /// Parses a host alone, in any spelling that a browser's address bar takes.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let endpoint: Endpoint = text.parse()?;
        match endpoint.port {
            HTTPS_PORT if !text.ends_with(":443") => Ok(endpoint.host),
            _ => Err(EndpointError::Port),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why a text is not an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A user name or password stands in it.
    #[error("an address must not contain a user name or password")]
    Credentials,
    /// The host is no address and no name.
    #[error(
        "that is not a host; write an address such as 192.168.1.20 or a name such as nas.local"
    )]
    Host,
    /// The port is not between 1 and 65,535.
    #[error("that is not a port; write a number from 1 to 65535 behind a colon")]
    Port,
    /// The scheme is neither `https:` nor `wss:`.
    #[error("only https: and wss: addresses have a certificate")]
    Scheme,
    /// It is longer than any URL that Housekey looks at.
    #[error("the address is too long")]
    TooLong,
}

impl EndpointError {
    /// The stable code of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Credentials => "endpoint_credentials",
            Self::Host => "endpoint_host",
            Self::Port => "endpoint_port",
            Self::Scheme => "endpoint_scheme",
            Self::TooLong => "endpoint_too_long",
        }
    }
}

/// A URL up to its host and port. How long all else in it is, any page decides, and the browser
/// connects to that host nevertheless.
fn without_rest(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or(rest);
    let place = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{place}")
}

fn read_capped(url: &str) -> Result<Place, EndpointError> {
    if url.len() > MAX_URL_BYTES {
        return Err(EndpointError::TooLong);
    }
    read(url)
}

/// What stands in a URL, as a browser reads it.
struct Place {
    scheme: String,
    host: Option<Host>,
    port: Option<u16>,
}

fn unmapped(address: Ipv6Addr) -> IpAddr {
    address
        .to_ipv4_mapped()
        .map_or(IpAddr::V6(address), |v4: Ipv4Addr| IpAddr::V4(v4))
}

/// Takes the trailing dot off, which browsers keep in the origin but resolvers and certificates
/// do not know, and holds the name to the lengths of RFC 1035 section 2.3.4.
fn canonical_name(name: &str) -> Result<String, EndpointError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |label: &str| (1..=MAX_LABEL_BYTES).contains(&label.len());
    if name.len() > MAX_NAME_BYTES || !name.split('.').all(fits) {
        return Err(EndpointError::Host);
    }
    Ok(name.to_ascii_lowercase())
}

const HTTPS_PORT: u16 = 443;
/// Far longer than a name may be, in whatever spelling.
const MAX_URL_BYTES: usize = 65_536;
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> Result<String, EndpointError> {
        text.parse::<Endpoint>()
            .map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn every_spelling_of_an_ipv4_address_is_one_endpoint() {
        for spelling in [
            "192.168.1.20",
            "192.168.1.20:443",
            "192.168.1.20.",
            "192.168.276",
            "3232235796",
            "0xC0A80114",
            "0300.0250.01.024",
            "0xc0.0xa8.1.20",
            "[::ffff:192.168.1.20]",
            "[::ffff:c0a8:114]:443",
            "::ffff:192.168.1.20",
            "https://192.168.1.20/deep/link?q=1#x",
            "wss://192.168.1.20/socket",
        ] {
            assert_eq!(
                canonical(spelling).as_deref(),
                Ok("192.168.1.20:443"),
                "{spelling}"
            );
        }
    }

    #[test]
    fn a_name_with_the_root_s_dot_is_another_site() {
        let sites = |text: &str| text.parse::<Endpoint>().unwrap().sites();
        let both = ["https://nas.local:8443", "https://nas.local.:8443"].map(str::to_owned);
        let names = ["nas.local", "nas.local."].map(str::to_owned);
        assert_eq!(
            sites("nas.local:8443"),
            Vec::from_iter(both.into_iter().zip(names))
        );
        assert_eq!(sites("192.168.1.20").len(), 1);
        assert_eq!(sites("[fd00::20]").len(), 1);
    }

    #[test]
    fn ipv6_is_compressed_and_bracketed() {
        assert_eq!(canonical("fd00:0:0:0::20").as_deref(), Ok("[fd00::20]:443"));
        assert_eq!(
            canonical("[FD00::20]:8443").as_deref(),
            Ok("[fd00::20]:8443")
        );
    }

    #[test]
    fn names_are_lower_case_idna_without_trailing_dot() {
        assert_eq!(canonical("NAS.Local.").as_deref(), Ok("nas.local:443"));
        assert_eq!(
            canonical("küche.local:8443").as_deref(),
            Ok("xn--kche-0ra.local:8443")
        );
    }

    #[test]
    fn what_is_no_endpoint_is_refused_by_cause() {
        let long = format!("{}.local", "a".repeat(64));
        for (text, error) in [
            ("", EndpointError::Host),
            ("nas..local", EndpointError::Host),
            (&long, EndpointError::Host),
            ("256.1.1.1", EndpointError::Host),
            ("192.168.1.20/path", EndpointError::Host),
            ("[fe80::1%25eth0]", EndpointError::Host),
            ("fe80::1%eth0", EndpointError::Host),
            ("192.168.1.20:0", EndpointError::Port),
            ("192.168.1.20:99999", EndpointError::Port),
            ("user@192.168.1.20", EndpointError::Credentials),
            ("https://user@192.168.1.20", EndpointError::Credentials),
            ("http://192.168.1.20", EndpointError::Scheme),
            ("file:///etc/passwd", EndpointError::Scheme),
        ] {
            assert_eq!(canonical(text), Err(error), "{text}");
        }
    }

    /// What the canonical reader makes of an address. It differs in refusing more, and in leaving
    /// names in Punycode to the browsers that tell of them.
    fn canonically(text: &str) -> Option<Endpoint> {
        let url = if text.contains("://") {
            without_rest(text)
        } else {
            format!("https://{text}")
        };
        Endpoint::of_url(canonical::read(&url).ok()?).ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_read_canonically_is_read_alike(
            text in "(https://|wss://|HTTPS://|http://)?([0-9a-fA-FxX.:\\[\\]]{1,24}|[ -~]{1,12}|[a-z0-9.-]{1,12}|\\PC{1,6})(\\.|\\.local|\\.[0-9]{1,3})?(:[0-9+]{0,6})?"
        ) {
            if let Some(read) = canonically(&text).filter(|it| !it.origin().contains("xn--")) {
                prop_assert_eq!(Endpoint::from_url(&with_scheme(&text)), Ok(read), "{}", text);
            }
        }

        #[test]
        fn what_is_canonical_is_read_canonically(
            text in "([0-9a-fA-FxX.]{1,12}|\\[[0-9a-f:]{2,20}\\]|[ -~]{1,12}|\\PC{1,8})(\\.local)?(:[0-9]{1,5})?"
        ) {
            if let Ok(endpoint) = Endpoint::from_url(&format!("https://{text}")) {
                let origin = endpoint.origin();
                let read = [canonically(&endpoint.to_string()), canonically(&origin)];
                prop_assert_eq!(read, [Some(endpoint.clone()), Some(endpoint)], "{}", text);
            }
        }
    }

    fn with_scheme(text: &str) -> String {
        if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        }
    }

    #[test]
    fn no_other_spelling_is_read_canonically() {
        for text in [
            "192.168.276",
            "3232235796",
            "0xC0A80114",
            "0300.0250.01.024",
            "0xc0.0xa8.1.20",
            "192.168.1.020",
            "nas.0x",
            "256.1.1.1",
            "küche.local",
            "192.168.1.20:+443",
            "192.168.1.20:0",
            "192.168.1.20:65536",
            "[::1",
            "[::1]x",
            "[fe80::1%25eth0]",
            "[::ffff:192.168.1.20]",
            "nas .local",
            "nas%2elocal",
            "nas..local",
            "",
            ":443",
        ] {
            assert_eq!(canonically(text), None, "{text}");
        }
        let dotted = canonically("NAS.Local.:8443").map(|it| it.to_string());
        assert_eq!(dotted.as_deref(), Some("nas.local:8443"));
        let dotted = canonically("192.168.1.20.").map(|it| it.to_string());
        assert_eq!(dotted.as_deref(), Some("192.168.1.20:443"));
    }

    #[test]
    fn the_usual_port_is_not_shown_to_people() {
        let usual: Endpoint = "192.168.1.20".parse().unwrap();
        let other: Endpoint = "[fd00::20]:8443".parse().unwrap();
        assert_eq!(
            (usual.display_name(), usual.origin()),
            ("192.168.1.20".into(), "https://192.168.1.20".into())
        );
        assert_eq!(
            (other.display_name(), other.origin()),
            ("[fd00::20]:8443".into(), "https://[fd00::20]:8443".into())
        );
    }
}
