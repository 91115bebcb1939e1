//! What is agreed on, and what a person is told where nothing is.

use std::io::ErrorKind;
use std::sync::Arc;

use housekey::gateway::BrowserDistrust;
use housekey_core::decision::{Failure, Finding};
use housekey_tests::device::{Behaviour, RawDevice};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Identity;
use rustls::server::WebPkiClientVerifier;
use rustls::{ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::AsyncReadExt as _;

use crate::scene::{
    DEVICE, Device, Scene, config, connector, echo, endpoint, identity, ping, provider, within,
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

fn failure(scene: &Scene) -> Option<Failure> {
    match scene.gateway.refusal(&endpoint())?.finding {
        Finding::Failed { failure } => Some(failure),
        other => panic!("{other:?}"),
    }
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
        let mut browser = scene.browse().await.unwrap();
        ping(&mut browser).await;
        let agreed = browser.get_ref().1.protocol_version();
        assert_eq!(agreed, Some(ProtocolVersion::TLSv1_3));
    }
    assert!(device.handshakes::<4>().await.iter().all(Option::is_some));
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
            let end = within(browser.read_to_end(&mut Vec::new())).await;
            assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
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
