//! Text that strangers wrote, made harmless once, before anything shows it.
//!
//! A certificate's names are whatever its maker typed.
//! They can turn the reading direction around, hide characters, imitate other letters, pile up
//! accents, or be long enough to push the button out of sight.
//! What they cannot do is become markup: that is the page's duty, which puts them into text nodes,
//! each isolated in its own direction.

mod lookalikes;
mod scripts;
mod shape;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use shape::{Piece, is_hidden};

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $(#[$max_doc:meta])* $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[cfg_attr(feature = "tsify", derive(tsify::Tsify), tsify(type = "string"))]
        pub struct $name(String);

        impl $name {
            $(#[$max_doc])*
            pub const MAX_CHARS: usize = $max;

            /// Makes a stranger's text harmless.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self::of(text.chars().map(Piece::Char))
            }

            /// Makes harmless what was read of a stranger's text, and what was not.
            pub(crate) fn of(pieces: impl Iterator<Item = Piece>) -> Self {
                Self(shape::shown(pieces, Self::MAX_CHARS))
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

            /// Whether the end of it is missing.
            #[must_use]
            pub fn is_cut(&self) -> bool {
                self.0.ends_with('…')
            }

            /// Whether it is not what an honest name looks like: something in it had to be made
            /// visible, it mixes scripts (UTS 39 section 5), or all of it looks like Latin letters
            /// that it does not hold (UTS 39 section 4).
            #[must_use]
            pub fn is_suspicious(&self) -> bool {
                self.0.contains('⟨') || scripts::is_mixed(&self.0) || lookalikes::is_disguise(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            /// What comes back from a file or a message is a stranger's text again.
            /// It changes nothing in text that is safe already, so a round trip is stable.
            fn from(text: String) -> Self {
                if shape::is_shown(&text, Self::MAX_CHARS) {
                    Self(text)
                } else {
                    Self::new(&text)
                }
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

text! {
    /// Text in NFC in which every character is visible, at most [`SafeText::MAX_CHARS`] long, and
    /// one more `…` where it was longer.
    ///
    /// What cannot be shown as itself stands in `⟨⟩`: an invisible character as `⟨U+202E⟩`, a byte
    /// that is no character as `⟨0xFF⟩`, and a character that was read in the only sensible way,
    /// but not one that its encoding allows, as `⟨ü?⟩`.
    /// Spaces at the ends are left out, as there is nothing that they could keep apart; of several
    /// in a row all but the first are made visible.
    /// Accents on nothing, and more than four on one letter, are made visible too.
    SafeText,
    /// The upper bound that X.520 gives an organisation's name (`ub-organization-name`).
    64
}

text! {
    /// As [`SafeText`], for those who ask for the whole of it.
    WholeText,
    /// Thirty-two times the upper bound of an organisation's name; no honest name is longer.
    2_048
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_names_stay_as_they_are() {
        for name in [
            "Signify Netherlands B.V.",
            "Müller GmbH & Co. KG",
            "株式会社バッファロー",
            "株式会社BUFFALO",
            "삼성전자 (Samsung)",
            "شركة Huawei",
            "בזק",
            "ООО Ромашка",
            "ΟΤΕ Όμιλος",
            "บริษัท ไทย จำกัด",
            "हिन्दी कंपनी",
            "Công ty Việt Nam",
            "Yıldız",
            "1º Piso, 5 m²",
            "Acme™ №",
            "nas-1.local",
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
            ("not\u{a0}a space", "not⟨U+00A0⟩a space"),
            ("unassigned \u{378}", "unassigned ⟨U+0378⟩"),
            ("filler\u{3164}", "filler⟨U+3164⟩"),
            ("blank\u{2800}", "blank⟨U+2800⟩"),
            ("tag\u{e0041}", "tag⟨U+E0041⟩"),
            ("two  spaces", "two ⟨U+0020⟩spaces"),
        ] {
            assert_eq!(SafeText::new(text).as_str(), shown);
            assert!(SafeText::new(text).is_suspicious());
        }
        assert_eq!(SafeText::new("  ends  ").as_str(), "ends");
    }

    #[test]
    fn accents_neither_pile_up_nor_stand_on_others_ground() {
        for (text, shown) in [
            ("u\u{308}", "ü"),
            (
                "a\u{316}\u{317}\u{318}\u{319}",
                "a\u{316}\u{317}\u{318}\u{319}",
            ),
            (
                "a\u{316}\u{317}\u{318}\u{319}\u{31c}",
                "a\u{316}\u{317}\u{318}\u{319}⟨U+031C⟩",
            ),
            ("x\u{310}\u{310}", "x\u{310}⟨U+0310⟩"),
            ("\u{301}Philips", "⟨U+0301⟩Philips"),
            ("a \u{338}b", "a ⟨U+0338⟩b"),
            ("a\u{202e}\u{301}", "a⟨U+202E⟩⟨U+0301⟩"),
        ] {
            assert_eq!(SafeText::new(text).as_str(), shown);
        }
    }

    #[test]
    fn mixed_scripts_are_suspicious() {
        for name in [
            "Ph\u{456}lips",                 // A Cyrillic letter within.
            "Philips \u{41e}\u{41e}\u{41e}", // Cyrillic and Latin words: each could be the other.
            "H\u{585}me",                    // An Armenian letter within.
            "Αpple",                         // A Greek one.
            "NAS \u{39d}\u{391}\u{3a3}",     // Greek beside Latin.
            "\u{13e2}\u{13bb} Acme",         // Scripts that nobody writes names in today.
        ] {
            assert!(SafeText::new(name).is_suspicious(), "{name}");
        }
    }

    #[test]
    fn names_in_disguise_are_suspicious() {
        for name in [
            "\u{420}\u{4bb}\u{456}\u{4cf}\u{456}\u{440}\u{455}", // Philips, all in Cyrillic.
            "\u{a4d1}\u{a4e7}\u{a4f2}\u{a4e1}\u{a4f2}\u{a4d1}\u{a4e2}", // PHILIPS, in Lisu.
            "\u{1d40f}\u{1d421}\u{1d422}\u{1d425}\u{1d422}\u{1d429}\u{1d42c}", // Bold, for formulas.
            "\u{24c5}\u{24d7}\u{24d8}\u{24db}\u{24d8}\u{24df}\u{24e2}",        // In circles.
            "\u{ff30}\u{ff48}\u{ff49}\u{ff4c}\u{ff49}\u{ff50}\u{ff53}",        // Of full width.
            "Phi\u{217c}ips",                                                  // A Roman fifty.
        ] {
            assert!(SafeText::new(name).is_suspicious(), "{name}");
        }
        // A Japanese company's Latin initials are of full width in honest certificates too.
        assert!(!SafeText::new("株式会社ＮＴＴドコモ").is_suspicious());
    }

    #[test]
    fn long_text_is_cut_and_the_whole_is_there_for_the_asking() {
        let long = "x".repeat(65);
        assert_eq!(SafeText::new(&long).as_str().chars().count(), 65);
        assert!(SafeText::new(&long).is_cut());
        assert_eq!(WholeText::new(&long).as_str(), long);
        let hidden = "\u{202e}".repeat(100);
        assert!(SafeText::new(&hidden).as_str().chars().count() <= 65);
        assert_eq!(WholeText::new(&hidden).as_str(), "⟨U+202E⟩".repeat(100));
        assert!(WholeText::new(&"x".repeat(2_049)).is_cut());
    }

    #[test]
    fn a_round_trip_changes_nothing() {
        for text in [
            "Signify",
            "evil\u{202e}",
            &"é\u{202e}".repeat(90),
            &format!("{} y", "x".repeat(63)),
            &"x".repeat(65),
            "already cut…",
            "a …",
            "⟨U+202E⟩",
        ] {
            let safe = SafeText::new(text);
            assert_eq!(SafeText::from(String::from(safe.clone())), safe);
        }
    }
}
