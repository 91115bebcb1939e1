//! Routing: which traffic goes through the gateway, and which traffic no page may cause.

use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, Host};
use crate::proxy::{Bypass, SystemProxy};
use crate::scope::{LOCAL_SUFFIXES, ScopeOptions};

/// How the browser sends traffic while Housekey is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct Routing {
    /// A proxy auto-configuration script, for browsers that take one.
    pub pac: String,
    /// `declarativeNetRequest` rules: see [`block_rules`].
    pub rules: Vec<BlockRule>,
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

/// A blocking `declarativeNetRequest` rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
pub struct BlockRule {
    /// Number of the rule, from 1.
    pub id: u32,
    /// Requests whose URL matches this (RE2 in Chrome, ECMAScript in Firefox).
    pub regex_filter: String,
    /// Whether every such request is blocked, and not only those of other sites' pages.
    pub all: bool,
}

impl Routing {
    /// The routing through a gateway at this port.
    #[must_use]
    pub fn new(port: u16, scope: &ScopeOptions, system: &SystemProxy) -> Self {
        Self {
            pac: pac(port, scope, system),
            rules: block_rules(scope),
        }
    }

    /// The same, but no request comes to any device.
    #[must_use]
    pub fn closed(mut self) -> Self {
        for rule in &mut self.rules {
            rule.all = true;
        }
        self
    }
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
/// A rule blocks third-party requests of every type but the top-level document.
#[must_use]
pub fn block_rules(scope: &ScopeOptions) -> Vec<BlockRule> {
    let addresses = if scope.shared_address_space {
        [IPV4_REGEX, SHARED_REGEX, IPV6_REGEX].as_slice()
    } else {
        [IPV4_REGEX, IPV6_REGEX].as_slice()
    };
    let names = LOCAL_SUFFIXES
        .iter()
        .map(|suffix| format!(r"[^/:]+\.{}\.?", escaped(suffix)));
    let added = scope
        .local_names
        .iter()
        .map(|name| format!(r"(?:[^/:]+\.)?{}\.?", escaped(name)));
    let hosts = addresses
        .iter()
        .map(|regex| (*regex).to_owned())
        .chain(names)
        .chain(added);
    (1..)
        .zip(hosts)
        .map(|(id, host)| BlockRule {
            id,
            // A user name in front of the host changes nothing about where the request goes.
            all: false,
            regex_filter: format!("^(?:https|wss)://(?:[^/@]*@)?{host}[:/]"),
        })
        .collect()
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

/// Names may hold more of what a regular expression takes for itself than dots, and browsers
/// refuse every rule where one of them is none.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if r"\^$.*+?()[]{}|".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Browsers have made every spelling of an IPv4 address a dotted quad before this is asked.
const IPV4_REGEX: &str = r"(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)(?:\.\d{1,3}){2,3}";
const SHARED_REGEX: &str = r"100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])(?:\.\d{1,3}){2}";
const IPV6_REGEX: &str = r"\[(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]+\]";
const IPV6_BARE_REGEX: &str = r"(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]+";

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
        let rules = block_rules(&scope);
        assert_eq!(
            rules.last().unwrap().regex_filter,
            r"^(?:https|wss)://(?:[^/@]*@)?(?:[^/:]+\.)?fritz\.box\.?[:/]"
        );
        assert_eq!(
            rules.iter().map(|rule| rule.id).collect::<Vec<_>>(),
            (1..=8).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_name_is_never_an_expression() {
        let scope = ScopeOptions {
            local_names: vec!["a(b*$+{c}.example".into()],
            ..Default::default()
        };
        let rules = block_rules(&scope);
        assert!(
            rules
                .last()
                .is_some_and(|rule| rule.regex_filter.contains(r"a\(b\*\$\+\{c\}\.example\.?"))
        );
    }
}
