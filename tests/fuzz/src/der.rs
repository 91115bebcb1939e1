//! As much of DER as it takes to write a certificate (X.690 section 8.1).

/// An element: tag, length, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut tlv = vec![tag];
    match significant {
        [] => tlv.push(0),
        [short] if *short < 0x80 => tlv.push(*short),
        long => {
            tlv.push(0x80 | u8::try_from(long.len()).unwrap_or(u8::MAX));
            tlv.extend(long);
        }
    }
    tlv.extend(value);
    tlv
}

/// A bit string of whole bytes.
pub(crate) fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

pub(crate) const SEQUENCE: u8 = 0x30;
