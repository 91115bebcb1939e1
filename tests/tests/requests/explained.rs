//! Why nothing was sent, and what is looked up for that.

use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_tests::device::{Device, Model};
use housekey_tests::home::{HUE, ROUTER, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::{Authority, Key, Subject};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::extension::{Extension, approval_of, within};

/// A maker that nobody knows, with a device that sends the maker's root along.
async fn lock(maker: &Authority) -> Result<Device> {
    let subject = Subject::new()
        .organization("Sample Locks")
        .common_name("lock-7");
    let identity = maker.issue(&subject, Key::generate()?)?.sending(maker);
    Device::start(HUE.parse()?, Model::new("Lock", identity)).await
}

fn maker() -> Result<Authority> {
    Authority::root(
        &Subject::new()
            .organization("Sample Locks")
            .common_name("Lock Root"),
    )
}

pub(crate) async fn a_root_that_a_device_sends_can_be_trusted(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let _lock = lock(&maker()?).await?;
    let refusal = extension.visit(HUE).await?;
    let offer = &refusal["makerOffer"];
    ensure!(offer["name"] == "Sample Locks", "{refusal}");
    let trust = |root: &Value| json!({"type": "trust_maker", "endpoint": HUE, "rootSha256": root, "name": "Locks"});
    let other = json!("ab".repeat(32));
    extension.refused(&trust(&other), "key_changed")?;
    extension.done(&trust(&offer["rootSha256"]))?;
    let judged = extension.explain(HUE)?;
    let verdict = &judged["observation"]["verdict"];
    ensure!(verdict["anchor"]["name"] == "Locks", "{judged}");
    ensure!(judged["makerOffer"] == Value::Null, "{judged}");
    let pinned = extension.done(&approval_of(&judged, "first")?)?;
    ensure!(pinned["pin"]["identity"]["tier"] == "manufacturer");
    Ok(())
}

/// What the command line sets counts for a running helper, too.
pub(crate) async fn settings_forbid_what_else_is_asked(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let _lock = lock(&maker()?).await?;
    let asked = extension.visit(HUE).await?;
    ensure!(asked["finding"]["type"] == "stranger", "{asked}");
    extension
        .account
        .housekey(["settings", "refuse-unverified", "on"])?;
    // Whoever was asked before has no answer to give any more.
    extension.refused(&approval_of(&asked, "first")?, "key_changed")?;
    let forbidden = extension.explain(HUE)?;
    let finding = json!({"type": "forbidden", "rule": "unverified"});
    ensure!(forbidden["finding"] == finding, "{forbidden}");
    ensure!(forbidden["makerOffer"]["name"] == "Sample Locks");
    extension.refused(&approval_of(&forbidden, "first")?, "key_changed")?;

    // A trusted device whose certificate has ended.
    extension
        .account
        .housekey(["settings", "refuse-unverified", "off"])?;
    let key = Key::generate()?;
    let device = Device::start(ROUTER.parse()?, Model::new("Router", router(key.clone())?)).await?;
    extension.approve(ROUTER, "first").await?;
    let subject = Subject::new().organization("Ubiquiti Inc.").expired();
    device.present(&housekey_tests::pki::Identity::self_signed(&subject, key)?)?;
    extension
        .browse(ROUTER, true)
        .await
        .err()
        .context("it is open")?;
    let expired = extension.explain(ROUTER)?;
    ensure!(expired["finding"]["type"] == "expired", "{expired}");
    let settings = json!({"type": "settings", "settings": {"refuseExpired": true}});
    extension.done(&settings)?;
    extension.refused(&approval_of(&expired, "extend")?, "key_changed")?;
    let refusal = extension.visit(ROUTER).await?;
    let finding = json!({"type": "forbidden", "rule": "expired"});
    ensure!(refusal["finding"] == finding, "{refusal}");
    Ok(())
}

pub(crate) async fn a_browser_that_distrusts_the_authority_is_told(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let _device = Device::start(
        ROUTER.parse()?,
        Model::new("Router", router(Key::generate()?)?),
    );
    let _device = _device.await?;
    extension.approve(ROUTER, "first").await?;
    let failed = extension.browse(ROUTER, false).await;
    failed
        .err()
        .context("a browser took an unknown authority")?;
    let told = async {
        loop {
            let refusal = extension.explain(ROUTER)?;
            if refusal != Value::Null {
                return anyhow::Ok(refusal);
            }
            tokio::task::yield_now().await;
        }
    };
    let refusal = within(told).await??;
    ensure!(
        refusal["finding"]["type"] == "browser_distrusts",
        "{refusal}"
    );
    ensure!(refusal["pin"]["endpoint"] == ROUTER, "{refusal}");
    extension.browse(ROUTER, true).await?;
    ensure!(extension.explain(ROUTER)? == Value::Null, "it is trusted");
    Ok(())
}

/// A server of OpenSSL's that speaks nothing newer than TLS 1.0.
struct Outdated(Child);

impl Drop for Outdated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn an_outdated_device_says_what_it_speaks(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let identity = router(Key::generate()?)?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("device.pem");
    std::fs::write(
        &file,
        format!("{}{}", identity.key_pem(), identity.chain_pem()),
    )?;
    let process = extension
        .account
        .command("openssl")
        .args(["s_server", "-accept", ROUTER, "-tls1", "-quiet"])
        .args(["-cipher", "ALL:@SECLEVEL=0", "-cert"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _outdated = Outdated(process.context("cannot start openssl")?);
    let listens = async {
        while TcpStream::connect(ROUTER).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(listens).await?;
    let refusal = extension.visit(ROUTER).await?;
    let finding = json!({"type": "failed", "failure": "outdated"});
    ensure!(refusal["finding"] == finding, "{refusal}");
    ensure!(refusal["outdated"]["version"] == "1.0", "{refusal}");
    Ok(())
}

/// What a person knows of a device is compared by Housekey, and only proof ends well.
pub(crate) async fn a_probe_says_whether_it_is_the_expected_one(lan: Lan) -> Result<()> {
    let extension = Extension::start(lan)?;
    let identity = router(Key::generate()?)?;
    let _device = Device::start(ROUTER.parse()?, Model::new("Router", identity.clone())).await?;
    let probe = |expected: &str| -> Result<(Option<i32>, Value)> {
        let probe = ["probe", "192.168.1.1", "--json", "--expect", expected];
        let output = extension.account.try_housekey(probe)?;
        let told: Value = serde_json::from_slice(&output.stdout)?;
        Ok((output.status.code(), told["expected"]["type"].clone()))
    };
    let matches = (Some(0), json!("matches"));
    ensure!(probe(&identity.spki_sha256())? == matches);
    ensure!(probe(&identity.leaf_sha256())? == matches);
    let shown = extension.account.housekey(["probe", "192.168.1.1"])?;
    let words = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix("in words"))
        .context("no words")?;
    ensure!(probe(words)? == matches);
    for (expected, what) in [
        ("ab".repeat(32), "differs"),
        (identity.spki_sha256()[..40].to_owned() + "00", "too_short"),
        (String::new(), "empty"),
    ] {
        let (code, told) = probe(&expected)?;
        ensure!(
            (code, &told) == (Some(1), &json!(what)),
            "{expected}: {told}"
        );
    }
    // The device says so itself.
    let (code, told) = probe("UniFi")?;
    ensure!((code, &told) == (Some(1), &json!("matches")), "{told}");
    Ok(())
}
