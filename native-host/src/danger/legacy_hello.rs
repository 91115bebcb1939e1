//! A look at what an outdated device does speak, so that a person can be told.
//!
//! rustls says no more than that a device and Housekey share nothing safe. One greeting made by hand
//! offers what was usual until 2012; of the answer, only the choice of version and cipher is read.
//! There is no secret in it and it never goes on: the socket is closed after that.

use std::time::Duration;

use aws_lc_rs::rand;
use housekey_core::endpoint::Host;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What an outdated device chose, asked for anything up to TLS 1.2.
///
/// Nobody signed it: whoever is in between can claim it, so it explains and never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutdatedTls {
    /// The version of the protocol.
    pub version: LegacyVersion,
    /// The cipher suite, by its name in the IANA's registry.
    pub cipher: &'static str,
}

/// A version of SSL or TLS that knows outdated ciphers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LegacyVersion {
    /// RFC 6101, prohibited by RFC 7568.
    Ssl3,
    /// RFC 2246, deprecated by RFC 8996.
    Tls10,
    /// RFC 4346, deprecated by RFC 8996.
    Tls11,
    /// RFC 5246: the version is safe, and what is outdated is the cipher, the group or the
    /// signature that the device wants with it.
    Tls12,
}

impl LegacyVersion {
    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
        }
    }

    const fn of(wire: [u8; 2]) -> Option<Self> {
        match wire {
            [3, 0] => Some(Self::Ssl3),
            [3, 1] => Some(Self::Tls10),
            [3, 2] => Some(Self::Tls11),
            [3, 3] => Some(Self::Tls12),
            _ => None,
        }
    }
}

/// Greets a device over a fresh socket, and reads what it chooses.
///
/// `None` where it does not answer within a few seconds, or with no choice that was offered.
pub async fn look(mut socket: TcpStream, host: &Host) -> Option<OutdatedTls> {
    let mut random = [0; 32];
    rand::fill(&mut random).ok()?;
    let conversation = async {
        socket.write_all(&client_hello(host, &random)).await.ok()?;
        let mut answer = [0; MAX_ANSWER_BYTES];
        let mut length = 0;
        loop {
            match socket.read(&mut answer[length..]).await {
                Ok(0) | Err(_) => return None,
                Ok(more) => length += more,
            }
            match choice(&answer[..length]) {
                Choice::Incomplete => {}
                Choice::Made(outdated) => return Some(outdated),
                Choice::None => return None,
            }
        }
    };
    timeout(PATIENCE, conversation).await.ok().flatten()
}

/// A ClientHello (RFC 5246 section 7.4.1.2) in one record.
///
/// The record says TLS 1.0, as all clients' first record does, which SSL 3.0 servers take too.
fn client_hello(host: &Host, random: &[u8; 32]) -> Vec<u8> {
    let mut suites = Vec::new();
    for (suite, _) in SUITES {
        suites.extend(suite.to_be_bytes());
    }
    // Renegotiation is secure here, as there will be none (RFC 5746 section 3.3).
    suites.extend([0x00, 0xff]);

    let mut extensions = Vec::new();
    if let Host::Name(name) = host {
        let name = [&[0][..], &prefixed(name.as_bytes())].concat();
        extensions.extend(extension(SERVER_NAME, &prefixed(&name)));
    }
    let groups: Vec<u8> = GROUPS
        .iter()
        .flat_map(|group| group.to_be_bytes())
        .collect();
    extensions.extend(extension(SUPPORTED_GROUPS, &prefixed(&groups)));
    // Uncompressed points only (RFC 8422 section 5.1.2).
    extensions.extend(extension(EC_POINT_FORMATS, &[1, 0]));
    let schemes: Vec<u8> = SIGNATURES.iter().flat_map(|it| it.to_be_bytes()).collect();
    extensions.extend(extension(SIGNATURE_ALGORITHMS, &prefixed(&schemes)));

    let mut body = vec![3, 3];
    body.extend(random);
    body.push(0); // no session
    body.extend(prefixed(&suites));
    body.extend([1, 0]); // no compression
    body.extend(prefixed(&extensions));

    let mut message = vec![CLIENT_HELLO, 0];
    message.extend(prefixed(&body));
    let mut record = vec![HANDSHAKE, 3, 1];
    record.extend(prefixed(&message));
    record
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed(body)].concat()
}

/// These bytes behind their length in two bytes. All that is written here is far shorter than that.
fn prefixed(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], body].concat()
}

/// What an answer says so far.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    /// More of it is needed.
    Incomplete,
    /// The device chose.
    Made(OutdatedTls),
    /// The device chose nothing, or nothing that was offered, or does not speak TLS.
    None,
}

/// Reads the choice from the beginning of a device's answer.
fn choice(mut answer: &[u8]) -> Choice {
    // A message may be spread over records (RFC 5246 section 6.2.1).
    let mut handshake = Vec::new();
    loop {
        let [kind, 3, _, high, low, rest @ ..] = answer else {
            // Fewer bytes than a header may still become one.
            let hopeless = answer.len() >= 2 && answer[1] != 3 || answer.len() >= 5;
            return if hopeless {
                Choice::None
            } else {
                Choice::Incomplete
            };
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let body = &rest[..length.min(rest.len())];
        match *kind {
            HANDSHAKE => {
                handshake.extend(body);
                match server_hello(&handshake) {
                    Choice::Incomplete => {}
                    made => return made,
                }
            }
            // A warning, about the name for example, is no end.
            ALERT if body.first() == Some(&WARNING) || body.is_empty() => {}
            _ => return Choice::None,
        }
        if rest.len() < length {
            return Choice::Incomplete;
        }
        answer = &rest[length..];
    }
}

/// Reads the beginning of a ServerHello (RFC 5246 section 7.4.1.3).
fn server_hello(message: &[u8]) -> Choice {
    if message.first().is_some_and(|kind| *kind != SERVER_HELLO) {
        return Choice::None;
    }
    let session_length = match message.get(SESSION_LENGTH_AT) {
        None => return Choice::Incomplete,
        Some(length) if *length > 32 => return Choice::None,
        Some(length) => usize::from(*length),
    };
    let suite_at = SESSION_LENGTH_AT + 1 + session_length;
    let Some(suite) = message.get(suite_at..suite_at + 2) else {
        return Choice::Incomplete;
    };
    let suite = u16::from_be_bytes([suite[0], suite[1]]);
    let offered = SUITES.iter().find(|(number, _)| *number == suite);
    match (LegacyVersion::of([message[4], message[5]]), offered) {
        (Some(version), Some((_, cipher))) => Choice::Made(OutdatedTls { version, cipher }),
        _ => Choice::None,
    }
}

/// Devices at home answer in milliseconds, and this answer costs them no arithmetic.
const PATIENCE: Duration = Duration::from_secs(5);
/// A ServerHello's beginning takes 80 bytes; a warning before it takes 7.
const MAX_ANSWER_BYTES: usize = 1_024;

// RFC 5246 sections 6.2.1, 7.2 and 7.4.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const WARNING: u8 = 1;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Behind type, length, version and random.
const SESSION_LENGTH_AT: usize = 4 + 2 + 32;

// Extensions: RFC 6066 section 3, RFC 8422 section 5.1, RFC 5246 section 7.4.1.4.1.
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;

/// x25519, P-256, P-384, P-521, and the outdated P-224, P-192, sect283r1 and sect163r2.
const GROUPS: [u16; 8] = [29, 23, 24, 25, 21, 19, 9, 3];

/// With SHA-2, then with SHA-1 and MD5; RSA, ECDSA and DSA.
const SIGNATURES: [u16; 15] = [
    0x0804, 0x0805, 0x0806, 0x0401, 0x0403, 0x0501, 0x0503, 0x0601, 0x0603, 0x0402, 0x0201, 0x0203,
    0x0202, 0x0101, 0x0301,
];

/// Cipher suites by number and name (IANA, «TLS Cipher Suites»), better ones first.
const SUITES: &[(u16, &str)] = &[
    // Safe: then it is something else that this device wants outdated.
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    // Without authenticated encryption.
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"),
    (0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA"),
    // Without forward secrecy.
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    // Broken.
    (0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"),
    (0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
    (0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA"),
    (0x0009, "TLS_RSA_WITH_DES_CBC_SHA"),
    (0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"),
    (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),
];

#[cfg(test)]
mod tests;
