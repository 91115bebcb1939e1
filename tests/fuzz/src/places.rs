//! Where a browser wants to go: the script and the rules that routing decides by.

use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::proxy::SystemProxy;
use housekey_core::routing::{Routing, block_rules, device_endpoint};
use housekey_core::scope::ScopeOptions;
use regex::bytes::RegexBuilder;
use serde::Deserialize;
use url::Url;

/// What routing is made of, and addresses to decide about.
#[derive(Deserialize)]
struct Input {
    scope: ScopeOptions,
    proxy: SystemProxy,
    port: u16,
    urls: Vec<String>,
}

/// The routing script and the rules: no text that stands in them becomes script, no public host
/// becomes a device, and no device is left out by the rules.
pub fn routing(data: &[u8]) {
    let Ok(mut input) = serde_json::from_slice::<Input>(data) else {
        return;
    };
    is_only_a_string(&input.scope, &input.proxy, input.port);

    // Names that a person adds are only ever written down like this.
    let names = input.scope.local_names.iter();
    let names = names.filter_map(|name| match name.parse() {
        Ok(Host::Name(name)) => Some(name),
        _ => None,
    });
    input.scope.local_names = names.collect();
    let rules: Vec<_> = block_rules(&input.scope)
        .iter()
        .map(|rule| {
            let regex = rule.regex_filter.as_deref().unwrap_or_default();
            let regex = RegexBuilder::new(regex).unicode(false).build();
            let regex =
                regex.unwrap_or_else(|error| panic!("browsers refuse all rules for one: {error}"));
            (regex, rule.request_domains.clone())
        })
        .collect();
    for url in &input.urls {
        if let Some(endpoint) = device_endpoint(url, &input.scope) {
            is_canonical(&endpoint);
            assert!(input.scope.is_device(endpoint.host()));
            // As a browser writes it before it looks at rules.
            let shown = Url::parse(url).ok();
            let host = shown.as_ref().and_then(Url::host_str).unwrap_or_default();
            let shown = shown.as_ref().map(Url::as_str).unwrap_or_default();
            let is_below = |domain: &String| {
                let above = host.strip_suffix(domain.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            };
            let blocked = rules.iter().any(|(regex, domains)| {
                let domains = domains.as_ref();
                regex.is_match(shown.as_bytes())
                    && domains.is_none_or(|all| all.iter().any(is_below))
            });
            assert!(blocked, "{shown} is a device and no rule says so");
        }
        // Without anything that the person added, only addresses and names that are nobody's.
        let plain = device_endpoint(url, &ScopeOptions::default());
        if let Some(Host::Name(name)) = plain.as_ref().map(Endpoint::host) {
            let local = ["local", "home.arpa", "internal", "lan"];
            let mut local = local.iter();
            assert!(local.any(|it| name.strip_suffix(it).is_some_and(|it| it.ends_with('.'))));
        }
    }
}

/// Whatever stands in the scope and the proxy.
pub(crate) fn is_only_a_string(scope: &ScopeOptions, proxy: &SystemProxy, port: u16) {
    let plain = Routing::new(port, &ScopeOptions::default(), &SystemProxy::default(), &[]);
    assert_eq!(
        skeleton(&Routing::new(port, scope, proxy, &[]).pac),
        skeleton(&plain.pac),
        "text became script"
    );
}

/// A script without its strings, its regular expressions, and how long its lists are.
fn skeleton(script: &str) -> String {
    let mut skeleton = String::new();
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        if c != '"' {
            skeleton.push(c);
            continue;
        }
        while let Some(c) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '"' => break,
                c => assert!(c >= ' ', "a string does not end on its line"),
            }
        }
        skeleton.push('s');
    }
    let lists = skeleton.replace(",s", "").replace("[s]", "[]");
    let lines = lists
        .lines()
        .filter(|line| !line.contains(".test(host)) return"));
    lines.collect()
}

pub(crate) fn is_canonical(endpoint: &Endpoint) {
    let text = endpoint.to_string();
    assert_eq!(
        text.parse().as_ref(),
        Ok(endpoint),
        "{text} is read as another one"
    );
}
