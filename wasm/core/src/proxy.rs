//! The proxy that a computer uses without Housekey, and who leads a browser's traffic with it.
//!
//! Where a browser takes one script for all requests, that script has to repeat what was there
//! before. What a script cannot repeat is left as it is, and said.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::tagged::read_tagged;

/// The proxy that the computer used before Housekey, so that what is no device goes on using it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct SystemProxy {
    /// For `http:`, in the words of a PAC script: `PROXY host:port`, `SOCKS5 host:port`.
    pub http: Option<String>,
    /// For `https:`, in the same words.
    pub https: Option<String>,
    /// For `ws:` and `wss:`, in the same words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_socket: Option<String>,
    /// Hosts that go direct, as Chrome writes them: `*.example.org`, `10.0.0.0/8`, `<local>`,
    /// `https://[fd00::1]:8443`
    /// (<https://chromium.googlesource.com/chromium/src/+/HEAD/net/docs/proxy.md#Proxy-bypass-rules>).
    pub bypass: Vec<String>,
    /// Whether it is the other way round, as KDE has it: only those hosts use the proxy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reversed: bool,
    /// What no script can repeat, where the computer's settings are that. Then nothing else is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Automatic>,
}

/// A way to find a proxy that no script can repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Automatic {
    /// The network is asked for it (WPAD).
    Detection,
    /// A script of somebody else's, at an address.
    Script,
}

/// What a browser says of its proxy settings
/// (<https://developer.chrome.com/docs/extensions/reference/api/types#type-LevelOfControl>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ProxyControl {
    /// Nobody has set them.
    ControllableByThisExtension,
    /// Another extension has.
    ControlledByOtherExtensions,
    /// Housekey has.
    ControlledByThisExtension,
    /// Whoever manages the browser has.
    NotControllable,
}

/// Which way a browser sent a request, as Firefox tells
/// (<https://developer.mozilla.org/en-US/docs/Mozilla/Add-ons/WebExtensions/API/proxy/ProxyInfo>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Way {
    /// Without a proxy.
    Direct,
    /// Through a proxy.
    Proxy {
        /// The proxy's name or address.
        host: String,
        /// Its port.
        port: u16,
    },
}

read_tagged!(Way by "type" {
    Direct,
    Proxy { host, port },
});

/// Who leads a browser's traffic instead of Housekey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ProxyHolder {
    /// The computer's settings, which have the network asked for a proxy.
    Detection,
    /// Another extension.
    Extension,
    /// Another extension, which the browser asks after Housekey, as Firefox asks all of them.
    Overruled,
    /// Whoever manages this browser.
    Policy,
    /// The computer's settings, which name a script.
    Script,
    /// Nobody who could be named.
    Unknown,
}

impl ProxyHolder {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 6] = [
        Self::Detection,
        Self::Extension,
        Self::Overruled,
        Self::Policy,
        Self::Script,
        Self::Unknown,
    ];

    /// Who it is, by what the browser and the computer say. `None` if it is Housekey, or if the
    /// browser has said nothing.
    #[must_use]
    pub const fn of(control: Option<ProxyControl>, automatic: Option<Automatic>) -> Option<Self> {
        match (control, automatic) {
            (Some(ProxyControl::ControlledByOtherExtensions), _) => Some(Self::Extension),
            (Some(ProxyControl::NotControllable), _) => Some(Self::Policy),
            (_, Some(Automatic::Detection)) => Some(Self::Detection),
            (_, Some(Automatic::Script)) => Some(Self::Script),
            (Some(ProxyControl::ControllableByThisExtension), None) => Some(Self::Unknown),
            (Some(ProxyControl::ControlledByThisExtension) | None, None) => None,
        }
    }
}

/// Which requests go direct: what [`SystemProxy::bypass`] means to a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bypass {
    /// Regular expressions of `scheme://host:port`, the host without brackets.
    pub(crate) hosts: Vec<String>,
    /// Networks of hosts that are addresses: `10.0.0.0/8`.
    pub(crate) networks: Vec<String>,
}

impl Bypass {
    /// Reads rules. What is none is left out, as in Chrome.
    pub(crate) fn of(rules: &[String]) -> Self {
        let mut bypass = Self::default();
        for rule in rules.iter().take(MAX_RULES) {
            let rule = rule.trim().to_lowercase();
            if rule.len() > MAX_RULE_BYTES {
                continue;
            }
            if let Some(network) = network(&rule) {
                bypass.networks.push(network);
            } else if let Some(host) = host_regex(&rule) {
                bypass.hosts.push(host);
            }
        }
        bypass
    }
}

/// `10.0.0.0/8`, `fd00::/8`: as it was written, if it is one.
fn network(rule: &str) -> Option<String> {
    let (address, length) = rule.split_once('/')?;
    let address: IpAddr = unbracketed(address).parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.parse::<u8>().ok().filter(|it| *it <= most)?;
    Some(format!("{address}/{length}"))
}

/// `[scheme://]pattern[:port]`, as a regular expression.
fn host_regex(rule: &str) -> Option<String> {
    if rule == "<local>" {
        // A name without a dot; addresses of version 6 have none either, but colons.
        return Some(r"^[a-z]+://[^.:]+:\d+$".into());
    }
    let (scheme, rest) = match rule.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", rule),
    };
    if !scheme.chars().all(|c| c.is_ascii_lowercase()) || rest.contains(['/', '<', '>']) {
        return None;
    }
    let (host, port) = match rest.rsplit_once(':') {
        // An address of version 6 without brackets has no port.
        Some(_) if rest.parse::<Ipv6Addr>().is_ok() || rest.ends_with(']') => (rest, None),
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (rest, None),
    };
    let host = unbracketed(host);
    let host = match (host.parse::<IpAddr>(), host.strip_prefix('.')) {
        // As browsers write it.
        (Ok(address), _) => address.to_string(),
        (Err(_), Some(below)) => format!("*.{below}"),
        (Err(_), None) => host.to_owned(),
    };
    if host.is_empty() || host.matches('*').count() > MAX_WILDCARDS {
        return None;
    }
    let scheme = if scheme.is_empty() { "[a-z]+" } else { scheme };
    let port = port.map_or_else(|| r"\d+".to_owned(), |port| port.to_string());
    let mut regex = format!("^{scheme}://");
    for c in host.chars() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push_str(".?"),
            _ => {
                if r"\^$.+()[]{}|".contains(c) {
                    regex.push('\\');
                }
                regex.push(c);
            }
        }
    }
    regex.push_str(&format!(":{port}$"));
    Some(regex)
}

fn unbracketed(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// Chrome knows no limit, and nobody has come near these.
const MAX_RULES: usize = 1_000;
const MAX_RULE_BYTES: usize = 255;
/// Each of them multiplies the work of matching.
const MAX_WILDCARDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: &str) -> Bypass {
        Bypass::of(&[rule.to_owned()])
    }

    #[test]
    fn a_rule_is_read_as_chrome_reads_it() {
        for (rule, host) in [
            ("Example.org", r"^[a-z]+://example\.org:\d+$"),
            (".example.org", r"^[a-z]+://.*\.example\.org:\d+$"),
            ("*example.org:99", r"^[a-z]+://.*example\.org:99$"),
            ("https://x.*.y.com:99", r"^https://x\..*\.y\.com:99$"),
            ("[0:0::1]", r"^[a-z]+://::1:\d+$"),
            ("fd00::1", r"^[a-z]+://fd00::1:\d+$"),
            ("http://[fd00::1]:99", "^http://fd00::1:99$"),
            ("192.168.1.1", r"^[a-z]+://192\.168\.1\.1:\d+$"),
            ("*", r"^[a-z]+://.*:\d+$"),
            ("a(b|c)+", r"^[a-z]+://a\(b\|c\)\+:\d+$"),
        ] {
            assert_eq!(read(rule).hosts, [host], "{rule}");
        }
        for network in ["10.0.0.0/8", "fd00::/8", "192.168.1.77/32"] {
            assert_eq!(read(network).networks, [network]);
        }
        assert_eq!(read("[FD00::]/8").networks, ["fd00::/8"]);
    }

    #[test]
    fn what_is_no_rule_is_left_out() {
        let long = "a".repeat(MAX_RULE_BYTES + 1);
        for rule in [
            "",
            "/",
            "10.0.0.0/33",
            "x/8",
            "a:b",
            "a:70000",
            "<-loopback>",
            "1x://a",
            "*******a",
            &long,
        ] {
            assert_eq!(read(rule), Bypass::default(), "{rule}");
        }
    }

    #[test]
    fn the_holder_is_named() {
        use {Automatic as A, ProxyControl as C, ProxyHolder as H};
        for (control, automatic, holder) in [
            (None, None, None),
            (None, Some(A::Script), Some(H::Script)),
            (Some(C::ControlledByThisExtension), None, None),
            (Some(C::ControllableByThisExtension), None, Some(H::Unknown)),
            (
                Some(C::ControllableByThisExtension),
                Some(A::Detection),
                Some(H::Detection),
            ),
            (
                Some(C::ControlledByOtherExtensions),
                Some(A::Script),
                Some(H::Extension),
            ),
            (Some(C::NotControllable), None, Some(H::Policy)),
        ] {
            assert_eq!(ProxyHolder::of(control, automatic), holder);
        }
    }
}
