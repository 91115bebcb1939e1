//! Text that strangers wrote, made harmless once, before anything shows it.
//!
//! A certificate's names are whatever its maker typed.
//! They can turn the reading direction around, hide characters, imitate other letters, or be long
//! enough to push the button out of sight.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::MixedScript as _;

/// Text in NFC in which every character is visible, at most [`SafeText::MAX_CHARS`] long.
///
/// What cannot be shown as itself stands as `⟨U+202E⟩`.
/// It is still text: a page puts it into a text node, isolated in its own direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
pub struct SafeText(String);

impl SafeText {
    /// The upper bound that X.520 gives an organisation's name (`ub-organization-name`).
    pub const MAX_CHARS: usize = 64;

    /// Makes a stranger's text harmless.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut safe = String::with_capacity(text.len().min(4 * Self::MAX_CHARS));
        let mut chars = text.trim_matches(' ').nfc();
        for c in chars.by_ref().take(Self::MAX_CHARS) {
            if is_visible(c) {
                safe.push(c);
            } else {
                // Writing to a string cannot fail.
                let _ = write!(safe, "⟨U+{:04X}⟩", u32::from(c));
            }
        }
        if chars.next().is_some() {
            safe.push('…');
        }
        Self(safe)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it was altered, or mixes scripts as honest names do not (UTS 39 section 5.1).
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.0.contains('⟨') || !self.0.as_str().is_single_script()
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for SafeText {
    /// What comes back from a file or a message is a stranger's text again.
    /// It changes nothing in text that is safe already, so a round trip is stable.
    fn from(text: String) -> Self {
        match text.strip_suffix('…') {
            Some(cut) if is_safe(cut) => Self(text),
            _ if is_safe(&text) => Self(text),
            _ => Self::new(&text),
        }
    }
}

impl From<SafeText> for String {
    fn from(text: SafeText) -> Self {
        text.0
    }
}

/// Escapes are longer than what they stand for, so the bound here is that of a fully escaped text.
fn is_safe(text: &str) -> bool {
    text.chars().count() <= SafeText::MAX_CHARS * MAX_ESCAPE_CHARS
        && text.chars().all(is_visible)
        && text.chars().eq(text.nfc())
}

fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'  // soft hyphen, joiners, selectors
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' // fillers
            | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200f}'            // spaces, zero width, marks
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'          // separators, bidi, operators
            | '\u{2800}' | '\u{3000}' | '\u{fe00}'..='\u{fe0f}'          // blanks, selectors
            | '\u{feff}' | '\u{fff0}'..='\u{ffff}'                       // marks, replacement
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}'       // tags, private use
        )
}

/// `⟨U+10FFFF⟩`.
const MAX_ESCAPE_CHARS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_names_stay_as_they_are() {
        for name in [
            "Signify Netherlands B.V.",
            "Müller GmbH & Co. KG",
            "株式会社バッファロー",
            "شركة",
        ] {
            assert_eq!(SafeText::new(name).as_str(), name);
            assert!(!SafeText::new(name).is_suspicious(), "{name}");
        }
    }

    #[test]
    fn what_hides_is_made_visible() {
        for (text, shown) in [
            ("evil\u{202e}gnp", "evil⟨U+202E⟩gnp"),
            ("Phi\u{200b}lips", "Phi⟨U+200B⟩lips"),
            ("a\0b\u{7}", "a⟨U+0000⟩b⟨U+0007⟩"),
            ("\u{e001}", "⟨U+E001⟩"),
            ("line\nbreak", "line⟨U+000A⟩break"),
            ("\u{feff}Philips", "⟨U+FEFF⟩Philips"),
        ] {
            assert_eq!(SafeText::new(text).as_str(), shown);
            assert!(SafeText::new(text).is_suspicious());
        }
    }

    #[test]
    fn mixed_scripts_are_suspicious() {
        assert!(
            SafeText::new("Phіlips").is_suspicious(),
            "the second i is Cyrillic"
        );
        assert!(!SafeText::new("Philips").is_suspicious());
    }

    #[test]
    fn long_text_is_cut_and_decomposed_text_composed() {
        assert_eq!(SafeText::new(&"x".repeat(65)).as_str().chars().count(), 65);
        assert!(SafeText::new(&"x".repeat(65)).as_str().ends_with('…'));
        assert_eq!(SafeText::new("u\u{308}").as_str(), "ü");
    }

    #[test]
    fn a_round_trip_changes_nothing() {
        for text in ["Signify", "evil\u{202e}", &"é\u{202e}".repeat(90)] {
            let safe = SafeText::new(text);
            assert_eq!(SafeText::from(String::from(safe.clone())), safe);
        }
    }
}
