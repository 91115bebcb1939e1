//! Scope: which hosts are devices of a home, and which are none of Housekey's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::endpoint::Host;

/// How far an address or a name reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Scope {
    /// 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291). No proxy can serve it in Chrome.
    LinkLocal,
    /// A name that only a local network can answer: see [`LOCAL_SUFFIXES`].
    LocalName,
    /// This computer itself.
    Loopback,
    /// RFC 1918 or RFC 4193.
    Private,
    /// Everything that anybody on the internet may own.
    Public,
    /// 100.64.0.0/10 (RFC 6598): an address behind a provider's translation, or of a private overlay.
    Shared,
    /// No host at all: unspecified, multicast, broadcast, reserved, or a cloud's metadata service.
    Unusable,
}

/// What a person may add to the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct ScopeOptions {
    /// Whether addresses of [`Scope::Shared`] count as devices.
    pub shared_address_space: bool,
    /// Names that count as local together with every name below them, such as `fritz.box`.
    /// Lower-case, without a leading or trailing dot.
    pub local_names: Vec<String>,
}

/// The suffixes that no public name can have.
///
/// `local` (RFC 6762), `home.arpa` (RFC 8375), `internal` (reserved by ICANN in 2024), and `lan`,
/// which nobody reserved but which many routers use and the root zone will not delegate.
pub const LOCAL_SUFFIXES: [&str; 4] = ["local", "home.arpa", "internal", "lan"];

impl Scope {
    /// The scope of a host.
    #[must_use]
    pub fn of(host: &Host, options: &ScopeOptions) -> Self {
        match host {
            Host::Ip(address) => Self::of_ip(*address),
            Host::Name(name) if is_local_name(name, options) => Self::LocalName,
            Host::Name(name) if is_below(name, "localhost") => Self::Loopback,
            Host::Name(_) => Self::Public,
        }
    }

    /// The scope of an address, for instance of the one that a name resolved to.
    #[must_use]
    pub fn of_ip(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_ipv4(address),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) => Self::of_ipv4(mapped),
                None => Self::of_ipv6(address),
            },
        }
    }

    fn of_ipv4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [127, ..] => Self::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            // Clouds' metadata services, where no home has a device.
            [169, 254, 169, 254] | [100, 100, 100, 200] => Self::Unusable,
            [169, 254, ..] => Self::LinkLocal,
            [100, 64..=127, ..] => Self::Shared,
            [0 | 224..=255, ..] => Self::Unusable,
            _ => Self::Public,
        }
    }

    /// Translated and tunnelled forms (NAT64 64:ff9b::/96, 6to4 2002::/16) stay public:
    /// they leave the network, whatever address they contain.
    fn of_ipv6(address: Ipv6Addr) -> Self {
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0, 0, 0, 0, 0, 0, ..] | [0xff00..=0xffff, ..] => Self::Unusable,
            [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => {
                Self::Unusable
            }
            [0xfc00..=0xfdff, ..] => Self::Private,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            _ => Self::Public,
        }
    }

    /// Whether a host of this scope is a device: routed to the gateway, asked about, pinned.
    #[must_use]
    pub const fn is_device(self, options: &ScopeOptions) -> bool {
        match self {
            Self::LinkLocal | Self::LocalName | Self::Private => true,
            Self::Shared => options.shared_address_space,
            Self::Loopback | Self::Public | Self::Unusable => false,
        }
    }
}

impl ScopeOptions {
    /// Whether this host is a device.
    #[must_use]
    pub fn is_device(&self, host: &Host) -> bool {
        Scope::of(host, self).is_device(self)
    }

    /// Whether a connection to this address, which may be what a name resolved to, stays at home.
    #[must_use]
    pub fn is_device_address(&self, address: IpAddr) -> bool {
        Scope::of_ip(address).is_device(self)
    }
}

fn is_local_name(name: &str, options: &ScopeOptions) -> bool {
    let added = options.local_names.iter().map(String::as_str);
    // A bare `local` or `lan` is a top-level name, not a host below one.
    LOCAL_SUFFIXES
        .iter()
        .any(|suffix| is_below(name, suffix) && name != *suffix)
        || added.into_iter().any(|added| is_below(name, added))
}

/// Whether a name equals a suffix or ends in it at a label's edge.
fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(host: &str) -> Scope {
        let options = ScopeOptions {
            local_names: vec!["fritz.box".into()],
            ..Default::default()
        };
        Scope::of(&host.parse().unwrap(), &options)
    }

    #[test]
    fn each_range_ends_where_its_rfc_says() {
        for (host, expected) in [
            ("9.255.255.255", Scope::Public),
            ("10.0.0.0", Scope::Private),
            ("10.255.255.255", Scope::Private),
            ("11.0.0.0", Scope::Public),
            ("172.15.255.255", Scope::Public),
            ("172.16.0.0", Scope::Private),
            ("172.31.255.255", Scope::Private),
            ("172.32.0.0", Scope::Public),
            ("192.167.255.255", Scope::Public),
            ("192.168.0.0", Scope::Private),
            ("192.168.255.255", Scope::Private),
            ("192.169.0.0", Scope::Public),
            ("169.254.0.1", Scope::LinkLocal),
            ("169.254.169.254", Scope::Unusable),
            ("100.63.255.255", Scope::Public),
            ("100.64.0.0", Scope::Shared),
            ("100.127.255.255", Scope::Shared),
            ("100.128.0.0", Scope::Public),
            ("127.0.0.1", Scope::Loopback),
            ("0.0.0.0", Scope::Unusable),
            ("224.0.0.251", Scope::Unusable),
            ("255.255.255.255", Scope::Unusable),
            ("8.8.8.8", Scope::Public),
            ("[::1]", Scope::Loopback),
            ("[::]", Scope::Unusable),
            ("[fc00::1]", Scope::Private),
            ("[fdff:ffff::1]", Scope::Private),
            ("[fe00::1]", Scope::Public),
            ("[fe80::1]", Scope::LinkLocal),
            ("[febf::1]", Scope::LinkLocal),
            ("[fec0::1]", Scope::Public),
            ("[ff02::fb]", Scope::Unusable),
            ("[::ffff:192.168.1.1]", Scope::Private),
            ("[::ffff:8.8.8.8]", Scope::Public),
            ("[64:ff9b::192.168.1.1]", Scope::Public),
            ("[2002:c0a8:101::]", Scope::Public),
            // What a rebinding answer may look like, in every spelling.
            ("[64:ff9b::c0a8:101]", Scope::Public),
            ("[64:ff9b:1::192.168.1.1]", Scope::Public),
            ("[2001:0:c0a8:101::1]", Scope::Public),
            ("[::ffff:0:192.168.1.1]", Scope::Public),
            ("[::192.168.1.1]", Scope::Unusable),
            ("[::ffff:127.0.0.1]", Scope::Loopback),
            ("[::ffff:0.0.0.0]", Scope::Unusable),
            ("[::ffff:169.254.169.254]", Scope::Unusable),
            ("[0:0:0:0:0:0:0:1]", Scope::Loopback),
            ("[fd00:ec2::254]", Scope::Unusable),
            ("[fd20:ce::254]", Scope::Unusable),
            ("100.100.100.200", Scope::Unusable),
            ("239.255.255.250", Scope::Unusable),
            ("240.0.0.1", Scope::Unusable),
            ("0", Scope::Unusable),
            ("0.1.2.3", Scope::Unusable),
            ("127.1", Scope::Loopback),
            ("2130706433", Scope::Loopback),
            ("017700000001", Scope::Loopback),
            ("0x7f.1", Scope::Loopback),
            ("0251.0376.0251.0376", Scope::Unusable),
            ("0xa9fea9fe", Scope::Unusable),
            ("134744072", Scope::Public),
            ("0x0a000001", Scope::Private),
            ("012.1", Scope::Private),
            ("10.65535", Scope::Private),
        ] {
            assert_eq!(scope(host), expected, "{host}");
        }
    }

    #[test]
    fn names_are_local_only_at_a_labels_edge() {
        for (host, expected) in [
            ("nas.local", Scope::LocalName),
            ("a.b.home.arpa", Scope::LocalName),
            ("printer.lan", Scope::LocalName),
            ("db.internal", Scope::LocalName),
            ("fritz.box", Scope::LocalName),
            ("www.fritz.box", Scope::LocalName),
            ("evilfritz.box", Scope::Public),
            ("local", Scope::Public),
            ("notlocal", Scope::Public),
            ("nas.local.example.com", Scope::Public),
            ("localhost", Scope::Loopback),
            ("app.localhost", Scope::Loopback),
        ] {
            assert_eq!(scope(host), expected, "{host}");
        }
    }

    #[test]
    fn shared_address_space_is_a_device_only_if_asked_for() {
        let host: Host = "100.64.1.1".parse().unwrap();
        assert!(!ScopeOptions::default().is_device(&host));
        assert!(
            ScopeOptions {
                shared_address_space: true,
                ..Default::default()
            }
            .is_device(&host)
        );
    }
}
