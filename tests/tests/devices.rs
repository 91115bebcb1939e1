//! The sample devices do what their documentation says, seen by a plain rustls client.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use housekey_tests::device::{Behaviour, Device, Model, Nginx, RawDevice};
use housekey_tests::home::Authorities;
use housekey_tests::pki::{Identity, Key, Subject};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[tokio::test]
async fn a_device_serves_its_page_and_records_the_request() {
    let identity = self_signed("lamp");
    let device = Device::start(anywhere(), Model::new("Lamp", identity.clone()))
        .await
        .unwrap();
    let mut stream = connect(device.address(), &[]).await.unwrap();
    assert_eq!(leaf(&stream), identity.chain()[0]);
    let answer = exchange(&mut stream, "GET / HTTP/1.1\r\nhost: lamp\r\n\r\n").await;
    assert!(answer.contains("<h1>Lamp</h1>"), "{answer}");
    assert!(answer.contains("set-cookie: session="), "{answer}");
    let record = device.record();
    assert_eq!(
        (record.connections, record.handshakes, record.requests.len()),
        (1, 1, 1)
    );
    assert_eq!(record.requests[0].path, "/");
    assert!(record.application_bytes > 0);
}

#[tokio::test]
async fn a_handshake_alone_leaves_no_application_data() {
    let device = Device::start(anywhere(), Model::new("Lamp", self_signed("lamp")))
        .await
        .unwrap();
    let mut stream = connect(device.address(), &[]).await.unwrap();
    stream.shutdown().await.unwrap();
    // The device has closed too, so its record is complete.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    let record = device.record();
    assert_eq!((record.handshakes, record.application_bytes), (1, 0));
}

#[tokio::test]
async fn a_device_presents_another_identity_while_it_runs() {
    let device = Device::start(anywhere(), Model::new("Lamp", self_signed("lamp")))
        .await
        .unwrap();
    let before = leaf(&connect(device.address(), &[]).await.unwrap());
    let other = self_signed("lamp");
    device.present(&other).unwrap();
    let after = leaf(&connect(device.address(), &[]).await.unwrap());
    assert_ne!(before, after);
    assert_eq!(after, other.chain()[0]);
}

#[tokio::test]
async fn a_device_stops_and_starts_again() {
    let device = Device::start(anywhere(), Model::new("Lamp", self_signed("lamp")))
        .await
        .unwrap();
    let mut stream = connect(device.address(), &[]).await.unwrap();
    device.stop().await;
    assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    assert!(connect(device.address(), &[]).await.is_err());
    device.restart().await.unwrap();
    assert!(connect(device.address(), &[]).await.is_ok());
}

#[tokio::test]
async fn a_renewed_certificate_keeps_its_key() {
    let authorities = Authorities::generate().unwrap();
    let first = authorities.hue_bridge(Key::generate().unwrap()).unwrap();
    let second = authorities.hue_bridge_renewed(first.key()).unwrap();
    assert_eq!(first.spki_sha256(), second.spki_sha256());
    assert_ne!(first.chain()[0], second.chain()[0]);
}

#[tokio::test]
async fn an_x509_v1_certificate_is_presented() {
    let subject = Subject::new()
        .organization("Buderus")
        .common_name("heating");
    let identity = Identity::x509_v1(&subject, Key::generate().unwrap()).unwrap();
    let device = Device::start(anywhere(), Model::new("Old", identity.clone()))
        .await
        .unwrap();
    let stream = connect(device.address(), &[]).await.unwrap();
    assert_eq!(leaf(&stream), identity.chain()[0]);
    // An independent parser agrees that it is version 1 and that its signature holds.
    let text = openssl(&["x509", "-noout", "-text"], &identity.chain_pem());
    assert!(
        text.contains("Version: 1 (0x0)") && text.contains("O = Buderus"),
        "{text}"
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("v1.pem");
    std::fs::write(&file, identity.chain_pem()).unwrap();
    let file = file.to_str().unwrap();
    openssl(&["verify", "-check_ss_sig", "-CAfile", file, file], "");
}

#[tokio::test]
async fn alpn_picks_http2_only_where_the_device_has_it() {
    let both = Model::new("Media", self_signed("media")).http2();
    let both = Device::start(anywhere(), both).await.unwrap();
    let stream = connect(both.address(), &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let one = Device::start(anywhere(), Model::new("Lamp", self_signed("lamp")))
        .await
        .unwrap();
    let stream = connect(one.address(), &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn a_web_socket_echoes() {
    let device = Device::start(anywhere(), Model::new("Lamp", self_signed("lamp")))
        .await
        .unwrap();
    let mut stream = connect(device.address(), &[]).await.unwrap();
    let upgrade = "GET /ws HTTP/1.1\r\nhost: lamp\r\nconnection: upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let answer = exchange(&mut stream, upgrade).await;
    // The answer to this key is the example of RFC 6455 section 1.3.
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    // "hi", masked with zeros (section 5.2); it comes back unmasked.
    stream
        .write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'])
        .await
        .unwrap();
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"\x81\x02hi");
    assert_eq!(device.record().messages, ["hi"]);
}

#[tokio::test]
async fn a_pressed_button_is_told() {
    let (sender, mut pressed) = tokio::sync::mpsc::unbounded_channel();
    let model = Model {
        buttons: Some(sender),
        ..Model::plain("Start", String::new())
    };
    let device = Device::start(anywhere(), model).await.unwrap();
    let mut stream = TcpStream::connect(device.address()).await.unwrap();
    let press = "POST /press?hue-new-key HTTP/1.1\r\nhost: start\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(press.as_bytes()).await.unwrap();
    assert_eq!(pressed.recv().await.as_deref(), Some("hue-new-key"));
}

#[tokio::test]
async fn nginx_serves_its_page() {
    let free = std::net::TcpListener::bind(anywhere())
        .unwrap()
        .local_addr()
        .unwrap();
    let identity = self_signed("camera");
    let nginx = Nginx::start(free, "Camera", &identity).await.unwrap();
    let mut stream = connect(free, &[]).await.unwrap();
    assert_eq!(leaf(&stream), identity.chain()[0]);
    let answer = exchange(&mut stream, "GET / HTTP/1.1\r\nhost: camera\r\n\r\n").await;
    assert!(answer.contains("<h1>Camera</h1>"), "{answer}");
    // nginx writes its log after the answer.
    while nginx.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(nginx.requests(), ["HTTP/1.1 GET /"]);
}

#[tokio::test]
async fn garbage_and_silence_are_no_tls() {
    let garbage = RawDevice::start(anywhere(), Behaviour::Garbage)
        .await
        .unwrap();
    assert!(connect(garbage.address(), &[]).await.is_err());
    assert_eq!(
        garbage.received()[0],
        0x16,
        "a TLS handshake record reached it"
    );
    let silent = RawDevice::start(anywhere(), Behaviour::Silent)
        .await
        .unwrap();
    let mut stream = TcpStream::connect(silent.address()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let patience = std::time::Duration::from_millis(200);
    assert!(
        tokio::time::timeout(patience, stream.read(&mut [0; 1]))
            .await
            .is_err()
    );
    assert_eq!(silent.received(), b"hello");
}

fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn self_signed(name: &str) -> Identity {
    Identity::self_signed(&Subject::new().common_name(name), Key::generate().unwrap()).unwrap()
}

fn leaf(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

async fn connect(address: SocketAddr, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::IpAddress(address.ip().into());
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Sends a request and reads until the device pauses.
async fn exchange(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let head_end = |answer: &[u8]| answer.windows(4).position(|window| window == b"\r\n\r\n");
    loop {
        let mut buffer = [0; 8_192];
        let length = stream.read(&mut buffer).await.unwrap();
        answer.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let body_length = text
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
            .unwrap_or(0);
        let complete = head_end(&answer).is_some_and(|end| answer.len() >= end + 4 + body_length);
        if complete || length == 0 {
            return text;
        }
    }
}

fn openssl(arguments: &[&str], input: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new("openssl");
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Accepts whoever is there: these tests look at what is presented, nothing more.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
        ]
    }
}
