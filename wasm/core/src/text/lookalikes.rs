//! Letters that look like Latin ones and are not ([UTS 39] section 4).
//!
//! [UTS 39]: https://www.unicode.org/reports/tr39/

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, Script};
use icu_properties::script::ScriptWithExtensions;

/// Whether a name reads as a Latin one and is written with other letters: every letter and digit
/// in it is Latin or looks like that, and at least one only looks like it.
pub(super) fn is_disguise(text: &str) -> bool {
    let mut is_disguise = false;
    for c in text.chars().filter(|c| !c.is_ascii()) {
        if is_lookalike(c) {
            is_disguise = true;
        } else if is_letter(c) && !is_latin(c) {
            return false;
        }
    }
    is_disguise
}

fn is_lookalike(c: char) -> bool {
    let after = LOOKALIKES.partition_point(|(first, _)| *first <= c);
    after > 0 && c <= LOOKALIKES[after - 1].1
}

fn is_latin(c: char) -> bool {
    ScriptWithExtensions::new().get_script_val(c) == Script::Latin
}

fn is_letter(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(
        category,
        GeneralCategory::DecimalNumber
            | GeneralCategory::LetterNumber
            | GeneralCategory::LowercaseLetter
            | GeneralCategory::ModifierLetter
            | GeneralCategory::OtherLetter
            | GeneralCategory::OtherNumber
            | GeneralCategory::TitlecaseLetter
            | GeneralCategory::UppercaseLetter
    )
}

/// First and last of each range, in order.
///
/// These are the letters and digits whose prototypes in Unicode's `confusables.txt` are ASCII
/// letters and digits, and Latin letters in circles and squares; but none that is a letter of
/// today's Latin script itself, as the Turkish `ı` is.
/// The whole of `confusables.txt` is twenty times as large, and only a test needs it.
const LOOKALIKES: &[(char, char)] = &include!("lookalikes.in");

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use unicode_security::GeneralSecurityProfile as _;
    use unicode_security::confusable_detection::skeleton;

    use super::*;

    /// Where Unicode moves on, the failure says what the table has to be.
    #[test]
    fn the_table_is_unicodes() {
        let is_in = |c: &char| is_letter(*c) && is_confusable(*c) || is_enclosed(*c);
        let mut ranges: Vec<(char, char)> = Vec::new();
        for c in ('\u{100}'..=char::MAX).filter(is_in) {
            match ranges.last_mut() {
                Some((_, last)) if u32::from(*last) + 1 == u32::from(c) => *last = c,
                _ => ranges.push((c, c)),
            }
        }
        let needed = table(&ranges);
        assert!(LOOKALIKES == ranges, "lookalikes.in has to hold:\n{needed}");
    }

    fn is_confusable(c: char) -> bool {
        let mut prototype = skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>();
        prototype.retain(|c| !c.is_ascii_alphanumeric());
        prototype.is_empty() && !(is_latin(c) && c.identifier_allowed())
    }

    fn is_enclosed(c: char) -> bool {
        matches!(c,
            'Ⓐ'..='ⓩ' | '\u{1f110}'..='\u{1f129}' | '\u{1f130}'..='\u{1f149}'
            | '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}')
    }

    fn table(ranges: &[(char, char)]) -> String {
        let mut table = "[\n".to_owned();
        for line in ranges.chunks(4) {
            let escape = |c: char| format!("'\\u{{{:x}}}'", u32::from(c));
            table.push_str("   ");
            for (first, last) in line {
                write!(table, " ({}, {}),", escape(*first), escape(*last)).unwrap();
            }
            table.push('\n');
        }
        table + "]\n"
    }
}
