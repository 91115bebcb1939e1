//! What is agreed on, and what a person is told where nothing is.

use std::io::ErrorKind;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use housekey::gateway::BrowserDistrust;
use housekey_core::decision::Failure;
use housekey_tests::device::{Behaviour, RawDevice};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Identity;
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ConnectionTrafficSecrets, ProtocolVersion, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion, version,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::scene::{
    DEVICE, Device, Scene, config, connector, echo, endpoint, failure, identity, ping, provider,
    within,
};

/// A device of this version, which wants a certificate of its visitors if told so.
fn special(
    identity: &Identity,
    version: &'static SupportedProtocolVersion,
    wants: bool,
) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(identity.chain()[0].clone()).unwrap();
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap();
    let builder = if wants {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    builder
        .with_single_cert(identity.chain().to_vec(), key)
        .unwrap()
}

pub(crate) async fn the_browser_s_protocol_is_the_device_s(lan: Lan) {
    let scene = Scene::new(lan).await;
    let own = identity();
    let device = Device::start(config(&own), echo).await;
    scene.trust().await;
    for (alpn, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let mut speaks = config(&own);
        speaks.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        device.present(speaks);
        let mut browser = scene.browse().await.unwrap();
        let agreed = browser.get_ref().1.alpn_protocol();
        assert_eq!(agreed, chosen.map(str::as_bytes));
        ping(&mut browser).await;
    }
}

pub(crate) async fn tls_1_2_passes(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(special(&identity(), &version::TLS12, false), echo).await;
    scene.trust().await;
    for _ in 0..3 {
        let mut browser = within(scene.browse()).await.unwrap();
        ping(&mut browser).await;
        let agreed = browser.get_ref().1.protocol_version();
        // Nothing looks newer than it is.
        assert_eq!(agreed, Some(ProtocolVersion::TLSv1_2));
        // A picture may move for days: keys that cannot be changed have to last.
        let suite = browser.get_ref().1.negotiated_cipher_suite();
        let Some(SupportedCipherSuite::Tls12(suite)) = suite else {
            panic!("{suite:?}");
        };
        assert_eq!(suite.common.confidentiality_limit, u64::MAX);
    }
    assert!(device.handshakes::<4>().await.iter().all(Option::is_some));
}

/// What a script is told to speak (`curl --tls-max 1.2`) may be older than the device.
pub(crate) async fn an_older_client_is_served(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(special(&identity(), &version::TLS13, false), echo).await;
    scene.trust().await;
    let mut client = within(scene.browse_by_tls_1_2()).await.unwrap();
    ping(&mut client).await;
    let agreed = client.get_ref().1.protocol_version();
    assert_eq!(agreed, Some(ProtocolVersion::TLSv1_2));
}

pub(crate) async fn a_wanted_certificate_is_told(lan: Lan) {
    for version in [&version::TLS12, &version::TLS13] {
        let scene = Scene::new(lan).await;
        let own = identity();
        // While it was trusted, it was content with anybody.
        let device = Device::start(special(&own, version, false), echo).await;
        scene.trust().await;
        device.present(special(&own, version, true));
        if let Ok(mut browser) = scene.browse().await {
            // What is on its way to the device meanwhile does not cover what that says.
            let request = vec![b'?'; 65_536];
            within(async { while browser.write_all(&request).await.is_ok() {} }).await;
            let end = within(browser.read_to_end(&mut Vec::new())).await;
            assert!(end.is_err(), "{version:?}");
        }
        while failure(&scene).is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            failure(&scene),
            Some(Failure::ClientCertificate),
            "{version:?}"
        );
    }
}

pub(crate) async fn a_browser_that_distrusts_is_noticed(lan: Lan) {
    let scene = Scene::new(lan).await;
    let _device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    let distrustful = connector(RootCertStore::empty());
    assert!(scene.browse_with(&distrustful).await.is_err());
    while scene.gateway.distrust(&endpoint()).is_none() {
        tokio::task::yield_now().await;
    }
    let authority = Some(BrowserDistrust::Authority);
    assert_eq!(scene.gateway.distrust(&endpoint()), authority);
    scene.browse().await.unwrap();
    while scene.gateway.distrust(&endpoint()).is_some() {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn garbage_instead_of_a_handshake_is_told(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    drop(device);
    let address = DEVICE.parse().unwrap();
    // Its listener closes when its task does.
    let garbage = loop {
        match RawDevice::start(address, Behaviour::Garbage).await {
            Ok(garbage) => break garbage,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert!(within(scene.browse()).await.is_err());
    assert_eq!(failure(&scene), Some(Failure::NotTls));
    assert_eq!(garbage.received()[0], 0x16, "no more than a handshake");
}

/// One record of TLS 1.2 with AES-GCM (RFC 5288), by a server that does what rustls would not.
fn sealed(kind: u8, plain: &[u8], number: u64, secrets: &ConnectionTrafficSecrets) -> Vec<u8> {
    let (algorithm, key, iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
        _ => panic!("another suite"),
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap());
    let mut nonce: [u8; 12] = iv.as_ref().try_into().unwrap();
    for (at, byte) in number.to_be_bytes().into_iter().enumerate() {
        nonce[4 + at] ^= byte;
    }
    let length = u8::try_from(plain.len()).unwrap();
    let covered = [&number.to_be_bytes()[..], &[kind, 3, 3, 0, length]].concat();
    let mut body = plain.to_vec();
    let once = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(once, Aad::from(covered), &mut body)
        .unwrap();
    let size = u8::try_from(8 + body.len()).unwrap();
    [&[kind, 3, 3, 0, size], &nonce[4..], &body].concat()
}

pub(crate) async fn a_wish_to_begin_anew_is_declined_at_once(lan: Lan) {
    let scene = Scene::new(lan).await;
    let mut config = special(&identity(), &version::TLS12, false);
    config.enable_secret_extraction = true;
    let (tell, mut answers) = mpsc::unbounded_channel();
    let device = Device::start(config, move |mut stream| {
        let tell = tell.clone();
        async move {
            let Ok(wish) = stream.read_u8().await else {
                return; // the look before the device was trusted
            };
            let (mut socket, connection) = stream.into_inner();
            let (number, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
            // HelloRequest (RFC 5246 section 7.4.1.1).
            let request = sealed(22, &[0; 4], number, &secrets);
            socket.write_all(&request).await.unwrap();
            let mut header = [0; 5];
            socket.read_exact(&mut header).await.unwrap();
            tell.send(header).unwrap();
            if wish == b'!' {
                // It goes on without.
                let answer = sealed(23, b"fine", number + 1, &secrets);
                socket.write_all(&answer).await.unwrap();
            } else {
                // It insists, and ends with `handshake_failure`, as OpenSSL does.
                let alert = sealed(21, &[2, 40], number + 1, &secrets);
                socket.write_all(&alert).await.unwrap();
            }
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }
    });
    let _device = device.await;
    scene.trust().await;
    let mut browser = scene.browse().await.unwrap();
    browser.write_all(b"!").await.unwrap();
    // The browser has nothing more to say, and the device hears of it all the same.
    let header = within(answers.recv()).await.unwrap();
    assert_eq!(header[..3], [21, 3, 3], "an alert");
    let mut answer = [0; 4];
    within(browser.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"fine");

    let mut browser = scene.browse().await.unwrap();
    browser.write_all(b"?").await.unwrap();
    let end = within(browser.read_to_end(&mut Vec::new())).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let told = async {
        while failure(&scene).is_none() {
            tokio::task::yield_now().await;
        }
    };
    within(told).await;
    // For nothing else do devices want it in the middle of a connection.
    assert_eq!(failure(&scene), Some(Failure::ClientCertificate));
}
