//! The languages of the gallery: the real ones, and two that only try the pages' layout.

use std::fmt;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// A language in which the pages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// German.
    De,
    /// English with accents and 40 % longer, as translations get.
    Long,
    /// English from right to left.
    Rtl,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::En, Self::De, Self::Long, Self::Rtl];

    /// The locale whose texts it has.
    pub(super) fn locale(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En | Self::Long | Self::Rtl => "en",
        }
    }

    /// The texts of the pages in this language, from those of its locale.
    ///
    /// # Errors
    ///
    /// When they are not the texts of an extension.
    pub(super) fn messages(self, messages: &[u8]) -> Result<Vec<u8>> {
        let change: fn(&str) -> String = match self {
            Self::De | Self::En => return Ok(messages.to_vec()),
            Self::Long => |text| between_placeholders(text, longer),
            Self::Rtl => |text| between_placeholders(text, from_right),
        };
        let mut messages: Value = serde_json::from_slice(messages)?;
        let all = messages.as_object_mut().context("no texts")?;
        for (key, message) in all.iter_mut() {
            let text = message["message"].as_str().context("no text")?;
            message["message"] = match (key.as_str(), self) {
                ("direction", Self::Rtl) => json!("rtl"),
                ("direction" | "locale", _) => continue,
                _ => json!(change(text)),
            };
        }
        Ok(serde_json::to_vec(&messages)?)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::De => "de",
            Self::En => "en",
            Self::Long => "long",
            Self::Rtl => "rtl",
        })
    }
}

/// Changes a text, but not `$NAME$`, `$1` and `$$` in it.
fn between_placeholders(text: &str, change: fn(&str) -> String) -> String {
    let mut changed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        changed.push_str(&change(&rest[..at]));
        let placeholder = &rest[at..];
        let named = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric());
        let end = match placeholder[1..].split_once('$') {
            _ if placeholder[1..].starts_with(|c: char| c.is_ascii_digit()) => 2,
            Some((name, _)) if name.is_empty() || named(name) => name.len() + 2,
            _ => 1,
        };
        changed.push_str(&placeholder[..end]);
        rest = &placeholder[end..];
    }
    changed.push_str(&change(rest));
    changed
}

/// As long as a wordy translation: a short text grows by one long word, in which no line can
/// break, a long one by several.
fn longer(text: &str) -> String {
    let accented: String = text.chars().map(accented).collect();
    let words = text.chars().filter(|c| c.is_alphanumeric()).count();
    if words == 0 {
        return accented;
    }
    let more = (words * 2).div_ceil(5).max(2);
    let padding: String = "ońé twö thréé föür fîvé šîx šévéń éîght ńîńé téń éłévéń "
        .chars()
        .cycle()
        .take(more)
        .collect();
    let end = accented.trim_end();
    let space = &accented[end.len()..];
    let glue = if words < 12 { "" } else { " " };
    format!("{end}{glue}{}{space}", padding.trim_end())
}

fn accented(c: char) -> char {
    match c {
        'a' => 'á',
        'e' => 'é',
        'i' => 'î',
        'n' => 'ń',
        'o' => 'ö',
        's' => 'š',
        'u' => 'ü',
        'y' => 'ý',
        'A' => 'Å',
        'E' => 'É',
        'I' => 'Î',
        'O' => 'Ø',
        'U' => 'Ü',
        c => c,
    }
}

/// Letters that run from right to left, as those of Hebrew do (UAX 9).
fn from_right(text: &str) -> String {
    if text.chars().any(char::is_alphanumeric) {
        format!("\u{202E}{text}\u{202C}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stay_as_they_are() {
        let upper = |text: &str| text.to_uppercase();
        let text = "Is $name$ at $1$2, for $$5?";
        assert_eq!(
            between_placeholders(text, upper),
            "IS $name$ AT $1$2, FOR $$5?"
        );
    }

    #[test]
    fn texts_get_longer_by_two_fifths() {
        for text in [
            "Trust",
            "Is this your device?",
            "Nobody has checked this name.",
        ] {
            let longer = longer(text).chars().count();
            assert!(longer * 10 >= text.chars().count() * 13, "{text}: {longer}");
        }
    }

    #[test]
    fn only_texts_change() {
        let messages = br#"{ "direction": { "message": "ltr" }, "locale": { "message": "en" },
            "first": { "message": "Is $name$ yours?", "placeholders": { "name": { "content": "$1" } } } }"#;
        let changed = Language::Rtl.messages(messages).unwrap();
        let changed: Value = serde_json::from_slice(&changed).unwrap();
        assert_eq!(changed["direction"]["message"], "rtl");
        assert_eq!(changed["locale"]["message"], "en");
        assert_eq!(
            changed["first"]["message"],
            "\u{202E}Is \u{202C}$name$\u{202E} yours?\u{202C}"
        );
        assert_eq!(changed["first"]["placeholders"]["name"]["content"], "$1");
    }
}
