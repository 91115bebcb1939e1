//! What is known about connections that are open, and what ends them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use housekey_core::certificate::Certificate;
use housekey_core::text::SafeText;
use housekey_tests::device::{Device, Model};
use housekey_tests::home::{HUE, MEDIA, NAS, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Key;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::extension::{Extension, within};

async fn lamp() -> Result<Device> {
    let model = Model::new("Lamp", router(Key::generate()?)?).http2();
    Device::start(HUE.parse()?, model).await
}

/// Sends a request, and waits until something of the answer is there.
async fn ask(browser: &mut TlsStream<TcpStream>) -> Result<()> {
    let request = b"GET /events HTTP/1.1\r\nhost: 192.168.1.20\r\n\r\n";
    browser.write_all(request).await?;
    ensure!(within(browser.read(&mut [0; 64])).await?? > 0);
    Ok(())
}

pub(crate) async fn what_they_speak_is_told(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let _lamp = lamp().await?;
    extension.approve(HUE, "first").await?;
    let identify = json!({"type": "identify", "endpoint": HUE});
    ensure!(extension.done(&identify)?["live"] == Value::Null);
    let browsers = (
        extension.browse(HUE, true).await?,
        extension.browse(HUE, true).await?,
    );
    let live = extension.done(&identify)?["live"].clone();
    ensure!(
        live == json!({"tls": "1.3", "alpn": "h2", "open": 2}),
        "{live}"
    );
    drop(browsers);
    let ended = async {
        while extension.done(&identify)?["live"] != Value::Null {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    within(ended).await?
}

/// A decision that the command line writes into the store ends connections of a running helper.
pub(crate) async fn a_decision_of_another_process_ends_them(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let model = Model::new("Lamp", router(Key::generate()?)?);
    let _lamp = Device::start(HUE.parse()?, model).await?;
    extension.approve(HUE, "first").await?;
    for (command, then) in [
        (&["pins", "block"][..], "blocked"),
        (&["pins", "forget"], "stranger"),
    ] {
        let mut browser = extension.browse(HUE, true).await?;
        ask(&mut browser).await?;
        // What is no decision about it ends nothing: its name, and other devices.
        extension
            .account
            .housekey(["pins", "rename", "192.168.1.20", "Lamp"])?;
        ask(&mut browser).await?;
        let decided = Instant::now();
        extension
            .account
            .housekey(command.iter().chain(&["192.168.1.20"]))?;
        let end = within(browser.read_to_end(&mut Vec::new())).await?;
        let lived = decided.elapsed();
        ensure!(end.is_err(), "it looks complete: {end:?}");
        ensure!(lived < Duration::from_secs(3), "it lived for {lived:?}");
        let refusal = extension.visit(HUE).await?;
        ensure!(refusal["finding"]["type"] == then, "{refusal}");
        extension
            .account
            .try_housekey(["pins", "unblock", "192.168.1.20"])?;
    }
    Ok(())
}

/// What is said of a device is what it is, however good the browser's own end of the connection: its
/// version of TLS, who vouches for it, and no company in the leaf that nobody vouches for.
pub(crate) async fn nothing_is_upgraded_in_appearance(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let authorities = &extension.authorities;
    let claimed = router(Key::generate()?)?;
    let devices = [
        (HUE, Model::new("Lamp", claimed).old_tls()),
        (NAS, Model::new("Storage", authorities.nas()?).old_tls()),
        (MEDIA, Model::new("Media", authorities.nas()?).http2()),
    ];
    let mut running = Vec::new();
    for (address, model) in devices {
        running.push(Device::start(address.parse()?, model).await?);
    }
    for (address, tls, alpn, tier, company) in [
        (HUE, "1.2", "http/1.1", "unverified", None),
        (NAS, "1.2", "http/1.1", "company", Some("Synology Inc.")),
        (MEDIA, "1.3", "h2", "company", Some("Synology Inc.")),
    ] {
        let pin = extension.approve(address, "first").await?;
        ensure!(pin["identity"]["tier"] == tier, "{address}: {pin}");
        let browser = within(extension.browse(address, true)).await??;
        let session = browser.get_ref().1;
        let spoken = session.protocol_version();
        let spoken = spoken.context("no version")?.as_str().unwrap_or_default();
        ensure!(
            spoken == format!("TLSv{}", tls.replace('.', "_")),
            "{spoken}"
        );
        ensure!(
            session.alpn_protocol() == Some(alpn.as_bytes()),
            "{address}"
        );
        let leaf = session.peer_certificates().and_then(<[_]>::first);
        let leaf = Certificate::from_der(leaf.context("no leaf")?)?;
        let said = leaf.subject.organisations.first().map(SafeText::as_str);
        ensure!(said == company, "{address}: the leaf says {said:?}");
        let identify = json!({"type": "identify", "endpoint": address});
        let identified = extension.done(&identify)?;
        let live = json!({"tls": tls, "alpn": alpn, "open": 1});
        ensure!(identified["live"] == live, "{address}: {identified}");
        ensure!(
            identified["pin"]["identity"]["tier"] == tier,
            "{identified}"
        );
    }
    Ok(())
}
