//! What holds of every text that a stranger could write.
//!
//! What is invisible, and what is NFC, is said here by other means than the core's own.

use housekey_core::certificate::{Certificate, WholeNames};
use housekey_core::text::{SafeText, WholeText};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use unicode_normalization::UnicodeNormalization as _;

use super::{ENCODINGS, HostileCertificate};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_text_becomes_harmless_and_stays_as_it_is(text in text()) {
        let safe = SafeText::new(&text);
        check(safe.as_str(), SafeText::MAX_CHARS)?;
        let whole = WholeText::new(&text);
        check(whole.as_str(), WholeText::MAX_CHARS)?;
        prop_assert_eq!(&SafeText::new(safe.as_str()), &safe);
        prop_assert_eq!(&again::<SafeText>(&safe), &safe);
        prop_assert_eq!(&again::<WholeText>(&whole), &whole);
    }

    /// What comes from a file or another process has not been through `new`.
    #[test]
    fn what_is_read_back_is_as_harmless(text in text()) {
        let safe: SafeText = again(&text);
        check(safe.as_str(), SafeText::MAX_CHARS)?;
        prop_assert_eq!(&again::<SafeText>(&safe), &safe);
    }

    #[test]
    fn no_bytes_in_any_encoding_become_harmful(
        bytes in vec(prop_oneof![any::<u8>(), 0x20_u8..0x7F, select(vec![0_u8, 0xD8, 0xDC])], 0..200),
        encoding in select(&ENCODINGS[..]),
    ) {
        let mut certificate = HostileCertificate::default();
        certificate.organisation(encoding, &bytes);
        let der = certificate.der(b"key");
        let leaf = Certificate::from_der(&der).unwrap();
        for name in &leaf.subject.organisations {
            check(name.as_str(), SafeText::MAX_CHARS)?;
            prop_assert_eq!(&again::<SafeText>(name), name);
        }
        let whole = WholeNames::from_der(&der).unwrap();
        let value = &whole.subject[0].value;
        check(value.as_str(), WholeText::MAX_CHARS)?;
        prop_assert_eq!(&again::<WholeText>(value), value);
    }

    #[test]
    fn pure_letters_are_left_alone(name in "[A-Za-z0-9.,&-]{1,30}( [A-Za-z0-9.,&-]{1,30})?") {
        let safe = SafeText::new(&name);
        prop_assert_eq!(safe.as_str(), &name);
        prop_assert!(!safe.is_suspicious());
    }
}

/// Through JSON, as to a file or another process.
fn again<Text: serde::de::DeserializeOwned>(text: &impl serde::Serialize) -> Text {
    serde_json::from_str(&serde_json::to_string(text).unwrap()).unwrap()
}

fn check(text: &str, max: usize) -> Result<(), TestCaseError> {
    let hidden = text.chars().find(|c| is_invisible(*c));
    prop_assert!(hidden.is_none(), "{hidden:?} in {text:?}");
    prop_assert!(text.nfc().eq(text.chars()), "not NFC: {text:?}");
    let count = text.chars().count();
    prop_assert!(
        count <= max + usize::from(text.ends_with('…')),
        "{count} characters"
    );
    prop_assert!(
        !text.contains("  ") && text.trim_matches(' ') == text,
        "{text:?}"
    );
    // The combining marks that fonts pile up highest.
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}');
    let pile = text
        .split(|c| !is_mark(c))
        .map(|marks| marks.chars().count());
    prop_assert!(pile.max().unwrap_or(0) <= 4, "{text:?}");
    prop_assert!(!text.starts_with(is_mark), "{text:?}");
    Ok(())
}

/// From the lists of Unicode's bidirectional, default-ignorable and white-space characters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// Texts of all characters, and more often of those that make trouble.
fn text() -> impl Strategy<Value = String> {
    let trouble = "\u{202e}\u{200d}\u{301}\u{338}\u{308} \u{a0}\n\u{e000}\u{1100}\u{1161}\u{11a8}\
        \u{27e8}\u{27e9}…⟨⟩\u{1e0a}\u{323}\u{307}\u{1133e}\u{11347}\u{2f800}\u{378}\u{feff}\u{212b}";
    let trouble: Vec<char> = trouble.chars().collect();
    let char = prop_oneof![
        2 => select(trouble),
        1 => any::<char>(),
        1 => select(vec!['a', 'b', 'o', 'u', 'A', '1']),
    ];
    prop_oneof![vec(char.clone(), 0..20), vec(char, 60..600)]
        .prop_map(|chars| chars.into_iter().collect())
}
