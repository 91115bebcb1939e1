//! The proxy that this computer uses without Housekey, read as Chrome reads it.
//!
//! A PAC script takes over all of a browser's traffic and cannot say «as before»,
//! so the script's last lines repeat what is found here
//! (`net/proxy_resolution/proxy_config_service_linux.cc` in Chromium).

mod environment;
mod gnome;
mod kde;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use housekey_core::proxy::{Automatic, SystemProxy};
use tokio::process::Command;
use tokio::time::timeout;

/// Where settings come from: the desktop's if there is one that has any, else the environment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desktop {
    /// GNOME, and whoever keeps its settings where GNOME does.
    Gnome,
    Kde,
    Other,
}

/// What the proxy of this session is.
///
/// What cannot be read counts as not set, as it does in Chrome.
pub async fn of_this_session() -> SystemProxy {
    let variable = |name: &str| env::var(name).ok();
    let from_desktop = match Desktop::of(variable) {
        Desktop::Gnome => gnome::read(&ask_gsettings().await.unwrap_or_default()),
        Desktop::Kde => kde_settings(variable).and_then(|file| kde::read(&file, variable)),
        Desktop::Other => None,
    };
    from_desktop.unwrap_or_else(|| environment::read(variable))
}

/// What an environment without a desktop says, for `tests/fuzz`.
#[cfg(feature = "fuzzing")]
pub(crate) fn from(variable: impl Fn(&str) -> Option<String>) -> SystemProxy {
    environment::read(variable)
}

impl Desktop {
    /// As `base/nix/xdg_util.cc` in Chromium.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let current = variable("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let named = current.split(':').find_map(|name| match name.trim() {
            "Deepin" | "GNOME" | "Pantheon" | "UKUI" | "Unity" | "X-Cinnamon" => Some(Self::Gnome),
            "KDE" => Some(Self::Kde),
            "LXQt" | "XFCE" => Some(Self::Other),
            _ => None,
        });
        let session = || match variable("DESKTOP_SESSION")?.as_str() {
            "deepin" | "gnome" | "mate" | "ukui" => Some(Self::Gnome),
            "kde" | "kde-plasma" | "kde4" => Some(Self::Kde),
            _ => None,
        };
        let old = || {
            let gnome = variable("GNOME_DESKTOP_SESSION_ID").map(|_| Self::Gnome);
            gnome.or_else(|| variable("KDE_FULL_SESSION").map(|_| Self::Kde))
        };
        named.or_else(session).or_else(old).unwrap_or(Self::Other)
    }
}

/// What GNOME's settings are, in the words of its own program.
async fn ask_gsettings() -> Option<String> {
    let asked = Command::new("gsettings")
        .args(["list-recursively", "org.gnome.system.proxy"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = timeout(PATIENCE, asked).await.ok()?.ok()?;
    said.status
        .success()
        .then(|| String::from_utf8_lossy(&said.stdout).into_owned())
}

/// KDE's settings, which since its version 5 are beside those of all others.
fn kde_settings(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let chosen = variable("KDEHOME").filter(|home| !home.is_empty());
    let home = PathBuf::from(variable("HOME")?);
    let directory = match (chosen, variable("KDE_SESSION_VERSION").as_deref()) {
        (Some(chosen), _) => Path::new(&chosen).join("share/config"),
        (None, Some("5" | "6")) => home.join(".config"),
        (None, _) => home.join(".kde/share/config"),
    };
    let file = std::fs::read(directory.join("kioslaverc")).ok()?;
    (file.len() <= MAX_FILE_BYTES).then(|| String::from_utf8_lossy(&file).into_owned())
}

/// Only this, and nothing that a script could repeat.
fn automatic(automatic: Automatic) -> SystemProxy {
    SystemProxy {
        automatic: Some(automatic),
        ..SystemProxy::default()
    }
}

/// Proxies by what goes through them. `fallback` is for whatever has none of its own.
#[derive(Default)]
struct Proxies {
    http: Option<String>,
    https: Option<String>,
    fallback: Option<String>,
}

impl Proxies {
    /// `None` where there is no proxy.
    fn with(self, bypass: Vec<String>, reversed: bool) -> Option<SystemProxy> {
        let Self {
            http,
            https,
            fallback,
        } = self;
        let is_any = http.is_some() || https.is_some() || fallback.is_some();
        is_any.then(|| SystemProxy {
            // In Chromium's own order.
            web_socket: fallback.clone().or(https.clone()).or(http.clone()),
            http: http.or(fallback.clone()),
            https: https.or(fallback),
            bypass,
            reversed,
            automatic: None,
        })
    }
}

/// `http://host:port` as a PAC script says it, or nothing for what it cannot say.
///
/// Chrome takes every scheme but those of SOCKS for an ordinary proxy, whatever it is called.
fn pac_directive(value: &str, default: Scheme) -> Option<String> {
    let value = value.trim();
    let (scheme, rest) = match value.split_once("://") {
        Some(("socks" | "socks5" | "socks5h", rest)) => (Scheme::Socks5, rest),
        Some(("socks4" | "socks4a", rest)) => (Scheme::Socks4, rest),
        Some((_, rest)) => (default, rest),
        None => (default, value),
    };
    let (directive, port) = match scheme {
        Scheme::Http => ("PROXY", 80),
        Scheme::Socks4 => ("SOCKS", 1_080),
        Scheme::Socks5 => ("SOCKS5", 1_080),
    };
    let authority = rest.split('/').next()?;
    // Credentials cannot stand in a PAC script; the browser asks for them.
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let honest =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if host.is_empty() || host.starts_with(':') || !host.chars().all(honest) {
        return None;
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().ok()?),
        _ => (host, port),
    };
    Some(format!("{directive} {host}:{port}"))
}

/// What is spoken with a proxy.
#[derive(Clone, Copy)]
enum Scheme {
    Http,
    Socks4,
    Socks5,
}

/// A rule as Chrome reads it where settings mean the end of a host's name.
fn suffix(rule: &str) -> String {
    let rule = rule.trim();
    let host = rule.split_once("://").map_or(rule, |(_, host)| host);
    let is_address = |it: &str| it.parse::<std::net::IpAddr>().is_ok();
    let bare = host.trim_start_matches('[').split([']', '/']).next();
    let without_port = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let is_pattern = host.starts_with(['*', '.', '<'])
        || bare.is_some_and(is_address)
        || is_address(without_port);
    if is_pattern || host.is_empty() {
        return rule.to_owned();
    }
    let scheme = rule.len() - host.len();
    format!("{}*{host}", &rule[..scheme])
}

/// A desktop that does not answer at once has no settings.
const PATIENCE: Duration = Duration::from_secs(2);
const MAX_FILE_BYTES: usize = 1_048_576;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desktop_is_known_by_what_it_says() {
        for (variables, desktop) in [
            (
                &[("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")][..],
                Desktop::Gnome,
            ),
            (&[("XDG_CURRENT_DESKTOP", "X-Cinnamon")], Desktop::Gnome),
            (&[("XDG_CURRENT_DESKTOP", "KDE")], Desktop::Kde),
            (
                &[
                    ("XDG_CURRENT_DESKTOP", "XFCE"),
                    ("DESKTOP_SESSION", "gnome"),
                ],
                Desktop::Other,
            ),
            (
                &[("XDG_CURRENT_DESKTOP", "MATE"), ("DESKTOP_SESSION", "mate")],
                Desktop::Gnome,
            ),
            (&[("KDE_FULL_SESSION", "true")], Desktop::Kde),
            (&[("XDG_CURRENT_DESKTOP", "sway")], Desktop::Other),
            (&[], Desktop::Other),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Desktop::of(variable), desktop, "{variables:?}");
        }
    }

    #[test]
    fn a_proxy_is_said_as_scripts_say_it() {
        for (value, directive) in [
            ("http://proxy.corp:3128/", Some("PROXY proxy.corp:3128")),
            ("proxy.corp", Some("PROXY proxy.corp:80")),
            ("my_proxy:3128", Some("PROXY my_proxy:3128")),
            ("proxy.corp:", None),
            ("proxy.corp:x", None),
            ("proxy.corp:70000", None),
            // As Chrome takes it, and as it is mostly meant.
            ("https://proxy.corp:3128", Some("PROXY proxy.corp:3128")),
            (
                "socks5://user:secret@[fd00::1]",
                Some("SOCKS5 [fd00::1]:1080"),
            ),
            ("socks4://old", Some("SOCKS old:1080")),
            ("http://a b", None),
            ("//:0", None),
            ("x;DIRECT", None),
            ("", None),
        ] {
            let said = pac_directive(value, Scheme::Http);
            assert_eq!(said.as_deref(), directive, "{value}");
        }
    }

    #[test]
    fn the_end_of_a_name_is_what_is_meant() {
        for (rule, read) in [
            ("google.com", "*google.com"),
            (".google.com", ".google.com"),
            ("*.google.com", "*.google.com"),
            ("https://google.com:99", "https://*google.com:99"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1:8080", "10.0.0.1:8080"),
            ("[fd00::1]:80", "[fd00::1]:80"),
            ("<local>", "<local>"),
            ("", ""),
        ] {
            assert_eq!(suffix(rule), read);
        }
    }
}
