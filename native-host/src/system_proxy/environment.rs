//! Environment variables.

use housekey_core::proxy::{Automatic, SystemProxy};

use super::{Proxies, Scheme, automatic, pac_directive, suffix};

/// Reads `auto_proxy`, `all_proxy`, `http_proxy`, `https_proxy`, `SOCKS_SERVER` and `no_proxy`, in
/// this order and in either case.
pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> SystemProxy {
    let variable = |name: &str| {
        let other = match name.chars().next() {
            Some('a'..='z') => name.to_uppercase(),
            _ => name.to_lowercase(),
        };
        variable(name).or_else(|| variable(&other))
    };
    // Set and empty, it asks the network.
    match variable("auto_proxy").as_deref().map(str::trim) {
        Some("") => return automatic(Automatic::Detection),
        Some(_) => return automatic(Automatic::Script),
        None => {}
    }
    let proxy = |name: &str, scheme| pac_directive(&variable(name)?, scheme);
    let all = proxy("all_proxy", Scheme::Http);
    let mut proxies = match all {
        Some(_) => Proxies {
            fallback: all,
            ..Proxies::default()
        },
        None => Proxies {
            http: proxy("http_proxy", Scheme::Http),
            https: proxy("https_proxy", Scheme::Http),
            fallback: None,
        },
    };
    if proxies.http.is_none() && proxies.https.is_none() && proxies.fallback.is_none() {
        let version = variable("SOCKS_VERSION");
        let socks = match version.as_deref() {
            Some("4") => Scheme::Socks4,
            _ => Scheme::Socks5,
        };
        proxies.fallback = proxy("SOCKS_SERVER", socks);
    }
    let bypass = variable("no_proxy").unwrap_or_default();
    let bypass = bypass.split([',', ';']).map(suffix);
    let bypass = bypass.filter(|rule| !rule.is_empty()).collect();
    proxies.with(bypass, false).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> SystemProxy {
        read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn proxy(http: Option<&str>, https: Option<&str>, web_socket: Option<&str>) -> SystemProxy {
        SystemProxy {
            http: http.map(str::to_owned),
            https: https.map(str::to_owned),
            web_socket: web_socket.map(str::to_owned),
            ..SystemProxy::default()
        }
    }

    #[test]
    fn what_the_environment_says_is_repeated() {
        let (one, two) = (Some("PROXY one:1"), Some("PROXY two:2"));
        for (variables, expected) in [
            (&[][..], proxy(None, None, None)),
            (&[("http_proxy", "http://one:1/")], proxy(one, None, one)),
            (
                &[("HTTP_PROXY", "one:1"), ("https_proxy", "http://two:2")],
                proxy(one, two, two),
            ),
            // It goes before the others.
            (
                &[("all_proxy", "one:1"), ("https_proxy", "two:2")],
                proxy(one, one, one),
            ),
            (
                &[("SOCKS_SERVER", "one:1"), ("SOCKS_VERSION", "4")],
                proxy(
                    Some("SOCKS one:1"),
                    Some("SOCKS one:1"),
                    Some("SOCKS one:1"),
                ),
            ),
            (
                &[("SOCKS_SERVER", "one:1"), ("http_proxy", "one:1")],
                proxy(one, None, one),
            ),
            (&[("auto_proxy", "")], automatic(Automatic::Detection)),
            (
                &[("auto_proxy", "http://x/pac"), ("http_proxy", "one:1")],
                automatic(Automatic::Script),
            ),
            // Rules without a proxy are none.
            (&[("no_proxy", "example.org")], proxy(None, None, None)),
            (&[("http_proxy", "")], proxy(None, None, None)),
        ] {
            assert_eq!(of(variables), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_goes_direct_goes_direct() {
        let proxy = of(&[
            ("http_proxy", "http://proxy.corp:3128/"),
            (
                "no_proxy",
                "localhost, .corp;10.0.0.0/8,*.example.org,,fd00::/8,[::1]:80",
            ),
        ]);
        let bypass = [
            "*localhost",
            ".corp",
            "10.0.0.0/8",
            "*.example.org",
            "fd00::/8",
            "[::1]:80",
        ];
        assert_eq!(proxy.bypass, bypass);
    }
}
