//! The proxy that this computer uses without Housekey, as far as the environment tells.
//!
//! A PAC script takes over all of a browser's traffic and cannot say «as before»,
//! so the script's last line repeats what is found here.

use std::env;

use housekey_core::protocol::SystemProxy;

/// Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, which Chromium obeys where no
/// desktop environment says otherwise.
#[must_use]
pub fn from_environment() -> SystemProxy {
    from(|name| {
        env::var(name)
            .or_else(|_| env::var(name.to_uppercase()))
            .ok()
    })
}

pub(crate) fn from(variable: impl Fn(&str) -> Option<String>) -> SystemProxy {
    let proxy = |name: &str| {
        let value = variable(name).or_else(|| variable("all_proxy"))?;
        pac_directive(value.trim())
    };
    let bypass = variable("no_proxy").unwrap_or_default();
    let bypass = bypass
        .split(',')
        .map(|host| {
            host.trim()
                .trim_start_matches("*.")
                .trim_start_matches('.')
                .to_lowercase()
        })
        .filter(|host| !host.is_empty())
        .collect();
    SystemProxy {
        http: proxy("http_proxy"),
        https: proxy("https_proxy"),
        bypass,
    }
}

/// `http://host:port` as a PAC script says it, or nothing for what it cannot say.
fn pac_directive(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let authority = rest.split('/').next()?;
    // Credentials cannot stand in a PAC script; the browser asks for them.
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let honest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(honest) {
        return None;
    }
    let (directive, port) = match scheme {
        "http" => ("PROXY", 80),
        "https" => ("HTTPS", 443),
        "socks" | "socks5" | "socks5h" => ("SOCKS5", 1_080),
        "socks4" | "socks4a" => ("SOCKS", 1_080),
        _ => return None,
    };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.ends_with(']'));
    Some(if has_port {
        format!("{directive} {host}")
    } else {
        format!("{directive} {host}:{port}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> SystemProxy {
        from(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_the_environment_says_is_repeated() {
        let proxy = of(&[
            ("http_proxy", "http://proxy.corp:3128/"),
            ("all_proxy", "socks5://user:secret@[fd00::1]:1080"),
            ("no_proxy", "localhost, .corp,*.example.org,"),
        ]);
        assert_eq!(proxy.http.as_deref(), Some("PROXY proxy.corp:3128"));
        assert_eq!(proxy.https.as_deref(), Some("SOCKS5 [fd00::1]:1080"));
        assert_eq!(proxy.bypass, ["localhost", "corp", "example.org"]);
    }

    #[test]
    fn no_proxy_is_no_proxy() {
        assert_eq!(of(&[]), SystemProxy::default());
        assert_eq!(
            of(&[("https_proxy", "proxy.corp")]).https.as_deref(),
            Some("PROXY proxy.corp:80")
        );
        assert_eq!(
            of(&[("https_proxy", "ftp://x"), ("http_proxy", "http://a b")]),
            SystemProxy::default()
        );
    }
}
