//! The script by which a browser finds a proxy.

use super::{IPV4_REGEX, SHARED_REGEX};
use crate::proxy::{Bypass, SystemProxy};
use crate::scope::{LOCAL_SUFFIXES, ScopeOptions};

/// A proxy auto-configuration script which sends devices to the gateway, without a way round it,
/// and everything else where it went before.
pub(super) fn pac(port: u16, scope: &ScopeOptions, system: &SystemProxy) -> String {
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

const IPV6_BARE_REGEX: &str = r"(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]+";

#[cfg(test)]
mod tests {
    use super::*;

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
}
