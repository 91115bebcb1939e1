//! Routing: which traffic goes through the gateway, and which traffic no page may cause.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, Host};
use crate::proxy::{Bypass, SystemProxy};
use crate::scope::{LOCAL_SUFFIXES, ScopeOptions};
use crate::site::Allowance;

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

/// A `declarativeNetRequest` rule, as browsers take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Rule {
    /// Number of the rule, from 1.
    pub id: u32,
    /// Of the rules that a request meets, those of the highest priority count.
    pub priority: u32,
    /// What happens to it.
    pub action: RuleAction,
    /// Which requests it is about.
    pub condition: RuleCondition,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum RuleAction {
    /// Lets the request pass.
    Allow,
    /// Ends it.
    Block,
    /// Turns `http:` into `https:`.
    UpgradeScheme,
}

/// Which requests a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct RuleCondition {
    /// Those whose URL matches this (RE2 in Chrome, ECMAScript in Firefox).
    ///
    /// Chrome refuses all rules where one's expression takes more than two kilobytes when it is
    /// compiled, so no name stands in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex_filter: Option<String>,
    /// Those to these hosts, or to names below them. A name that ends in a dot is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_domains: Option<Vec<String>>,
    /// Those whose URL begins with what follows a `|` here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_filter: Option<String>,
    /// Those between two sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_type: Option<DomainType>,
    /// Those of pages at these hosts, or at names below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator_domains: Option<Vec<String>>,
    /// Those of pages anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_initiator_domains: Option<Vec<String>>,
    /// Those of these types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_types: Option<Vec<ResourceType>>,
    /// Those of every other type there is, and every type to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded_resource_types: Option<Vec<ResourceType>>,
}

/// Between whom a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum DomainType {
    /// Two sites.
    ThirdParty,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub enum ResourceType {
    /// A top-level page.
    MainFrame,
    /// A page in a frame.
    SubFrame,
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

fn numbered(rules: impl Iterator<Item = (u32, RuleAction, RuleCondition)>) -> Vec<Rule> {
    let rules = (1..).zip(rules);
    let rules = rules.map(|(id, (priority, action, condition))| Rule {
        id,
        priority,
        action,
        condition,
    });
    rules.collect()
}

/// Whether a URL is one that Housekey routes.
#[must_use]
pub fn device_endpoint(url: &str, scope: &ScopeOptions) -> Option<Endpoint> {
    Endpoint::from_url(url)
        .ok()
        .filter(|endpoint| scope.is_device(endpoint.host()))
}

/// Rules that give back what Local Network Access loses behind a proxy on loopback:
/// no page makes a request to a device but the device's own pages.
/// Navigations stay, as they do in Local Network Access.
///
/// These are the conditions of rules that block. Requests to a device from another site meet one,
/// of every type but the top-level document. Where a person added a name, pages at that name and
/// below are at home, but a public page of the same site is not.
#[must_use]
pub fn block_rules(scope: &ScopeOptions) -> Vec<RuleCondition> {
    let addresses = if scope.shared_address_space {
        [IPV4_REGEX, SHARED_REGEX, IPV6_REGEX].as_slice()
    } else {
        [IPV4_REGEX, IPV6_REGEX].as_slice()
    };
    let names = LOCAL_SUFFIXES
        .iter()
        .map(|suffix| format!(r"[^/:]+\.{}\.?", suffix.replace('.', r"\.")));
    let hosts = addresses.iter().map(|regex| (*regex).to_owned());
    // A user name in front of the host changes nothing about where a request goes.
    let others = hosts.chain(names).map(|host| RuleCondition {
        domain_type: Some(DomainType::ThirdParty),
        ..but_pages(&format!("^(?:https|wss)://(?:[^/@]*@)?{host}[:/]"))
    });
    let added = scope.local_names.iter().map(|name| RuleCondition {
        excluded_initiator_domains: Some(vec![name.clone()]),
        request_domains: Some(with_dot(name)),
        ..but_pages("^(?:https|wss)://")
    });
    others.chain(added).collect()
}

fn but_pages(regex: &str) -> RuleCondition {
    RuleCondition {
        regex_filter: Some(regex.to_owned()),
        excluded_resource_types: Some(vec![ResourceType::MainFrame]),
        ..RuleCondition::default()
    }
}

/// A host, and a name with the root's dot besides. No address has one, and Firefox refuses all
/// rules where there seems to be.
fn with_dot(host: &str) -> Vec<String> {
    let is_name = host.parse::<Ipv4Addr>().is_err();
    let dotted = is_name.then(|| format!("{host}."));
    [Some(host.to_owned()), dotted]
        .into_iter()
        .flatten()
        .collect()
}

/// Rules for the sites that a person lets reach a device: exactly that endpoint, and only that site
/// with the names below it, which is as narrow as browsers can tell initiators apart.
///
/// They cannot tell `http:` from `https:` there. So that nobody on the way can write pages of an
/// allowed site, its pages are asked for by `https:` only.
fn site_rules(allowed: &[Allowance]) -> Vec<(u32, RuleAction, RuleCondition)> {
    let pairs = allowed.iter().flat_map(|it| {
        let origin = it.endpoint.origin();
        let socket = origin.replacen("https:", "wss:", 1);
        // An asterisk may be part of a name, and would be anything here.
        let places = [origin, socket].into_iter().filter(|it| !it.contains('*'));
        places.map(|place| {
            let condition = RuleCondition {
                url_filter: Some(format!("|{place}/")),
                initiator_domains: Some(vec![it.site.to_string()]),
                excluded_resource_types: Some(vec![ResourceType::MainFrame]),
                ..RuleCondition::default()
            };
            (ALLOWS, RuleAction::Allow, condition)
        })
    });
    let sites: BTreeSet<_> = allowed.iter().map(|it| &it.site).collect();
    let secure = sites.into_iter().map(|site| {
        let condition = RuleCondition {
            request_domains: Some(with_dot(site.as_str())),
            url_filter: Some("|http:".to_owned()),
            resource_types: Some(vec![ResourceType::MainFrame, ResourceType::SubFrame]),
            ..RuleCondition::default()
        };
        (UPGRADES, RuleAction::UpgradeScheme, condition)
    });
    pairs.chain(secure).collect()
}

/// A proxy auto-configuration script which sends devices to the gateway, without a way round it,
/// and everything else where it went before.
fn pac(port: u16, scope: &ScopeOptions, system: &SystemProxy) -> String {
    let mut v4 = vec![IPV4_REGEX];
    if scope.shared_address_space {
        v4.push(SHARED_REGEX);
    }
    let suffixes: Vec<String> = LOCAL_SUFFIXES
        .iter()
        .map(|suffix| format!(".{suffix}"))
        .collect();
    let bypass = Bypass::of(&system.bypass);
    let or_direct = |proxy: Option<&String>| proxy.map_or("DIRECT", String::as_str).to_owned();
    // Everything that comes from outside is a JSON string here, and so never script.
    let json = |value: &dyn erased::Json| value.json();
    format!(
        r#"function FindProxyForURL(url, host) {{
  var secure = url.substring(0, 6) === "https:" || url.substring(0, 4) === "wss:";
  host = host.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.$/, "");
  function below(name) {{
    return host === name || host.slice(-name.length - 1) === "." + name;
  }}
  if (secure) {{
    if (/^(?:{v4})$/.test(host)) return {gateway};
    if (/^(?:{v6})$/.test(host)) return {gateway};
    var suffixes = {suffixes};
    for (var i = 0; i < suffixes.length; i++) {{
      if (host.length > suffixes[i].length && host.slice(-suffixes[i].length) === suffixes[i]) {{
        return {gateway};
      }}
    }}
    var added = {added};
    for (var j = 0; j < added.length; j++) if (below(added[j])) return {gateway};
  }}
  var scheme = url.slice(0, url.indexOf(":"));
  var port = /^[a-z]+:\/\/[^\/]*?:(\d+)(?:\/|$)/.exec(url);
  var place = scheme + "://" + host + ":" + (port ? port[1] : secure ? "443" : "80");
  var direct = false;
  var hosts = {hosts};
  for (var k = 0; k < hosts.length; k++) if (new RegExp(hosts[k]).test(place)) direct = true;
  var networks = {networks};
  if (/^[\d.]+$|:/.test(host)) {{
    for (var l = 0; l < networks.length; l++) if (isInNetEx(host, networks[l])) direct = true;
  }}
  if (direct !== ({reversed} === "reversed")) return "DIRECT";
  if (scheme === "ws" || scheme === "wss") return {web_socket};
  return secure ? {https} : {http};
}}
"#,
        v4 = v4.join("|"),
        v6 = IPV6_BARE_REGEX,
        gateway = json(&format!("PROXY 127.0.0.1:{port}")),
        suffixes = json(&suffixes),
        added = json(&scope.local_names),
        hosts = json(&bypass.hosts),
        networks = json(&bypass.networks),
        reversed = json(&if system.reversed { "reversed" } else { "" }),
        web_socket = json(&or_direct(system.web_socket.as_ref())),
        https = json(&or_direct(system.https.as_ref())),
        http = json(&or_direct(system.http.as_ref())),
    )
}

mod erased {
    /// What stands in the script as a JSON literal, which is also a JavaScript one.
    pub(super) trait Json {
        fn json(&self) -> String;
    }

    impl<T: serde::Serialize> Json for T {
        /// Strings and lists of strings always have a JSON form;
        /// an empty list, were it otherwise, would route less and never more.
        fn json(&self) -> String {
            serde_json::to_string(self).unwrap_or_else(|_| "[]".into())
        }
    }
}

/// Browsers have made every spelling of an IPv4 address a dotted quad before this is asked.
const IPV4_REGEX: &str = r"(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)(?:\.\d{1,3}){2,3}";
const SHARED_REGEX: &str = r"100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])(?:\.\d{1,3}){2}";
const IPV6_REGEX: &str = r"\[(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]+\]";
const IPV6_BARE_REGEX: &str = r"(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]+";

/// What a person allowed counts more than what is blocked, and nothing more than a page's safe way.
const BLOCKS: u32 = 1;
const ALLOWS: u32 = 2;
const UPGRADES: u32 = 3;

/// Whether a challenge for credentials comes from the gateway itself.
///
/// Anything else that asks, be it a site or the person's own proxy, never hears the secret.
#[must_use]
pub fn is_gateway(challenger: &Host, challenger_port: u16, gateway_port: u16) -> bool {
    challenger_port == gateway_port && challenger.bare() == "127.0.0.1"
}

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

    #[test]
    fn what_comes_from_outside_stays_a_string_in_the_script() {
        let hostile = "\"; alert(1); \"".to_owned();
        let scope = ScopeOptions {
            local_names: vec![hostile.clone()],
            ..Default::default()
        };
        let system = SystemProxy {
            http: Some(hostile.clone()),
            https: Some(hostile.clone()),
            web_socket: Some(hostile.clone()),
            bypass: vec![hostile.clone()],
            ..SystemProxy::default()
        };
        let pac = pac(1, &scope, &system);
        assert_eq!(pac.matches("alert(1)").count(), 4);
        assert_eq!(pac.matches(r#"\"; alert(1); \""#).count(), 4);
    }

    #[test]
    fn an_added_name_has_its_rule() {
        let scope = ScopeOptions {
            local_names: vec!["fritz.box".into()],
            shared_address_space: true,
        };
        let rules = Routing::new(1, &scope, &SystemProxy::default(), &[]).rules;
        let last = rules.last().unwrap();
        let both = Some(vec!["fritz.box".to_owned(), "fritz.box.".to_owned()]);
        assert_eq!(last.condition.request_domains, both);
        let secure = last.condition.regex_filter.as_deref();
        assert_eq!(secure, Some("^(?:https|wss)://"));
        // Pages at home are no strangers there, whatever else is of the same site.
        let home = Some(vec!["fritz.box".to_owned()]);
        assert_eq!(last.condition.excluded_initiator_domains, home);
        assert_eq!(last.condition.domain_type, None);
        assert_eq!(
            rules.iter().map(|rule| rule.id).collect::<Vec<_>>(),
            (1..=8).collect::<Vec<_>>()
        );
        let blocks = |rule: &Rule| rule.action == RuleAction::Block && rule.priority == BLOCKS;
        assert!(rules.iter().all(blocks));
    }

    #[test]
    fn no_name_stands_in_an_expression() {
        let names = ["a(b*$+{c}.example", &"long.".repeat(40)].map(str::to_owned);
        let scope = ScopeOptions {
            local_names: names.to_vec(),
            ..Default::default()
        };
        let mut allowed = Vec::new();
        for name in &names {
            let (endpoint, site) = (name.parse().unwrap(), name.parse().unwrap());
            let (since, name) = (crate::time::Timestamp(0), crate::text::SafeText::default());
            allowed.push(Allowance {
                site,
                endpoint,
                since,
                name,
            });
        }
        let with = Routing::new(1, &scope, &SystemProxy::default(), &allowed);
        let without = Routing::new(1, &ScopeOptions::default(), &SystemProxy::default(), &[]);
        let expressions = |routing: &Routing| {
            let rules = routing.rules.iter();
            let all = rules.filter_map(|rule| rule.condition.regex_filter.clone());
            all.collect::<BTreeSet<_>>()
        };
        let mut expected = expressions(&without);
        expected.insert("^(?:https|wss)://".to_owned());
        assert_eq!(expressions(&with), expected);
        // Where an asterisk would stand for any name, there is no rule that lets anybody in.
        let filters = with
            .rules
            .iter()
            .filter_map(|it| it.condition.url_filter.as_deref());
        assert!(filters.clone().all(|it| !it.contains('*')));
        assert_eq!(filters.filter(|it| it.contains("long")).count(), 2);
    }

    #[test]
    fn an_allowed_site_reaches_one_endpoint_and_no_more() {
        let allowance = |site: &str, endpoint: &str| Allowance {
            site: site.parse().unwrap(),
            endpoint: endpoint.parse().unwrap(),
            since: crate::time::Timestamp(0),
            name: crate::text::SafeText::default(),
        };
        let allowed = [
            allowance("cameras.example", "192.168.1.20"),
            allowance("cameras.example", "nas.local:8443"),
            allowance("192.168.1.60", "[fd00::20]"),
        ];
        let rules = site_rules(&allowed);
        let allows = |(priority, action, condition): &(u32, RuleAction, RuleCondition)| {
            (*priority == ALLOWS && *action == RuleAction::Allow).then(|| {
                let initiators = condition.initiator_domains.clone().unwrap();
                (initiators.join(" "), condition.url_filter.clone().unwrap())
            })
        };
        let pairs: Vec<_> = rules.iter().filter_map(allows).collect();
        let expected = [
            ("cameras.example", "|https://192.168.1.20/"),
            ("cameras.example", "|wss://192.168.1.20/"),
            ("cameras.example", "|https://nas.local:8443/"),
            ("cameras.example", "|wss://nas.local:8443/"),
            ("192.168.1.60", "|https://[fd00::20]/"),
            ("192.168.1.60", "|wss://[fd00::20]/"),
        ];
        let expected = expected.map(|(site, filter)| (site.to_owned(), filter.to_owned()));
        assert_eq!(pairs, expected);
        // Each site once.
        let secure = rules.iter().filter(|it| it.1 == RuleAction::UpgradeScheme);
        let secure = secure.map(|it| it.2.request_domains.clone().unwrap().join(" "));
        let secure: Vec<_> = secure.collect();
        assert_eq!(secure, ["192.168.1.60", "cameras.example cameras.example."]);
    }
}
