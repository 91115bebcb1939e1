//! A certificate of X.509 version 1, which rcgen cannot make: written as DER (X.690) by hand.

use anyhow::{Result, ensure};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use time::OffsetDateTime;

use super::Subject;

/// RFC 5280 section 4.1, with the version left out (so v1) and therefore no extensions.
pub(super) fn self_signed(subject: &Subject, key: &KeyPair) -> Result<Vec<u8>> {
    ensure!(
        key.is_compatible(&PKCS_ECDSA_P256_SHA256),
        "a v1 certificate wants a P-256 key"
    );
    let (not_before, not_after) = subject.validity.dates();
    let tbs = sequence(&[
        tlv(INTEGER, &[0x01, 0x5e, 0x91, 0x07]),
        ECDSA_WITH_SHA256.to_vec(),
        name(subject),
        sequence(&[date(not_before), date(not_after)]),
        name(subject),
        key.subject_public_key_info(),
    ]);
    let signature = [&[0x00][..], &key.sign(&tbs)?].concat();
    Ok(sequence(&[
        tbs,
        ECDSA_WITH_SHA256.to_vec(),
        tlv(BIT_STRING, &signature),
    ]))
}

fn name(subject: &Subject) -> Vec<u8> {
    let attributes: Vec<_> = subject
        .names
        .iter()
        .map(|(kind, value)| {
            let value = tlv(UTF8_STRING, value.as_bytes());
            tlv(
                SET,
                &sequence(&[tlv(OBJECT_IDENTIFIER, &kind.oid()), value]),
            )
        })
        .collect();
    sequence(&attributes)
}

/// UTCTime, with its two digits for the year (RFC 5280 section 4.1.2.5.1).
fn date(date: OffsetDateTime) -> Vec<u8> {
    let text = format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        date.year() % 100,
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
    );
    tlv(UTC_TIME, text.as_bytes())
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// Tag, definite length, value; lengths up to 65,535 are all a certificate needs.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let [.., high, low] = value.len().to_be_bytes();
    let length = match value.len() {
        0..=0x7f => vec![low],
        0x80..=0xff => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag][..], &length, value].concat()
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758 section 3.2).
const ECDSA_WITH_SHA256: [u8; 12] = [
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];
