//! Scripts that honest names do not mix ([UTS 39] section 5).
//!
//! [UTS 39]: https://www.unicode.org/reports/tr39/

use icu_properties::props::Script;
use icu_properties::script::{ScriptWithExtensions, ScriptWithExtensionsBorrowed};

/// Whether a name mixes scripts as honest names do not.
///
/// Its words together have to be Moderately Restrictive, so `شركة Huawei` is fine and Cyrillic or
/// Greek words beside Latin ones are not; and each word Highly Restrictive, so that a letter of
/// another script hides in none.
/// Characters that may not stand in identifiers, which both levels exclude, are what the rest of
/// [`text`](super) deals with.
pub(super) fn is_mixed(text: &str) -> bool {
    !is_moderate(text) || !text.split(|c: char| !is_in_word(c)).all(is_high)
}

/// One writing system, and Latin beside one that is used with it.
fn is_high(text: &str) -> bool {
    let (all, but_latin) = (Writing::of(text.chars()), Writing::of_others(text));
    all.is_one() || but_latin.han || but_latin.hangul || but_latin.kana
}

/// As [`is_high`], and Latin beside any one script of today whose letters are told from it.
fn is_moderate(text: &str) -> bool {
    is_high(text) || Writing::of_others(text).has_any_of(&BESIDE_LATIN)
}

/// Marks belong to the word that they stand in, punctuation does not.
fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || !matches!(properties().get_script_val(c), Script::Common)
}

/// The writing systems that all characters of a text are used in: its resolved script set
/// (UTS 39 section 5.1).
struct Writing {
    /// The scripts; `None` where every script is possible.
    scripts: Option<Vec<Script>>,
    /// Chinese with Bopomofo.
    han: bool,
    /// Korean.
    hangul: bool,
    /// Japanese.
    kana: bool,
}

impl Writing {
    fn of(chars: impl Iterator<Item = char>) -> Self {
        let mut writing = Self {
            scripts: None,
            han: true,
            hangul: true,
            kana: true,
        };
        chars.for_each(|c| writing.intersect(c));
        writing
    }

    /// Of all that is not Latin.
    fn of_others(text: &str) -> Self {
        let is_latin = |c: &char| properties().has_script(*c, Script::Latin);
        Self::of(text.chars().filter(|c| !is_latin(c)))
    }

    fn is_one(&self) -> bool {
        let is_one_script = self.scripts.as_ref().is_none_or(|it| !it.is_empty());
        is_one_script || self.han || self.hangul || self.kana
    }

    fn has_any_of(&self, wanted: &[Script]) -> bool {
        let scripts = self.scripts.as_deref().unwrap_or_default();
        scripts.iter().any(|script| wanted.contains(script))
    }

    fn intersect(&mut self, c: char) {
        let extensions = properties().get_script_extensions_val(c);
        let has = |script: &Script| extensions.contains(script);
        if has(&Script::Common) || has(&Script::Inherited) {
            return;
        }
        self.han &= has(&Script::Han) || has(&Script::Bopomofo);
        self.hangul &= has(&Script::Han) || has(&Script::Hangul);
        self.kana &= has(&Script::Han) || has(&Script::Hiragana) || has(&Script::Katakana);
        match &mut self.scripts {
            Some(scripts) => scripts.retain(has),
            None => self.scripts = Some(extensions.iter().collect()),
        }
    }
}

fn properties() -> ScriptWithExtensionsBorrowed<'static> {
    ScriptWithExtensions::new()
}

/// The scripts of UAX 31 table 5 ("Recommended"), without Latin itself, and without Cyrillic and
/// Greek, as UTS 39 has it: too many of their letters are Latin letters to the eye.
const BESIDE_LATIN: [Script; 26] = [
    Script::Arabic,
    Script::Armenian,
    Script::Bengali,
    Script::Bopomofo,
    Script::Devanagari,
    Script::Ethiopian,
    Script::Georgian,
    Script::Gujarati,
    Script::Gurmukhi,
    Script::Han,
    Script::Hangul,
    Script::Hebrew,
    Script::Hiragana,
    Script::Kannada,
    Script::Katakana,
    Script::Khmer,
    Script::Lao,
    Script::Malayalam,
    Script::Myanmar,
    Script::Oriya,
    Script::Sinhala,
    Script::Tamil,
    Script::Telugu,
    Script::Thaana,
    Script::Thai,
    Script::Tibetan,
];
