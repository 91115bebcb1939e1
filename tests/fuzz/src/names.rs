//! Names in certificates, attribute by attribute: a certificate as a whole rarely survives what
//! libFuzzer does to its lengths, so they are written around each value here.

use housekey_core::certificate::{Certificate, MAX_ORGANISATIONS, WholeNames};
use housekey_core::text::{SafeText, WholeText};
use unicode_normalization::UnicodeNormalization as _;

use crate::der::{SEQUENCE, bits, tlv};

/// Attributes, one after the other: what it tells, its string type, the length of its value in two
/// bytes, its value. They never make a certificate unreadable, and are harmless to show.
pub fn names(data: &[u8]) {
    let der = certificate(data);
    let Ok(certificate) = Certificate::from_der(&der) else {
        panic!("a name makes a certificate unreadable");
    };
    let Ok(whole) = WholeNames::from_der(&der) else {
        panic!("what can be read in short cannot be read whole");
    };
    assert!(certificate.subject.organisations.len() <= MAX_ORGANISATIONS);
    let subject = &certificate.subject;
    let texts = subject.common_name.iter().chain(&subject.organisations);
    let texts = texts.chain(&subject.serial_number);
    texts.chain(&certificate.names).for_each(is_harmless);
    for attribute in whole.subject.iter().chain(&whole.issuer) {
        is_harmless(&attribute.oid);
        is_harmless_whole(&attribute.value);
    }
    whole.alternatives.iter().for_each(is_harmless_whole);
}

/// Nothing in it is hidden, and it stays as it is on the way through a file or a message.
pub(crate) fn is_harmless(text: &SafeText) {
    is_visible(text.as_str(), SafeText::MAX_CHARS);
    assert_eq!(
        SafeText::from(String::from(text.clone())),
        *text,
        "it is made harmless twice"
    );
}

fn is_harmless_whole(text: &WholeText) {
    is_visible(text.as_str(), WholeText::MAX_CHARS);
    assert_eq!(
        WholeText::from(String::from(text.clone())),
        *text,
        "it is made harmless twice"
    );
}

fn is_visible(text: &str, max: usize) {
    let hidden = text.chars().find(|c| is_hidden(*c));
    assert_eq!(hidden, None, "{text:?}");
    assert!(text.nfc().eq(text.chars()), "not composed: {text:?}");
    assert!(text.chars().count() <= max + usize::from(text.ends_with('…')));
    assert!(!text.contains("  ") && text.trim_matches(' ') == text);
}

/// From Unicode's lists, not the core's.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{10ffff}')
}

/// A certificate of these attributes, signed by nobody.
fn certificate(mut data: &[u8]) -> Vec<u8> {
    let (mut subject, mut issuer, mut alternatives) = (Vec::new(), Vec::new(), Vec::new());
    while let [what, string, high, low, rest @ ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (value, after) = rest.split_at(length);
        data = after;
        // As large as a certificate that is still read.
        if subject.len() + issuer.len() + alternatives.len() + length > MAX_BYTES {
            break;
        }
        let attribute = |kind: u8| {
            let tag = STRINGS[usize::from(*string) % STRINGS.len()];
            let kind = tlv(0x06, &[0x55, 4, kind]);
            tlv(0x31, &tlv(SEQUENCE, &[kind, tlv(tag, value)].concat()))
        };
        match what % 8 {
            6 => alternatives.extend(tlv(0x82, value)),
            7 => alternatives.extend(tlv(0x87, value)),
            5 => issuer.extend(attribute(KINDS[1])),
            kind => subject.extend(attribute(KINDS[usize::from(kind)])),
        }
    }
    whole(&subject, &issuer, &alternatives)
}

fn whole(subject: &[u8], issuer: &[u8], alternatives: &[u8]) -> Vec<u8> {
    // ecdsa-with-SHA256; id-ecPublicKey on prime256v1.
    let algorithm = tlv(
        SEQUENCE,
        &tlv(0x06, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]),
    );
    let kind = [
        tlv(0x06, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]),
        tlv(0x06, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]),
    ];
    let key = [tlv(SEQUENCE, &kind.concat()), bits(&[4; 65])].concat();
    let validity = [tlv(0x17, b"250101000000Z"), tlv(0x17, b"450101000000Z")].concat();
    let mut parts = vec![
        tlv(0xA0, &tlv(0x02, &[2])),
        tlv(0x02, &[1]),
        algorithm.clone(),
        tlv(SEQUENCE, issuer),
        tlv(SEQUENCE, &validity),
        tlv(SEQUENCE, subject),
        tlv(SEQUENCE, &key),
    ];
    if !alternatives.is_empty() {
        let oid = tlv(0x06, &[0x55, 0x1D, 0x11]);
        let names = tlv(0x04, &tlv(SEQUENCE, alternatives));
        let extension = tlv(SEQUENCE, &[oid, names].concat());
        parts.push(tlv(0xA3, &tlv(SEQUENCE, &extension)));
    }
    let signed = tlv(SEQUENCE, &parts.concat());
    tlv(SEQUENCE, &[signed, algorithm, bits(&[0; 8])].concat())
}

/// X.520's common name, organisation, organisational unit, serial number and title.
const KINDS: [u8; 5] = [3, 10, 11, 5, 12];
/// ASN.1's string types, and others that stand where a string should be.
const STRINGS: [u8; 13] = [
    0x0C, 0x13, 0x1E, 0x14, 0x1C, 0x16, 0x1A, 0x12, 0x1B, 0x03, 0x04, 0x2C, 0xCC,
];
const MAX_BYTES: usize = 24_000;
