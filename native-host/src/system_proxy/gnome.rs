//! GNOME's settings, as `gsettings list-recursively org.gnome.system.proxy` prints them
//! (<https://gitlab.gnome.org/GNOME/gsettings-desktop-schemas/-/blob/master/schemas/org.gnome.system.proxy.gschema.xml.in>).

use housekey_core::proxy::{Automatic, SystemProxy};

use super::{Proxies, Scheme, automatic, pac_directive};

/// Reads what was printed. `None` where nothing is set that Chrome would obey.
pub(super) fn read(printed: &str) -> Option<SystemProxy> {
    let value = |schema: &str, key: &str| {
        let of = |line: &str| {
            let (found, rest) = line.split_once(' ')?;
            let (name, value) = rest.split_once(' ')?;
            let is_it = found.strip_prefix(SCHEMA) == Some(schema) && name == key;
            is_it.then(|| value.trim().to_owned())
        };
        printed.lines().find_map(of)
    };
    let text = |schema: &str, key: &str| value(schema, key).and_then(|it| strings(&it).pop());
    let proxy = |schema: &str, scheme| {
        let host = text(schema, "host").filter(|host| !host.is_empty())?;
        let port = value(schema, "port").and_then(|port| port.parse::<u16>().ok());
        match port {
            Some(port @ 1..) => pac_directive(&format!("{host}:{port}"), scheme),
            _ => pac_directive(&host, scheme),
        }
    };
    match text("", "mode")?.as_str() {
        "none" => Some(SystemProxy::default()),
        "auto" => {
            let script = text("", "autoconfig-url").is_some_and(|url| !url.is_empty());
            Some(automatic(if script {
                Automatic::Script
            } else {
                Automatic::Detection
            }))
        }
        "manual" => Proxies {
            http: proxy(".http", Scheme::Http),
            https: proxy(".https", Scheme::Http),
            fallback: proxy(".socks", Scheme::Socks5),
        }
        .with(
            value("", "ignore-hosts").map_or_else(Vec::new, |it| strings(&it)),
            false,
        ),
        _ => None,
    }
}

/// The strings in a value, in GLib's way to write them
/// (<https://docs.gtk.org/glib/gvariant-text-format.html>).
fn strings(value: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut chars = value.chars();
    while let Some(quote) = chars.find(|c| matches!(c, '\'' | '"')) {
        let mut string = String::new();
        loop {
            match chars.next() {
                None => return strings,
                Some(c) if c == quote => break,
                Some('\\') => string.extend(chars.next()),
                Some(c) => string.push(c),
            }
        }
        strings.push(string);
    }
    strings
}

const SCHEMA: &str = "org.gnome.system.proxy";

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is where nobody set anything.
    const NONE: &str = "\
org.gnome.system.proxy autoconfig-url ''
org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']
org.gnome.system.proxy mode 'none'
org.gnome.system.proxy use-same-proxy true
org.gnome.system.proxy.ftp host ''
org.gnome.system.proxy.ftp port 0
org.gnome.system.proxy.http authentication-password ''
org.gnome.system.proxy.http authentication-user ''
org.gnome.system.proxy.http enabled false
org.gnome.system.proxy.http host ''
org.gnome.system.proxy.http port 8080
org.gnome.system.proxy.http use-authentication false
org.gnome.system.proxy.https host ''
org.gnome.system.proxy.https port 0
org.gnome.system.proxy.socks host ''
org.gnome.system.proxy.socks port 0
";

    fn with(changes: &[(&str, &str)]) -> Option<SystemProxy> {
        let changed = |line: &str| {
            let of = |(key, value): &(&str, &str)| {
                let key = format!("{SCHEMA}{key} ");
                line.starts_with(&key).then(|| format!("{key}{value}"))
            };
            changes
                .iter()
                .find_map(of)
                .unwrap_or_else(|| line.to_owned())
        };
        let printed: Vec<_> = NONE.lines().map(changed).collect();
        read(&printed.join("\n"))
    }

    #[test]
    fn what_is_set_is_repeated() {
        assert_eq!(with(&[]), Some(SystemProxy::default()));
        assert_eq!(
            with(&[(" mode", "'auto'")]),
            Some(automatic(Automatic::Detection))
        );
        let script = [(" mode", "'auto'"), (" autoconfig-url", "'http://x/pac'")];
        assert_eq!(with(&script), Some(automatic(Automatic::Script)));

        let manual = with(&[
            (" mode", "'manual'"),
            (".http host", "'one'"),
            (".https host", "'two'"),
            (".https port", "3128"),
            (" ignore-hosts", r#"['localhost', "o'neil", '10.0.0.0/8']"#),
        ])
        .unwrap();
        assert_eq!(manual.http.as_deref(), Some("PROXY one:8080"));
        assert_eq!(manual.https.as_deref(), Some("PROXY two:3128"));
        assert_eq!(manual.web_socket.as_deref(), Some("PROXY two:3128"));
        assert_eq!(manual.bypass, ["localhost", "o'neil", "10.0.0.0/8"]);

        let socks = [
            (" mode", "'manual'"),
            (".socks host", "'three'"),
            (".socks port", "9050"),
        ];
        let socks = with(&socks).unwrap();
        assert_eq!(socks.https.as_deref(), Some("SOCKS5 three:9050"));
        assert_eq!(socks.http, socks.https);
    }

    #[test]
    fn what_says_nothing_leaves_the_environment_its_say() {
        assert_eq!(read(""), None);
        assert_eq!(with(&[(" mode", "'manual'")]), None);
        assert_eq!(with(&[(" mode", "'what'")]), None);
        assert_eq!(read("org.gnome.system.proxy mode '"), None);
        assert_eq!(strings("@as []"), [""; 0]);
    }
}
