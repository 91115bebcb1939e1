use std::process::{Child, Command, Stdio};

use tokio::net::TcpListener;

use super::*;

/// A ServerHello in a record, with a session of this length.
fn answer(version: [u8; 2], suite: u16, session: u8) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(session);
    body.extend(vec![9; usize::from(session)]);
    body.extend(suite.to_be_bytes());
    body.push(0);
    let mut message = vec![SERVER_HELLO, 0];
    message.extend(prefixed(&body));
    record(version, &message)
}

fn record(version: [u8; 2], message: &[u8]) -> Vec<u8> {
    let mut record = vec![HANDSHAKE];
    record.extend(version);
    record.extend(prefixed(message));
    record
}

fn made(version: LegacyVersion, cipher: &'static str) -> Choice {
    Choice::Made(OutdatedTls { version, cipher })
}

#[test]
fn every_version_and_suite_is_read() {
    for (wire, version) in [
        ([3, 0], LegacyVersion::Ssl3),
        ([3, 1], LegacyVersion::Tls10),
        ([3, 2], LegacyVersion::Tls11),
        ([3, 3], LegacyVersion::Tls12),
    ] {
        for (suite, cipher) in SUITES {
            for session in [0, 32] {
                let answer = answer(wire, *suite, session);
                assert_eq!(choice(&answer), made(version, cipher));
            }
        }
    }
}

#[test]
fn an_answer_is_read_however_it_is_cut() {
    let whole = [
        &[ALERT, 3, 1, 0, 2, WARNING, 112][..],
        &answer([3, 1], 0x0005, 32),
    ]
    .concat();
    let expected = made(LegacyVersion::Tls10, "TLS_RSA_WITH_RC4_128_SHA");
    let enough = whole.len() - 1; // compression is of no interest
    for length in 0..whole.len() {
        let read = choice(&whole[..length]);
        let awaited = if length < enough {
            &Choice::Incomplete
        } else {
            &expected
        };
        assert_eq!(&read, awaited, "{length} bytes");
    }
    // In records of one byte each.
    let message = &answer([3, 1], 0x0005, 32)[5..];
    let crumbs: Vec<u8> = message
        .iter()
        .flat_map(|byte| record([3, 1], &[*byte]))
        .collect();
    assert_eq!(choice(&crumbs), expected);
}

#[test]
fn whatever_is_no_choice_is_none() {
    for none in [
        b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
        b"SSH-2.0-dropbear".to_vec(),
        vec![ALERT, 3, 1, 0, 2, 2, 40],
        answer([3, 4], 0x0005, 0),
        answer([3, 1], 0x1301, 0),
        answer([3, 1], 0x0000, 0),
        answer([3, 1], 0x0005, 33),
        record([3, 1], &[1, 0, 0, 0]),
        vec![23, 3, 1, 0, 1, 0],
        vec![0x80, 0x2e, 1, 0, 2], // SSL 2.0
    ] {
        assert_eq!(choice(&none), Choice::None, "{none:x?}");
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let sound = answer([3, 1], 0x0005, 32);
    for at in 0..sound.len() {
        for byte in 0..=255 {
            let mut broken = sound.clone();
            broken[at] = byte;
            choice(&broken);
        }
    }
}

#[tokio::test]
async fn whoever_says_nothing_useful_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let device = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        // Empty records for ever.
        while socket.write_all(&[HANDSHAKE, 3, 1, 0, 0]).await.is_ok() {}
    });
    let socket = TcpStream::connect(address).await.unwrap();
    let host = Host::Name("camera.local".into());
    assert_eq!(look(socket, &host).await, None);
    device.await.unwrap();
}

/// OpenSSL as a device that speaks this only.
struct Outdated(Child, u16);

impl Outdated {
    async fn start(version: &str, cipher: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (key, certificate) = (file("key.pem"), file("certificate.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=camera",
            ])
            .args(["-keyout", &key, "-out", &certificate])
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        // Port 0 is not known to s_server; whoever takes this one meanwhile makes it end at once.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                version,
                "-cipher",
                &format!("{cipher}:@SECLEVEL=0"),
            ])
            .args([
                "-accept",
                &format!("127.0.0.1:{port}"),
                "-key",
                &key,
                "-cert",
                &certificate,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut device = Self(process, port);
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(device.0.try_wait().unwrap().is_none(), "openssl ended");
            tokio::task::yield_now().await;
        }
        device
    }
}

impl Drop for Outdated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_real_server_is_understood() {
    for (flag, cipher, version, expected) in [
        (
            "-tls1",
            "AES128-SHA",
            LegacyVersion::Tls10,
            "TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            "-tls1_1",
            "AES256-SHA",
            LegacyVersion::Tls11,
            "TLS_RSA_WITH_AES_256_CBC_SHA",
        ),
        (
            "-tls1_2",
            "AES128-SHA256",
            LegacyVersion::Tls12,
            "TLS_RSA_WITH_AES_128_CBC_SHA256",
        ),
        (
            "-tls1",
            "ECDHE-RSA-AES256-SHA",
            LegacyVersion::Tls10,
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        ),
    ] {
        let device = Outdated::start(flag, cipher).await;
        let socket = TcpStream::connect(("127.0.0.1", device.1)).await.unwrap();
        let host = Host::Ip([192, 168, 1, 30].into());
        let outdated = OutdatedTls {
            version,
            cipher: expected,
        };
        assert_eq!(look(socket, &host).await, Some(outdated), "{flag} {cipher}");
    }
}
