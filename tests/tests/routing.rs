//! The script that a browser routes by, run.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use housekey_core::proxy::SystemProxy;
use housekey_core::routing::Routing;
use housekey_core::scope::ScopeOptions;
use serde_json::json;

/// What Chrome gives to such scripts and Node.js has under another name.
const CHROME: &str = "
    const { BlockList, isIP } = require('node:net');
    const type = (ip) => (isIP(ip) === 6 ? 'ipv6' : 'ipv4');
    globalThis.isInNetEx = (ip, network) => {
        const [address, length] = network.split('/');
        if (isIP(ip) === 0 || type(ip) !== type(address)) return false;
        const list = new BlockList();
        list.addSubnet(address, Number(length), type(address));
        return list.check(ip, type(ip));
    };";

/// Where the script of this proxy sends each of these addresses, as Chrome asks it: without path,
/// query or fragment for what is secure.
fn ways(proxy: &SystemProxy, urls: &[&str]) -> Vec<String> {
    let scope = ScopeOptions {
        local_names: vec!["fritz.box".into()],
        ..ScopeOptions::default()
    };
    let pac = Routing::new(4433, &scope, proxy, &[]).pac;
    let script = format!(
        "{CHROME}\n{pac}\nconst urls = {};
        console.log(JSON.stringify(urls.map((url) => FindProxyForURL(url, new URL(url).hostname))));",
        json!(urls)
    );
    let mut node = Command::new("node")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is there; `cargo xtask setup` brings it");
    let mut input = node.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn everything_goes_where_it_belongs() {
    let proxy = SystemProxy {
        http: Some("PROXY http:1".into()),
        https: Some("PROXY https:2".into()),
        web_socket: Some("SOCKS5 socket:3".into()),
        bypass: [
            "*.corp",
            "exact.example",
            "10.0.0.0/8",
            "2001:db8::/32",
            "<local>",
            "port.example:8443",
            "http://scheme.example",
            "203.0.113.7",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..SystemProxy::default()
    };
    let gateway = "PROXY 127.0.0.1:4433";
    let cases = [
        // Devices, whatever the rules say.
        ("https://192.168.1.20/", gateway),
        ("https://10.1.2.3/", gateway),
        ("https://10.1.2.3:8443/", gateway),
        ("wss://nas.local/", gateway),
        ("https://fritz.box/", gateway),
        ("https://[fd00::20]/", gateway),
        // Not secure, so none of Housekey's.
        ("http://192.168.1.20/", "PROXY http:1"),
        ("http://10.1.2.3/", "DIRECT"),
        // Everything else.
        ("http://example.org/", "PROXY http:1"),
        ("https://example.org/", "PROXY https:2"),
        ("ws://example.org/", "SOCKS5 socket:3"),
        ("wss://example.org/", "SOCKS5 socket:3"),
        ("https://a.corp/", "DIRECT"),
        ("https://corp/", "DIRECT"),
        ("https://acorp.example/", "PROXY https:2"),
        ("https://exact.example/", "DIRECT"),
        ("https://EXACT.example:99/", "DIRECT"),
        ("https://not.exact.example/", "PROXY https:2"),
        ("https://exact.example.org/", "PROXY https:2"),
        ("https://[2001:db8::1]/", "DIRECT"),
        ("https://[2001:db9::1]/", "PROXY https:2"),
        ("https://203.0.113.7/", "DIRECT"),
        ("https://203.0.113.70/", "PROXY https:2"),
        ("https://intranet/", "DIRECT"),
        ("https://port.example/", "PROXY https:2"),
        ("https://port.example:8443/", "DIRECT"),
        ("http://scheme.example/", "DIRECT"),
        ("https://scheme.example/", "PROXY https:2"),
    ];
    let urls = cases.map(|(url, _)| url);
    assert_eq!(ways(&proxy, &urls), cases.map(|(_, way)| way));

    let reversed = SystemProxy {
        reversed: true,
        ..proxy
    };
    let urls = [
        "https://a.corp/",
        "https://example.org/",
        "https://10.1.2.3/",
    ];
    assert_eq!(ways(&reversed, &urls), ["PROXY https:2", "DIRECT", gateway]);
    let none = SystemProxy::default();
    let urls = ["https://example.org/", "ws://example.org/"];
    assert_eq!(ways(&none, &urls), ["DIRECT", "DIRECT"]);
}

/// Settings are somebody's text. A rule that is slow to compare would hold every request up.
#[test]
fn no_rule_holds_requests_up() {
    let hostile = SystemProxy {
        https: Some("PROXY https:2".into()),
        bypass: [
            "*a*a*a*a",
            "*?*?*?*?x",
            "(a+)+$",
            "\"; throw 1; \"",
            "\u{2028}",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..SystemProxy::default()
    };
    let long = format!("https://{}.example/", "a".repeat(63));
    assert_eq!(ways(&hostile, &[&long]), ["PROXY https:2"]);
}
