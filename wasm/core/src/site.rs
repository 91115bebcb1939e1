//! Sites: whose pages a person lets reach a device, and which requests are foreign to one.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, EndpointError, Host};
use crate::scope::{LOCAL_SUFFIXES, ScopeOptions};
use crate::text::SafeText;
use crate::time::Timestamp;

/// A site whose pages come over HTTPS: a host as `declarativeNetRequest` knows initiators, which is
/// without scheme and port, and together with the names below it.
///
/// It is a DNS name of two labels or more, or an IPv4 address. Names are lower-case ASCII.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct Site(String);

/// A person's word that a site may reach a device.
///
/// It holds for the key that was trusted when it was given, and as long as that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Allowance {
    /// Whose pages.
    pub site: Site,
    /// Which device.
    pub endpoint: Endpoint,
    /// Since when.
    pub since: Timestamp,
    /// What the device is called.
    pub name: SafeText,
}

impl Allowance {
    /// As many as a person can look after. More are not taken.
    pub const MOST: usize = 100;

    /// Whether it lets this site reach this device.
    #[must_use]
    pub fn is_for(&self, site: &Site, endpoint: &Endpoint) -> bool {
        self.site == *site && self.endpoint == *endpoint
    }
}

impl Site {
    /// The site of a page, if its origin is one: it has to be secure, or whoever is on the way could
    /// write such pages.
    #[must_use]
    pub fn of_page(url: &str) -> Option<Self> {
        if !url.starts_with("https:") {
            return None;
        }
        Endpoint::from_url(url).ok()?.host().bare().parse().ok()
    }

    /// The host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// See [`Host::spellings`].
    pub(crate) fn spellings(&self) -> Vec<String> {
        let host = self.host();
        host.map_or_else(|| vec![self.0.clone()], |host| host.spellings())
    }

    fn host(&self) -> Option<Host> {
        self.0.parse().ok()
    }

    /// Whether a browser takes a request of this site's pages to this host for one between two
    /// sites.
    #[must_use]
    pub fn is_foreign_to(&self, host: &Host, scope: &ScopeOptions) -> bool {
        self.host()
            .is_none_or(|own| !is_one_site(&own, host, scope))
    }

    /// Whether this is the site or a name below it.
    fn covers(&self, other: &Self) -> bool {
        let rest = other.0.strip_suffix(&self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for Site {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text.parse()? {
            Host::Name(name) if name.contains('.') => Ok(Self(name)),
            Host::Ip(IpAddr::V4(address)) => Ok(Self(address.to_string())),
            Host::Name(_) | Host::Ip(IpAddr::V6(_)) => Err(EndpointError::Host),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Site {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl From<Site> for String {
    fn from(site: Site) -> Self {
        site.0
    }
}

/// Whether the head of an HTTP/1.1 request (RFC 9112) opens a WebSocket (RFC 6455 section 4.1) for a
/// page that is foreign to this device and not allowed to reach it.
///
/// Chromium does not show extensions the WebSockets of shared and service workers, so no rule of
/// [`routing`](crate::routing) holds for them; but no page can leave out whose it is, nor say that
/// it is another's.
#[must_use]
pub fn is_foreign_socket(
    head: &[u8],
    endpoint: &Endpoint,
    scope: &ScopeOptions,
    allowed: &[Allowance],
) -> bool {
    let head = String::from_utf8_lossy(head);
    let fields = head.split("\r\n").skip(1);
    let fields = fields.filter_map(|line| line.split_once(':'));
    let fields: Vec<(String, &str)> = fields
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .collect();
    let values = |name: &'static str| fields.iter().filter(move |field| field.0 == name);
    let opens =
        values("upgrade").any(|(_, value)| value.to_ascii_lowercase().contains("websocket"));
    if !opens {
        return false;
    }
    let mut origins = values("origin").map(|(_, origin)| *origin);
    match (origins.next(), origins.next()) {
        // No browser's page.
        (None, _) => false,
        (Some(origin), None) => is_foreign_origin(origin, endpoint, scope, allowed),
        (Some(_), Some(_)) => true,
    }
}

fn is_foreign_origin(
    origin: &str,
    endpoint: &Endpoint,
    scope: &ScopeOptions,
    allowed: &[Allowance],
) -> bool {
    let Some(site) = Site::of_page(origin) else {
        // An IPv6 address is no site, but it may be the device itself.
        let own = Endpoint::from_url(origin);
        return own.map_or(true, |own| own.host() != endpoint.host());
    };
    let is_allowed = |it: &Allowance| it.endpoint == *endpoint && it.site.covers(&site);
    site.is_foreign_to(endpoint.host(), scope) && !allowed.iter().any(is_allowed)
}

/// Whether browsers take two hosts for one site: they are the same, or names of one home.
///
/// Of the public suffixes, this knows the ones that devices have.
fn is_one_site(one: &Host, other: &Host, scope: &ScopeOptions) -> bool {
    let (Host::Name(one), Host::Name(other)) = (one, other) else {
        return one == other;
    };
    let added = scope.local_names.iter().map(String::as_str);
    let ends = |name: &str, suffix: &str| {
        name.strip_suffix(suffix)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    one == other
        || added.into_iter().any(|it| ends(one, it) && ends(other, it))
        || LOCAL_SUFFIXES.iter().any(|suffix| {
            label_above(one, suffix).is_some_and(|it| label_above(other, suffix) == Some(it))
        })
}

/// `nas` of `www.nas.local`.
fn label_above<'n>(name: &'n str, suffix: &str) -> Option<&'n str> {
    name.strip_suffix(suffix)?
        .strip_suffix('.')?
        .rsplit('.')
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> ScopeOptions {
        ScopeOptions {
            local_names: vec!["fritz.box".into()],
            ..Default::default()
        }
    }

    #[test]
    fn a_site_is_a_secure_pages_host() {
        for (page, site) in [
            ("https://cameras.example/live?x", Some("cameras.example")),
            ("https://CAMERAS.example:8443", Some("cameras.example")),
            ("https://192.168.1.60/", Some("192.168.1.60")),
            ("https://3232235836/", Some("192.168.1.60")),
            ("https://k\u{fc}che.example", Some("xn--kche-0ra.example")),
            ("http://cameras.example/", None),
            ("wss://cameras.example/", None),
            ("https://localhost/", None),
            ("https://com/", None),
            ("https://[fd00::20]/", None),
            ("null", None),
            ("moz-extension://cameras.example/", None),
            ("", None),
        ] {
            let found = Site::of_page(page);
            assert_eq!(found.as_ref().map(Site::as_str), site, "{page}");
        }
    }

    #[test]
    fn names_of_one_home_are_one_site() {
        for (site, host, foreign) in [
            ("nas.local", "nas.local", false),
            ("www.nas.local", "nas.local", false),
            ("hue.local", "nas.local", true),
            ("a.fritz.box", "b.fritz.box", false),
            ("fritz.box", "nas.fritz.box", false),
            ("evilfritz.box", "nas.fritz.box", true),
            ("nas.fritz.box", "nas.local", true),
            ("nas.local", "nas.fritz.box", true),
            ("a.home.arpa", "b.home.arpa", true),
            ("x.a.home.arpa", "y.a.home.arpa", false),
            ("192.168.1.2", "192.168.1.20", true),
            ("192.168.1.20", "192.168.1.20", false),
            ("cameras.example", "nas.local", true),
            ("cameras.example", "cameras.example", false),
            ("nas.local.example", "nas.local", true),
        ] {
            let site: Site = site.parse().unwrap();
            let host = host.parse().unwrap();
            assert_eq!(
                site.is_foreign_to(&host, &scope()),
                foreign,
                "{site} {host}"
            );
        }
    }

    /// What comes first on a connection that a browser opened for a WebSocket.
    #[test]
    fn a_foreign_pages_socket_is_told_from_the_devices_own() {
        let endpoint: Endpoint = "192.168.1.20".parse().unwrap();
        let allowed = [Allowance {
            site: "cameras.example".parse().unwrap(),
            endpoint: endpoint.clone(),
            since: Timestamp(0),
            name: SafeText::default(),
        }];
        for (fields, foreign) in [
            (
                "Upgrade: websocket\r\nOrigin: https://192.168.1.20\r\n",
                false,
            ),
            (
                "Upgrade: websocket\r\nOrigin: https://192.168.1.20:8443\r\n",
                false,
            ),
            (
                "Upgrade: websocket\r\nOrigin: https://public.example\r\n",
                true,
            ),
            (
                "upgrade:WebSocket\r\norigin:https://public.example\r\n",
                true,
            ),
            (
                "Origin: https://public.example\r\nUpgrade: h2c, websocket\r\n",
                true,
            ),
            ("Upgrade: websocket\r\nOrigin: null\r\n", true),
            ("Upgrade: websocket\r\nOrigin: \r\n", true),
            (
                "Upgrade: websocket\r\nOrigin: http://192.168.1.20\r\n",
                true,
            ),
            (
                "Upgrade: websocket\r\nOrigin: https://192.168.1.60\r\n",
                true,
            ),
            ("Upgrade: websocket\r\nOrigin: https://[fd00::20]\r\n", true),
            (
                "Upgrade: websocket\r\nOrigin: https://cameras.example\r\n",
                false,
            ),
            (
                "Upgrade: websocket\r\nOrigin: https://a.cameras.example\r\n",
                false,
            ),
            (
                "Upgrade: websocket\r\nOrigin: https://evilcameras.example\r\n",
                true,
            ),
            (
                "Upgrade: websocket\r\nOrigin: http://cameras.example\r\n",
                true,
            ),
            (
                "Upgrade: websocket\r\nOrigin: https://192.168.1.20\r\nOrigin: https://x.example\r\n",
                true,
            ),
            ("Upgrade: websocket\r\n", false),
            ("Origin: https://public.example\r\n", false),
            ("", false),
        ] {
            let head = format!("GET /ws HTTP/1.1\r\nHost: 192.168.1.20\r\n{fields}\r\n");
            let found = is_foreign_socket(head.as_bytes(), &endpoint, &scope(), &allowed);
            assert_eq!(found, foreign, "{fields:?}");
        }
        let v6: Endpoint = "[fd00::20]".parse().unwrap();
        let head = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nOrigin: https://[fd00::20]\r\n\r\n";
        assert!(!is_foreign_socket(head, &v6, &scope(), &allowed));
        let other: Endpoint = "192.168.1.20:8443".parse().unwrap();
        let head =
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nOrigin: https://cameras.example\r\n\r\n";
        assert!(is_foreign_socket(head, &other, &scope(), &allowed));
    }
}
