//! Words: a key's fingerprint, to read aloud and to type.
//!
//! Twelve words of the English list of [BIP-39] hold the first 132 bits of the SHA-256 of the key.
//! They are no secret and no wallet; the list is taken because its words are short, well known, and
//! told apart by their first four letters.
//!
//! 132 bits are enough because a forger has to meet words that are there already: that takes 2^132
//! keys, or 2^132 / *n* against *n* devices at once.
//! (A collision between two keys of the forger's own takes 2^66, and gains nothing: the person
//! compares with the words of a key that somebody else made.)
//!
//! [BIP-39]: https://github.com/bitcoin/bips/blob/master/bip-0039/bip-0039-wordlists.md

use std::fmt;

use bip39::Language;

use crate::fingerprint::SpkiSha256;

/// The beginning of a key's fingerprint, as [`Words::COUNT`] words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words([u16; Words::COUNT]);

impl Words {
    /// How many there are.
    pub const COUNT: usize = 12;
    /// How many of them are shown together: what people keep in mind between two looks.
    pub const GROUP: usize = 3;

    /// The words of a key.
    #[must_use]
    pub fn of(key: SpkiSha256) -> Self {
        Self(std::array::from_fn(|at| {
            let bit = at * BITS;
            let window = key.as_bytes()[bit / 8..]
                .iter()
                .take(3)
                .fold(0_u32, |window, byte| window << 8 | u32::from(*byte));
            // Eleven bits, so it always fits.
            (window >> (24 - BITS - bit % 8)) as u16 & MASK
        }))
    }

    /// Reads what a person typed: of either case, with anything between the words that is no
    /// letter, and with no more of a word than its first four letters.
    ///
    /// # Errors
    ///
    /// [`WordsError`] for anything but [`Words::COUNT`] words of the list.
    pub fn read(typed: &str) -> Result<Self, WordsError> {
        let mut words = [0; Self::COUNT];
        let mut has = 0;
        for word in split(typed) {
            let found = find(word).ok_or(WordsError::Unknown { at: has + 1 })?;
            *words.get_mut(has).ok_or(WordsError::TooMany)? = found;
            has += 1;
        }
        match has {
            Self::COUNT => Ok(Self(words)),
            _ => Err(WordsError::TooFew { has }),
        }
    }

    /// Whether a text seems to be meant as a key's words: three or more of it are in the list, and
    /// at least as many as are not.
    #[must_use]
    pub fn seem_to_be(typed: &str) -> bool {
        let (known, unknown): (Vec<_>, Vec<_>) =
            split(typed).partition(|word| find(word).is_some());
        known.len() >= Self::GROUP && known.len() >= unknown.len()
    }

    /// The words, in their groups.
    pub fn groups(&self) -> impl Iterator<Item = [&'static str; Self::GROUP]> {
        let list = Language::English.word_list();
        self.0
            .chunks_exact(Self::GROUP)
            .map(|group| std::array::from_fn(|at| list[usize::from(group[at] & MASK)]))
    }
}

impl fmt::Display for Words {
    /// Groups of three, with commas between them, at which a voice takes a break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.groups().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}", group.join(" "))?;
        }
        Ok(())
    }
}

/// Why a text is not a key's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// Some are missing.
    #[error("there are only {has} words")]
    TooFew {
        /// How many there are.
        has: usize,
    },
    /// There are more than [`Words::COUNT`].
    #[error("there are too many words")]
    TooMany,
    /// One of them is not in the list.
    #[error("word {at} is not in the list")]
    Unknown {
        /// Which one, counted from one.
        at: usize,
    },
}

fn split(typed: &str) -> impl Iterator<Item = &str> {
    let words = typed.split(|c: char| !c.is_alphabetic());
    words.filter(|word| !word.is_empty())
}

/// The place of a word in the list, by the whole of it or by its first four letters or more.
fn find(word: &str) -> Option<u16> {
    if word.len() > MAX_LETTERS {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let list = Language::English.word_list();
    // What begins with the word comes next to where the word itself is or would be.
    let at = list.partition_point(|it| *it < word.as_str());
    let found = list.get(at)?;
    let fits = *found == word || (word.len() >= UNIQUE_LETTERS && found.starts_with(&word));
    u16::try_from(at).ok().filter(|_| fits)
}

/// 2,048 words.
const BITS: usize = 11;
const MASK: u16 = 0x7FF;
/// No two words of the list begin with the same four letters.
const UNIQUE_LETTERS: usize = 4;
const MAX_LETTERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those that BIP-39 itself gives to the same bits.
    #[test]
    fn words_are_bip39s() {
        for text in ["", "a", "key", "another key"] {
            let key = SpkiSha256::of(text.as_bytes());
            let mnemonic = bip39::Mnemonic::from_entropy(key.as_bytes()).unwrap();
            let expected: Vec<_> = mnemonic.words().take(Words::COUNT).collect();
            let words: Vec<_> = Words::of(key).groups().flatten().collect();
            assert_eq!(words, expected);
        }
    }

    #[test]
    fn every_word_is_found_by_itself_and_by_four_letters() {
        for (at, word) in Language::English.word_list().iter().enumerate() {
            assert_eq!(find(word).map(usize::from), Some(at), "{word}");
            let short = &word[..word.len().min(UNIQUE_LETTERS)];
            assert_eq!(find(short).map(usize::from), Some(at), "{short}");
            assert!(word.len() <= MAX_LETTERS);
        }
    }

    #[test]
    fn no_fewer_letters_and_nothing_else_is_a_word() {
        for text in [
            "",
            "ab",
            "aba",
            "abandons",
            "abandonabandon",
            "äbandon",
            "zzzz",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_however_it_is_typed() {
        let words = Words::of(SpkiSha256::of(b""));
        let shown = words.to_string();
        assert_eq!(shown.matches(", ").count(), 3, "{shown}");
        let numbered: String = shown
            .split([',', ' '])
            .filter(|it| !it.is_empty())
            .enumerate()
            .map(|(at, word)| format!("{}. {}\n", at + 1, &word[..word.len().min(4)]))
            .collect();
        for typed in [
            shown.clone(),
            shown.to_uppercase(),
            shown.replace(", ", "-").replace(' ', "-"),
            format!("  {} ", shown.replace(',', "")),
            numbered,
        ] {
            assert_eq!(Words::read(&typed), Ok(words), "{typed}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_cause() {
        let shown = Words::of(SpkiSha256::of(b"")).to_string();
        let eleven = shown.rsplit_once(' ').unwrap().0;
        assert_eq!(Words::read(""), Err(WordsError::TooFew { has: 0 }));
        assert_eq!(Words::read(eleven), Err(WordsError::TooFew { has: 11 }));
        let more = format!("{shown} abandon");
        assert_eq!(Words::read(&more), Err(WordsError::TooMany));
        let odd = format!("{eleven} housekey");
        assert_eq!(Words::read(&odd), Err(WordsError::Unknown { at: 12 }));
    }
}
