//! KDE's settings: the file `kioslaverc`
//! (<https://invent.kde.org/frameworks/kio/-/blob/master/src/core/kprotocolmanager.cpp>).

use housekey_core::proxy::{Automatic, SystemProxy};

use super::{Proxies, Scheme, automatic, pac_directive, suffix};

/// Reads the file. `None` where it sets nothing that Chrome would obey.
pub(super) fn read(file: &str, variable: impl Fn(&str) -> Option<String>) -> Option<SystemProxy> {
    let value = |key: &str| setting(file, key);
    let kind = value("ProxyType")?;
    match kind.parse().unwrap_or(0) {
        MANUAL => of(value, |it| Some(it.to_owned())),
        // There, the settings name variables.
        ENVIRONMENT => of(value, variable),
        SCRIPT if value("Proxy Config Script").is_some_and(|it| !it.is_empty()) => {
            Some(automatic(Automatic::Script))
        }
        SCRIPT | DETECTION => Some(automatic(Automatic::Detection)),
        _ => Some(SystemProxy::default()),
    }
}

fn of(
    value: impl Fn(&str) -> Option<String>,
    meant: impl Fn(&str) -> Option<String>,
) -> Option<SystemProxy> {
    let proxy = |key: &str, scheme| {
        // A space is before the port.
        let proxy = meant(&value(key)?)?.replacen(' ', ":", 1);
        let is_none = proxy.is_empty() || proxy.starts_with("//:");
        (!is_none).then(|| pac_directive(&proxy, scheme)).flatten()
    };
    let bypass = value("NoProxyFor").and_then(|it| meant(&it));
    let bypass = bypass.unwrap_or_default();
    let bypass = bypass.split([',', ' ']).map(suffix);
    let reversed = value("ReversedException");
    let is_number = |it: &str| it.parse::<i64>().is_ok_and(|it| it != 0);
    Proxies {
        http: proxy("httpProxy", Scheme::Http),
        https: proxy("httpsProxy", Scheme::Http),
        fallback: proxy("socksProxy", Scheme::Socks5),
    }
    .with(
        bypass.filter(|rule| !rule.is_empty()).collect(),
        reversed.is_some_and(|it| it == "true" || is_number(&it)),
    )
}

/// The last value of a key in the group of proxies; keys may have a language behind them.
fn setting(file: &str, key: &str) -> Option<String> {
    let mut in_group = false;
    let mut found = None;
    for line in file.lines() {
        if line.starts_with('[') {
            in_group = line.starts_with("[Proxy Settings]");
        } else if let Some((name, value)) = line.split_once('=')
            && in_group
            && name.split('[').next().map(str::trim) == Some(key)
        {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

const MANUAL: u8 = 1;
const SCRIPT: u8 = 2;
const DETECTION: u8 = 3;
const ENVIRONMENT: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn with(settings: &str) -> Option<SystemProxy> {
        let file = format!(
            "[$Version]\nupdate_info=x\nProxyType=9\n\n[Proxy Settings]\n{settings}\n[Other]\nProxyType=3\n"
        );
        let variable = |name: &str| match name {
            "http_proxy" => Some("http://one:1".to_owned()),
            "NO_PROXY" => Some("localhost,.corp".to_owned()),
            _ => None,
        };
        read(&file, variable)
    }

    #[test]
    fn what_is_set_is_repeated() {
        assert_eq!(
            with("ProxyType=0\nhttpProxy=http://one 1"),
            Some(SystemProxy::default())
        );
        assert_eq!(with("ProxyType=3"), Some(automatic(Automatic::Detection)));
        let script = "Proxy Config Script=http://x/pac\nProxyType=2";
        assert_eq!(with(script), Some(automatic(Automatic::Script)));

        let manual = "NoProxyFor=localhost, 10.0.0.0/8,example.org\nProxyType=1\r\n\
                      ReversedException[$i]=true\nftpProxy=//:\nhttpProxy=http://one 8080\n\
                      httpsProxy=two:3128\nsocksProxy=//:";
        let manual = with(manual).unwrap();
        assert_eq!(manual.http.as_deref(), Some("PROXY one:8080"));
        assert_eq!(manual.https.as_deref(), Some("PROXY two:3128"));
        assert_eq!(manual.bypass, ["*localhost", "10.0.0.0/8", "*example.org"]);
        assert!(manual.reversed);

        let indirect =
            "ProxyType=4\nhttpProxy=http_proxy\nhttpsProxy=HTTPS_PROXY\nNoProxyFor=NO_PROXY";
        let indirect = with(indirect).unwrap();
        assert_eq!(indirect.http.as_deref(), Some("PROXY one:1"));
        assert_eq!(indirect.https, None);
        assert_eq!(indirect.bypass, ["*localhost", ".corp"]);
        assert!(!indirect.reversed);
    }

    #[test]
    fn what_says_nothing_leaves_the_environment_its_say() {
        assert_eq!(read("", |_| None), None);
        assert_eq!(with("httpProxy=http://one 1"), None);
        assert_eq!(with("ProxyType=1"), None);
        assert_eq!(with("ProxyType=1\nhttpProxy=//: 0"), None);
    }
}
