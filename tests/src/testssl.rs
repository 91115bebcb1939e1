//! What testssl.sh (<https://testssl.sh>) says of the side of the gateway that a browser sees.

use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tokio::process::Command;

use crate::browser::artefact;
use crate::device::{Device, Model};
use crate::fidelity::relay::Relay;
use crate::gateway::Helper;
use crate::lan::Lan;
use crate::pki::{Identity, Key, Subject};

/// Lets testssl.sh look at a pinned device through the gateway, and leaves its report.
///
/// # Errors
///
/// When something cannot be started.
pub async fn run(lan: Lan, report: &Path) -> Result<()> {
    let _proof_of_the_private_network = lan;
    // It goes on with a report that is there.
    if report.exists() {
        fs::remove_file(report)?;
    }
    let home = tempfile::tempdir()?;
    let program = artefact("HOUSEKEY_BIN", "target/debug/housekey")?;
    let mut helper = Helper::start(&program, home.path())?;
    let subject = Subject::new().common_name("Sample");
    let identity = Identity::self_signed(&subject, Key::generate()?)?;
    let key = identity.spki_sha256().parse()?;
    let _device = Device::start(DEVICE.parse()?, Model::new("Sample", identity)).await?;
    helper.approve(DEVICE, &key)?;
    // At the device's own address, which is what the gateway's certificate is for.
    let address = DEVICE.parse::<SocketAddrV4>()?;
    let relay = Relay::at(*address.ip(), DEVICE, Some(helper.proxy().clone())).await?;
    let root = home.path().join(".local/share/housekey/authority/root.pem");
    let mut testssl = Command::new("testssl");
    testssl.args([
        "--quiet",
        "--color",
        "0",
        "--warnings",
        "off",
        "--nodns",
        "none",
    ]);
    testssl
        .arg("--add-ca")
        .arg(root)
        .arg("--jsonfile")
        .arg(report);
    testssl.arg(format!("{}:{}", address.ip(), relay.port()));
    testssl.current_dir(home.path()).stdin(Stdio::null());
    // How it ends says how grave what it found is; that is for the report.
    let ended = testssl.status().await;
    ended.context("cannot start `testssl` (package testssl.sh)")?;
    Ok(())
}

const DEVICE: &str = "192.168.1.40:443";
