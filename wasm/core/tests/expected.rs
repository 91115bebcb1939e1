//! What people type as the expected fingerprint or code, and what comparing it says.
//!
//! Each file in `expected/` is one group of cases. `device NAME TIER` says which certificate of
//! `certificates/` is presented and who vouches for it, `id …` what the device calls itself instead;
//! a line `> …` is typed, and the line `< …` below it is the answer. `#` begins a comment; `\n`,
//! `\t` and `\u{…}` in a line stand for what they do in Rust. `UPDATE_EXPECT=1` writes the answers.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use housekey_core::certificate::Certificate;
use housekey_core::chain::{Anchor, ChainVerdict};
use housekey_core::expected::{Comparison, compare};
use housekey_core::identity::Identity;
use housekey_core::maker::NameRule;
use housekey_core::text::SafeText;
use proptest::prelude::*;

#[test]
fn what_is_typed_is_compared_as_the_files_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected");
    let mut cases = 0;
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let expected = fs::read_to_string(&path).unwrap();
        let said = answer(&expected);
        cases += said.lines().filter(|line| line.starts_with('<')).count();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &said).unwrap();
            continue;
        }
        assert_eq!(said, expected, "{}", path.display());
    }
    assert!(cases >= 100, "only {cases} cases were found");
}

proptest! {
    #[test]
    fn nothing_typed_makes_it_panic_or_is_proof_by_chance(typed in "\\PC{0,80}") {
        let (leaf, identity) = device("bridge unverified");
        let comparison = compare(&typed, &leaf, &identity);
        let is_match = matches!(comparison, Comparison::Matches { .. });
        prop_assert!(!is_match, "{:?}: {:?}", typed, comparison);
    }

    /// However a fingerprint is grouped and spelled, it matches; with one digit changed, never.
    #[test]
    fn only_the_whole_fingerprint_matches(
        group in 1_usize..=64,
        separator in "[ :.-]",
        upper: bool,
        at in 0_usize..64,
    ) {
        let (leaf, identity) = device("bridge unverified");
        let spell = |digits: &str| {
            let groups: Vec<_> = digits.as_bytes().chunks(group).collect();
            let text = String::from_utf8(groups.join(separator.as_bytes())).unwrap();
            if upper { text.to_uppercase() } else { text }
        };
        for digits in [leaf.sha256.to_string(), leaf.spki_sha256.to_string()] {
            let comparison = compare(&spell(&digits), &leaf, &identity);
            let is_match = matches!(comparison, Comparison::Matches { .. });
            prop_assert!(is_match, "{:?}", comparison);
            let changed = if digits.as_bytes()[at] == b'0' { "1" } else { "0" };
            let mut other = digits.clone();
            other.replace_range(at..=at, changed);
            let comparison = compare(&spell(&other), &leaf, &identity);
            let is_other = matches!(comparison, Comparison::Differs { .. });
            prop_assert!(is_other, "{:?}", comparison);
            let comparison = compare(&spell(&digits[..at]), &leaf, &identity);
            let is_match = matches!(comparison, Comparison::Matches { .. });
            prop_assert!(!is_match, "{:?}", comparison);
        }
    }
}

fn answer(cases: &str) -> String {
    let mut presented = None;
    let mut said = String::new();
    for line in cases.lines().filter(|line| !line.starts_with('<')) {
        writeln!(said, "{line}").unwrap();
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        match what {
            "device" => presented = Some(device(rest)),
            "id" => {
                let (_, identity) = presented.as_mut().unwrap();
                identity.device_id = Some(SafeText::new(&unescape(rest)));
            }
            ">" => {
                let (leaf, identity) = presented.as_ref().unwrap();
                let comparison = compare(&unescape(rest), leaf, identity);
                let json = serde_json::to_string(&comparison).unwrap();
                let again: Comparison = serde_json::from_str(&json).unwrap();
                assert_eq!(again, comparison);
                writeln!(said, "< {json}").unwrap();
            }
            _ => assert!(line.is_empty() || what == "#", "{line}"),
        }
    }
    said
}

/// `NAME TIER`
fn device(device: &str) -> (Certificate, Identity) {
    let (name, tier) = device.split_once(' ').unwrap();
    let path = format!(
        "{}/tests/certificates/{name}.der",
        env!("CARGO_MANIFEST_DIR")
    );
    let leaf = Certificate::from_der(&fs::read(path).unwrap()).unwrap();
    let verified = |anchor| ChainVerdict::Verified { anchor };
    let verdict = match tier {
        "company" => verified(Anchor::System {
            name: SafeText::new("DigiCert Inc"),
        }),
        "maker" => verified(Anchor::Manufacturer {
            id: "philips-hue".parse().unwrap(),
            name: SafeText::new("Philips Hue"),
            rule: NameRule::default(),
        }),
        "unverified" => ChainVerdict::UnknownIssuer,
        _ => panic!("{tier}"),
    };
    let identity = Identity::of(&leaf, &verdict, leaf.not_before).unwrap();
    (leaf, identity)
}

fn unescape(text: &str) -> String {
    let mut unescaped = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        unescaped.push_str(before);
        rest = match after.split_at(1) {
            ("n", rest) => {
                unescaped.push('\n');
                rest
            }
            ("t", rest) => {
                unescaped.push('\t');
                rest
            }
            ("u", rest) => {
                let (code, rest) = rest.strip_prefix('{').unwrap().split_once('}').unwrap();
                let code = u32::from_str_radix(code, 16).unwrap();
                unescaped.push(char::from_u32(code).unwrap());
                rest
            }
            _ => panic!("{text}"),
        };
    }
    unescaped + rest
}
