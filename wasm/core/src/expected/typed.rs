//! What a person typed, told apart by its form alone.

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE as HEX};

use super::Mark;
use crate::text::{self, SafeText};
use crate::words::{Words, WordsError};

/// One thing that a device could be known by.
pub(super) enum Typed {
    /// Maybe a device's identifier, or its end.
    Code(DeviceCode),
    Empty,
    Md5,
    Sha1([u8; 20]),
    Sha256([u8; 32]),
    TooShort {
        what: Mark,
        has: usize,
        needs: usize,
    },
    Unreadable,
    Words(Result<Words, WordsError>),
}

/// Letters and digits of an identifier, in lower case.
#[derive(PartialEq, Eq)]
pub(super) struct DeviceCode(String);

/// The hash that a text says it was made with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha1,
    Sha256,
}

impl Typed {
    /// Reads the spellings of browsers (`AB:CD…`), OpenSSL (`sha256 Fingerprint=AB:CD…`), curl
    /// (`sha256//…=`), ssh (`SHA256:…`) and HPKP (`pin-sha256="…="`), words, and identifiers.
    ///
    /// A fingerprint is what says so, or has the length of one, or more pairs with colons between
    /// them than an address of hardware has.
    pub(super) fn read(typed: &str) -> Self {
        if typed.len() > MAX_BYTES {
            return Self::Unreadable;
        }
        let text = tidy(typed);
        let text = text.trim_matches([' ', '"', '\'']);
        if text.is_empty() {
            return Self::Empty;
        }
        match hash(text) {
            Some((Hash::Md5, _)) => Self::Md5,
            Some((Hash::Sha1, rest)) => Self::sha1(rest),
            Some((Hash::Sha256, rest)) => Self::sha256(rest),
            None => Self::unlabelled(text),
        }
    }

    fn unlabelled(text: &str) -> Self {
        if let Some(digits) = hex(text) {
            let pairs = text
                .split(':')
                .filter(|pair| pair.trim().len() == 2)
                .count();
            return match digits.len() {
                HEX_SHA1 => Self::sha1(text),
                HEX_SHA256 => Self::sha256(text),
                HEX_MD5 if pairs * 2 == HEX_MD5 => Self::Md5,
                has if has > HEX_SHA256 => Self::Unreadable,
                has if has > MAX_CODE || pairs > MAX_ADDRESS_PAIRS => Self::TooShort {
                    what: Mark::CertificateSha256,
                    has,
                    needs: HEX_SHA256,
                },
                _ => DeviceCode::typed(text).map_or(Self::Unreadable, Self::Code),
            };
        }
        if let Some(bytes) = base64(text) {
            return Self::Sha256(bytes);
        }
        if Words::seem_to_be(text) {
            return Self::Words(Words::read(text));
        }
        DeviceCode::typed(text).map_or(Self::Unreadable, Self::Code)
    }

    fn sha1(text: &str) -> Self {
        let what = Mark::CertificateSha1;
        match hex(text).map(|digits| (digits.len(), decoded(&digits))) {
            Some((_, Some(bytes))) => Self::Sha1(bytes),
            Some((has, None)) if has < HEX_SHA1 => Self::TooShort {
                what,
                has,
                needs: HEX_SHA1,
            },
            _ => Self::Unreadable,
        }
    }

    fn sha256(text: &str) -> Self {
        // HPKP writes one slash, curl two; base64 may begin with a third.
        let bare = text.strip_prefix('/').unwrap_or(text);
        let candidates = [text, bare, bare.strip_prefix('/').unwrap_or(bare)];
        if let Some(bytes) = candidates.into_iter().find_map(base64) {
            return Self::Sha256(bytes);
        }
        match hex(text).map(|digits| (digits.len(), decoded(&digits))) {
            Some((_, Some(bytes))) => Self::Sha256(bytes),
            Some((has, None)) if has < HEX_SHA256 => Self::TooShort {
                what: Mark::CertificateSha256,
                has,
                needs: HEX_SHA256,
            },
            _ => Self::Unreadable,
        }
    }
}

impl DeviceCode {
    /// What the device calls itself, unless that hides or lacks something.
    pub(super) fn of_device(id: &SafeText) -> Option<Self> {
        let is_honest = !id.is_suspicious() && !id.is_cut();
        Self::of(id.as_str()).filter(|_| is_honest)
    }

    /// What a person typed. Letters other than ASCII are in no identifier that could be compared.
    fn typed(text: &str) -> Option<Self> {
        Self::of(text).filter(|code| code.len() <= MAX_CODE && !code.0.is_empty())
    }

    fn of(text: &str) -> Option<Self> {
        let is_plain = text.chars().all(|c| c.is_ascii() || !c.is_alphanumeric());
        let code = text.chars().filter(char::is_ascii_alphanumeric);
        is_plain.then(|| Self(code.map(|c| c.to_ascii_lowercase()).collect()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn ends_with(&self, ending: &Self) -> bool {
        self.0.ends_with(&ending.0)
    }

    pub(super) fn is_hex(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether it is of the same kind as an identifier and no longer, so that it may be meant for
    /// another device's.
    pub(super) fn could_be(&self, id: &Self) -> bool {
        let is_digits = |code: &Self| code.0.bytes().all(|byte| byte.is_ascii_digit());
        self.len() <= id.len()
            && (self.is_hex() || !id.is_hex())
            && (is_digits(self) || !is_digits(id))
    }
}

/// Copying brings along what nobody sees (Windows puts U+200E before a certificate's thumbprint),
/// and word processors change dashes and quotation marks.
fn tidy(typed: &str) -> String {
    let tidied = |c: char| match c {
        c if c.is_whitespace() => Some(' '),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '“' | '”' | '„' | '«' | '»' => Some('"'),
        c if text::is_hidden(c) => None,
        c => Some(c),
    };
    typed.chars().filter_map(tidied).collect()
}

/// The hash that a text names, and what follows.
fn hash(text: &str) -> Option<(Hash, &str)> {
    // Only ASCII changes, so that positions stay the same.
    let lower = text.to_ascii_lowercase();
    let (at, name, hash) = HASHES
        .iter()
        .filter_map(|(name, hash)| Some((lower.find(name)?, *name, *hash)))
        .min_by_key(|(at, ..)| *at)?;
    let is_label = |c: char| c.is_alphabetic() || " -(\"'".contains(c);
    let is_own_word = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let (before, after) = (&text[..at], &text[at + name.len()..]);
    if !before.chars().all(is_label)
        || !is_own_word(before.chars().next_back())
        || !is_own_word(after.chars().next())
    {
        return None;
    }
    let is_between = |c: char| " ):=\"'".contains(c);
    let mut after = after.trim_start_matches(is_between);
    for word in ["fingerprint", "thumbprint"] {
        if after
            .get(..word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
        {
            after = after[word.len()..].trim_start_matches(is_between);
        }
    }
    Some((hash, after))
}

/// Hexadecimal digits with anything between them that people put there.
fn hex(text: &str) -> Option<String> {
    let text = text.trim_end_matches(is_end);
    let digits: String = text.chars().filter(|c| !" :-.,".contains(*c)).collect();
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(digits)
}

fn decoded<const N: usize>(digits: &str) -> Option<[u8; N]> {
    HEX.decode(digits.as_bytes()).ok()?.try_into().ok()
}

/// 32 bytes in either of base64's alphabets (RFC 4648), with or without its `=`.
fn base64(text: &str) -> Option<[u8; 32]> {
    let text = text.trim_end_matches(is_end);
    let text = text.strip_suffix('=').unwrap_or(text);
    let text = text.replace('-', "+").replace('_', "/");
    BASE64_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn is_end(c: char) -> bool {
    " \"',;.".contains(c)
}

const HASHES: [(&str, Hash); 8] = [
    ("md5", Hash::Md5),
    ("md-5", Hash::Md5),
    ("sha1", Hash::Sha1),
    ("sha-1", Hash::Sha1),
    ("sha 1", Hash::Sha1),
    ("sha256", Hash::Sha256),
    ("sha-256", Hash::Sha256),
    ("sha 256", Hash::Sha256),
];
/// Digits of each fingerprint.
const HEX_MD5: usize = 32;
const HEX_SHA1: usize = 40;
pub(super) const HEX_SHA256: usize = 64;
/// An EUI-64 has eight bytes, and so has a Zigbee or Hue identifier.
const MAX_ADDRESS_PAIRS: usize = 8;
/// A UUID, the longest identifier that is all digits, has 32 of them.
const MAX_CODE: usize = 32;
/// Twelve words take at most 108 bytes, a label and 32 pairs no more than that.
const MAX_BYTES: usize = 512;
