//! The string types of ASN.1 ([X.680] section 41), read strictly.
//!
//! What a type does not allow is neither dropped nor passed for text: it stays a [`Piece`] that is
//! shown as what it is.
//! RFC 5280 section 4.1.2.4 lets names be in any of five types, and RFC 4519 and PKCS #9 add more;
//! devices use all of them, and use them wrongly.
//!
//! [X.680]: https://www.itu.int/rec/T-REC-X.680

use x509_parser::der_parser::asn1_rs::{Any, Class, Tag};

use crate::text::Piece;

/// Reads an attribute's value.
///
/// Strings in DER are primitive (X.690 section 10.2), and anything else is no string.
pub(super) fn read(value: &Any<'_>) -> Vec<Piece> {
    let bytes = value.data;
    if value.class() != Class::Universal || value.header.is_constructed() {
        return other(bytes);
    }
    match value.tag() {
        Tag::BmpString => bmp(bytes),
        Tag::Ia5String => ia5(bytes),
        Tag::NumericString => restricted(bytes, |byte| matches!(byte, b'0'..=b'9' | b' ')),
        Tag::PrintableString => restricted(bytes, is_printable),
        Tag::T61String => t61(bytes),
        Tag::UniversalString => universal(bytes),
        Tag::Utf8String => utf8(bytes),
        Tag::VisibleString => restricted(bytes, is_graphic),
        _ => other(bytes),
    }
}

/// Reads an `IA5String` without its tag, as a subject alternative name has it.
pub(super) fn ia5(bytes: &[u8]) -> Vec<Piece> {
    let piece = |byte: &u8| match byte {
        0..=0x7F => Piece::Char(char::from(*byte)),
        _ => Piece::Byte(*byte),
    };
    bytes.iter().map(piece).collect()
}

/// What is no string at all. Its ASCII is still worth reading, with a grain of salt.
pub(super) fn other(bytes: &[u8]) -> Vec<Piece> {
    restricted(bytes, |_| false)
}

/// UTF-16 in what should be UCS-2: pairs of surrogates are read, but they are not allowed
/// (X.680 section 41.16), and half of a pair is no character.
fn bmp(bytes: &[u8]) -> Vec<Piece> {
    let (pairs, odd) = bytes.split_at(bytes.len() - bytes.len() % 2);
    let units = pairs
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut pieces = Vec::with_capacity(pairs.len() / 2);
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) if u32::from(c) > 0xFFFF => pieces.push(Piece::Doubtful(c)),
            Ok(c) => pieces.push(Piece::Char(c)),
            Err(half) => pieces.extend(half.unpaired_surrogate().to_be_bytes().map(Piece::Byte)),
        }
    }
    pieces.extend(odd.iter().copied().map(Piece::Byte));
    pieces
}

/// T.61 has shifts, and accents that come before their letter; nobody ever wrote certificates
/// so.
/// OpenSSL and those who follow it write and read Latin-1 ([`openssl req`], "BUGS"), Windows reads
/// UTF-8 ([dotnet/corefx#30572]): what is not ASCII is the writer's guess and the reader's.
///
/// [`openssl req`]: https://docs.openssl.org/master/man1/openssl-req/#bugs
/// [dotnet/corefx#30572]: https://github.com/dotnet/corefx/pull/30572
fn t61(bytes: &[u8]) -> Vec<Piece> {
    let piece = |byte: &u8| match byte {
        0..=0x7F => Piece::Char(char::from(*byte)),
        // The control characters of Latin-1.
        0x80..=0x9F => Piece::Byte(*byte),
        0xA0.. => Piece::Doubtful(char::from(*byte)),
    };
    bytes.iter().map(piece).collect()
}

/// UTF-32.
fn universal(bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(bytes.len() / 4);
    for quad in bytes.chunks(4) {
        let code = <[u8; 4]>::try_from(quad).map(u32::from_be_bytes).ok();
        match code.and_then(char::from_u32) {
            Some(c) => pieces.push(Piece::Char(c)),
            None => pieces.extend(quad.iter().copied().map(Piece::Byte)),
        }
    }
    pieces
}

fn utf8(bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        pieces.extend(chunk.valid().chars().map(Piece::Char));
        pieces.extend(chunk.invalid().iter().copied().map(Piece::Byte));
    }
    pieces
}

/// A part of ASCII. The rest of ASCII is not allowed, but there is only one way to read it.
fn restricted(bytes: &[u8], is_allowed: impl Fn(u8) -> bool) -> Vec<Piece> {
    let piece = |byte: &u8| match *byte {
        byte if is_allowed(byte) => Piece::Char(char::from(byte)),
        byte if is_graphic(byte) => Piece::Doubtful(char::from(byte)),
        byte => Piece::Byte(byte),
    };
    bytes.iter().map(piece).collect()
}

/// X.680 table 10.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte)
}

fn is_graphic(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}
