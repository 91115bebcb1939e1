//! Certificates that no library would make: the names in them are written byte by byte.

mod properties;

/// A certificate with whatever names. Its signature is nobody's, as nothing that shows names looks
/// at it.
#[derive(Debug, Default)]
pub(crate) struct HostileCertificate {
    subject: Vec<Vec<u8>>,
    issuer: Vec<Vec<u8>>,
    alternatives: Vec<u8>,
}

impl HostileCertificate {
    /// Takes a line of a case: `subject O utf8 "text"`, `alternative dns hex 61 62`.
    pub(crate) fn read(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (what, kind) = (words.next().unwrap(), words.next().unwrap());
        let rest = words.next().unwrap_or_default();
        if what == "alternative" {
            let tag = match kind {
                "dns" => 0x82,
                "ip" => 0x87,
                "raw" => return self.alternatives.extend(bytes(rest, "octets")),
                _ => panic!("{line}"),
            };
            self.alternatives.extend(tlv(tag, &bytes(rest, "ia5")));
            return;
        }
        let (encoding, value) = rest.split_once(' ').unwrap();
        let attribute = attribute(kind, encoding, &bytes(value, encoding));
        match what {
            "subject" => self.subject.push(attribute),
            "subject+" => self.subject.last_mut().unwrap().extend(attribute),
            "issuer" => self.issuer.push(attribute),
            _ => panic!("{line}"),
        }
    }

    /// Adds an organisation of these bytes to the subject.
    pub(crate) fn organisation(&mut self, encoding: &str, bytes: &[u8]) {
        self.subject.push(attribute("O", encoding, bytes));
    }

    /// The certificate, with a key on P-256 that stands for these bytes.
    pub(crate) fn der(&self, key: &[u8]) -> Vec<u8> {
        let algorithm = tlv(SEQUENCE, &tlv(0x06, ECDSA_WITH_SHA256));
        let mut point = key.to_vec();
        point.resize(64, 0);
        let key_kind = [tlv(0x06, EC_PUBLIC_KEY), tlv(0x06, P256)].concat();
        let key = [tlv(SEQUENCE, &key_kind), bits(&[&[4], &*point].concat())].concat();
        let validity = [tlv(0x17, b"250101000000Z"), tlv(0x17, b"450101000000Z")].concat();
        let mut parts = vec![
            tlv(0xA0, &tlv(0x02, &[2])),
            tlv(0x02, &[1]),
            algorithm.clone(),
            name(if self.issuer.is_empty() {
                &self.subject
            } else {
                &self.issuer
            }),
            tlv(SEQUENCE, &validity),
            name(&self.subject),
            tlv(SEQUENCE, &key),
        ];
        if !self.alternatives.is_empty() {
            let names = tlv(0x04, &tlv(SEQUENCE, &self.alternatives));
            let extension = tlv(SEQUENCE, &[tlv(0x06, SUBJECT_ALT_NAME), names].concat());
            parts.push(tlv(0xA3, &tlv(SEQUENCE, &extension)));
        }
        let whole = [tlv(SEQUENCE, &parts.concat()), algorithm, bits(&[0; 8])].concat();
        tlv(SEQUENCE, &whole)
    }
}

fn attribute(kind: &str, encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let value = tlv(tag(encoding), bytes);
    tlv(SEQUENCE, &[tlv(0x06, oid(kind)), value].concat())
}

/// A value's bytes: `"text"` in its encoding, with `\u{…}` in it, or `hex 61 62`; `* 100` repeats.
fn bytes(value: &str, encoding: &str) -> Vec<u8> {
    let (value, times) = match value.rsplit_once(" * ") {
        Some((value, times)) => (value, times.parse().unwrap()),
        None => (value, 1),
    };
    let once = if let Some(digits) = value.strip_prefix("hex ") {
        let byte = |digits| u8::from_str_radix(digits, 16).unwrap();
        digits.split(' ').map(byte).collect()
    } else {
        let text = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        encoded(&unescape(text), encoding)
    };
    once.repeat(times)
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "bmp" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "universal" => text
            .chars()
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect(),
        "t61" => text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect(),
        _ => text.as_bytes().to_vec(),
    }
}

fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut unescaped = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_once('}').unwrap();
        let code = u32::from_str_radix(code, 16).unwrap();
        unescaped.push(char::from_u32(code).unwrap());
        unescaped.push_str(rest);
    }
    unescaped
}

/// The string types of ASN.1, and others that stand where a string should be.
pub(crate) const ENCODINGS: [&str; 13] = [
    "bits",
    "bmp",
    "constructed",
    "general",
    "ia5",
    "numeric",
    "octets",
    "printable",
    "private",
    "t61",
    "universal",
    "utf8",
    "visible",
];

fn tag(encoding: &str) -> u8 {
    match encoding {
        "bits" => 0x03,
        "octets" => 0x04,
        "utf8" => 0x0C,
        "numeric" => 0x12,
        "printable" => 0x13,
        "t61" => 0x14,
        "ia5" => 0x16,
        "visible" => 0x1A,
        "general" => 0x1B,
        "universal" => 0x1C,
        "bmp" => 0x1E,
        "constructed" => 0x2C,
        "private" => 0xCC,
        _ => panic!("{encoding}"),
    }
}

fn oid(kind: &str) -> &'static [u8] {
    match kind {
        "C" => &[0x55, 4, 6],
        "CN" => &[0x55, 4, 3],
        "O" => &[0x55, 4, 10],
        "OU" => &[0x55, 4, 11],
        "serialNumber" => &[0x55, 4, 5],
        "title" => &[0x55, 4, 12],
        _ => panic!("{kind}"),
    }
}

fn name(sets: &[Vec<u8>]) -> Vec<u8> {
    let sets: Vec<_> = sets.iter().map(|set| tlv(0x31, set)).collect();
    tlv(SEQUENCE, &sets.concat())
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let mut tlv = vec![tag];
    match (length, length.to_be_bytes()) {
        (0..=0x7F, [_, low]) => tlv.push(low),
        (0x80..=0xFF, [_, low]) => tlv.extend([0x81, low]),
        (_, [high, low]) => tlv.extend([0x82, high, low]),
    }
    tlv.extend(value);
    tlv
}

const SEQUENCE: u8 = 0x30;
/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
/// 1.2.840.10045.3.1.7
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
