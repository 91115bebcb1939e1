//! Where a browser wants to go: the head of a CONNECT, and the addresses that routing decides by.

use housekey::fuzzing;
use housekey_core::endpoint::{Endpoint, Host};
use housekey_core::protocol::SystemProxy;
use housekey_core::routing::{Routing, device_endpoint};
use housekey_core::scope::ScopeOptions;
use serde::Deserialize;

/// The head of a request to the gateway: only one with the secret opens anything, and what it
/// opens has one spelling.
pub fn connect_head(data: &[u8]) {
    let Some(endpoint) = fuzzing::connect_head(data, "secret") else {
        return;
    };
    is_canonical(&endpoint);
    let other = fuzzing::connect_head(data, "another secret");
    assert_eq!(other, None, "any secret opens it");
}

/// What routing is made of, and addresses to decide about.
#[derive(Deserialize)]
struct Input {
    scope: ScopeOptions,
    proxy: SystemProxy,
    port: u16,
    urls: Vec<String>,
}

/// The routing script and the rules: no text that stands in them becomes script, and no public
/// host becomes a device.
pub fn routing(data: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Input>(data) else {
        return;
    };
    let plain = Routing::new(
        input.port,
        &ScopeOptions::default(),
        &SystemProxy::default(),
    );
    let routing = Routing::new(input.port, &input.scope, &input.proxy);
    assert_eq!(
        skeleton(&routing.pac),
        skeleton(&plain.pac),
        "text became script"
    );
    for url in &input.urls {
        if let Some(endpoint) = device_endpoint(url, &input.scope) {
            is_canonical(&endpoint);
            assert!(input.scope.is_device(endpoint.host()));
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
                c => assert!(!c.is_control(), "a string does not end on its line"),
            }
        }
        skeleton.push('s');
    }
    let lists = skeleton.replace(",s", "").replace("[s]", "[]");
    let lines = lists.lines().filter(|line| !line.contains(".test(host)"));
    lines.collect()
}

fn is_canonical(endpoint: &Endpoint) {
    let text = endpoint.to_string();
    assert_eq!(
        text.parse().as_ref(),
        Ok(endpoint),
        "{text} is read as another one"
    );
}
