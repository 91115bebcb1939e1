//! Routing: which traffic goes through the gateway, and which traffic no page may cause.

mod pac;
mod rules;

use serde::{Deserialize, Serialize};

use self::pac::pac;
use self::rules::{BLOCKS, numbered, site_rules};
use crate::endpoint::{Endpoint, Host};
use crate::proxy::SystemProxy;
use crate::scope::ScopeOptions;
use crate::site::Allowance;

pub use self::rules::{DomainType, ResourceType, Rule, RuleAction, RuleCondition, block_rules};

/// How the browser sends traffic while Housekey is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Routing {
    /// A proxy auto-configuration script, for browsers that take one.
    pub pac: String,
    /// `declarativeNetRequest` rules: see [`block_rules`] and [`site_rules`].
    pub rules: Vec<Rule>,
    /// Whether no request comes to any device, not even a person's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// Where one request goes, for browsers that ask about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum Route {
    /// Nowhere: it is for a device, and there is no gateway to check it.
    Closed,
    /// Through the gateway.
    Gateway {
        /// Its port on 127.0.0.1.
        port: u16,
    },
    /// As if Housekey were not there.
    Pass,
    /// It is for a device and the gateway is being started: ask again when something happened.
    Wait,
}

impl Routing {
    /// The routing through a gateway at this port.
    #[must_use]
    pub fn new(
        port: u16,
        scope: &ScopeOptions,
        system: &SystemProxy,
        allowed: &[Allowance],
    ) -> Self {
        let conditions = block_rules(scope).into_iter();
        let blocks = conditions.map(|it| (BLOCKS, RuleAction::Block, it));
        Self {
            pac: pac(port, scope, system),
            rules: numbered(blocks.chain(site_rules(allowed))),
            closed: false,
        }
    }

    /// The same, but no request comes to any device: none of a site that may reach one, and no page.
    #[must_use]
    pub fn closed(self) -> Self {
        let blocks = self.rules.into_iter();
        let blocks = blocks.filter(|rule| rule.action == RuleAction::Block);
        let conditions = blocks.flat_map(|rule| {
            let every = RuleCondition {
                regex_filter: rule.condition.regex_filter,
                request_domains: rule.condition.request_domains,
                ..RuleCondition::default()
            };
            let pages = Some(vec![ResourceType::MainFrame]);
            let others = RuleCondition {
                excluded_resource_types: pages.clone(),
                ..every.clone()
            };
            let pages = RuleCondition {
                resource_types: pages,
                ..every
            };
            [others, pages]
        });
        Self {
            pac: self.pac,
            rules: numbered(conditions.map(|it| (BLOCKS, RuleAction::Block, it))),
            closed: true,
        }
    }
}

/// Whether a URL is one that Housekey routes.
#[must_use]
pub fn device_endpoint(url: &str, scope: &ScopeOptions) -> Option<Endpoint> {
    Endpoint::from_url(url)
        .ok()
        .filter(|endpoint| scope.is_device(endpoint.host()))
}

/// Whether a challenge for credentials comes from the gateway itself.
///
/// Anything else that asks, be it a site or the person's own proxy, never hears the secret.
#[must_use]
pub fn is_gateway(challenger: &Host, challenger_port: u16, gateway_port: u16) -> bool {
    challenger_port == gateway_port && challenger.bare() == "127.0.0.1"
}

/// Browsers have made every spelling of an IPv4 address a dotted quad before this is asked.
const IPV4_REGEX: &str = r"(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)(?:\.\d{1,3}){2,3}";
const SHARED_REGEX: &str = r"100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])(?:\.\d{1,3}){2}";
const IPV6_REGEX: &str = r"\[(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]+\]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secure_addresses_of_devices_are_routed() {
        let scope = ScopeOptions::default();
        assert!(device_endpoint("https://192.168.1.20/x", &scope).is_some());
        assert!(device_endpoint("wss://nas.local/x", &scope).is_some());
        assert!(device_endpoint("https://user:word@192.168.1.20/", &scope).is_some());
        for url in [
            "https://[::ffff:192.168.1.20]/",
            "http://192.168.1.20/",
            "https://8.8.8.8/",
            "https://example.com/",
            "about:blank",
        ] {
            assert_eq!(device_endpoint(url, &scope), None, "{url}");
        }
    }

    /// Whatever a browser connects to, however much stands around it.
    #[test]
    fn nothing_is_too_long_to_be_routed() {
        let scope = ScopeOptions::default();
        let much = "a".repeat(2_000_000);
        for url in [
            format!("https://192.168.1.20/{much}"),
            format!("wss://192.168.1.20?{much}"),
            format!("https://192.168.1.20/#{much}"),
            format!("https://{much}:{much}@192.168.1.20/"),
        ] {
            let endpoint = device_endpoint(&url, &scope).map(|it| it.to_string());
            assert_eq!(
                endpoint.as_deref(),
                Some("192.168.1.20:443"),
                "{}",
                &url[..40]
            );
        }
        for url in [
            format!("https://example.com/https://192.168.1.20/{much}"),
            format!("https://192.168.1.20@example.com/{much}"),
            format!("https://{much}/"),
        ] {
            assert_eq!(device_endpoint(&url, &scope), None, "{}", &url[..40]);
        }
    }
}
