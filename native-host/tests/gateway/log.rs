//! What the helper logs where it logs all that it can, with real traffic.

use std::fs::{self, File};
use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use housekey::paths::Paths;
use housekey_core::protocol::Request;
use housekey_core::text::SafeText;
use housekey_tests::gateway::Helper;
use housekey_tests::lan::Lan;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::scene::{DEVICE, Device, HOST, config, connector, echo, identity, name};

pub(crate) async fn nothing_private_is_in_a_log(lan: Lan) {
    let _proof_of_the_private_network = lan;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("log");
    let program = Path::new(env!("CARGO_BIN_EXE_housekey"));
    let log = Some(File::create(&file).unwrap());
    let mut helper = Helper::start_logging(program, home.path(), log).unwrap();
    let paths = Paths::at(home.path().join(".local/share/housekey"));
    let (own, other) = (identity(), identity());
    let device = Device::start(config(&own), echo).await;
    let key = own.spki_sha256().parse().unwrap();
    let proxy = helper.proxy().clone();

    // A question, its answer, a page, a page's name and note, and a device with another key.
    proxy.tunnel(DEVICE).await.unwrap_err();
    helper.approve(DEVICE, &key).unwrap();
    let root = fs::read(paths.root_certificate()).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&root).unwrap())
        .unwrap();
    let browser = connector(roots);
    let socket = proxy.tunnel(DEVICE).await.unwrap();
    let mut page = browser.connect(name(), socket).await.unwrap();
    page.write_all(PAGE.as_bytes()).await.unwrap();
    let mut back = vec![0; PAGE.len()];
    page.read_exact(&mut back).await.unwrap();
    let endpoint = || DEVICE.parse().unwrap();
    for request in [
        Request::Rename {
            endpoint: endpoint(),
            label: SafeText::new("labelled-by-me"),
        },
        Request::Explain {
            endpoint: endpoint(),
        },
        Request::Pins { after: None },
    ] {
        helper.ask(request).unwrap();
    }
    device.present(config(&other));
    let socket = proxy.tunnel(DEVICE).await.unwrap();
    browser.connect(name(), socket).await.unwrap_err();
    proxy.tunnel(DEVICE).await.unwrap_err();
    // A browser that does not take the leaf, and one that says something else.
    let socket = proxy.tunnel(DEVICE).await;
    drop(socket);
    let mut stranger = TcpStream::connect(proxy.address).await.unwrap();
    stranger
        .write_all(b"GET /wanted-path HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    stranger.read_to_end(&mut Vec::new()).await.unwrap();
    drop(page);
    let mut process = helper.into_process();
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());

    let log = fs::read_to_string(&file).unwrap();
    assert!(log.contains("hello"), "it logs nothing: {log:?}");
    let authorization = proxy.authorization.strip_prefix("Basic ").unwrap();
    let secret = BASE64.decode(authorization.as_bytes()).unwrap();
    let secret = String::from_utf8(secret).unwrap();
    let issuer = fs::read_to_string(paths.issuer_key()).unwrap();
    let leaves = [&own, &other].map(|it| HEXLOWER.encode(&Sha256::digest(&it.chain()[0])));
    let mut private = vec![
        authorization.to_owned(),
        secret.strip_prefix("housekey:").unwrap().to_owned(),
        "wanted-path".into(),
        "session-cookie".into(),
        "private-body".into(),
        "labelled-by-me".into(),
        HOST.into(),
        "bridge".into(),
        "Signify".into(),
        own.spki_sha256(),
        other.spki_sha256(),
        issuer.lines().nth(1).unwrap().to_owned(),
    ];
    private.extend(leaves);
    for private in private {
        assert!(!log.contains(&private), "{private} is in the log:\n{log}");
    }
}

const PAGE: &str = "GET /wanted-path HTTP/1.1\r\nCookie: s=session-cookie\r\n\r\nprivate-body";
