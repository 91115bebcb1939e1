//! People who wait for a slow device.

use anyhow::{Result, ensure};
use housekey_tests::device::{Device, Model};
use housekey_tests::home::{HUE, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Key;
use serde_json::{Value, json};

use crate::extension::{Extension, within};

/// However many wait, what is asked meanwhile is answered, and they hear the end.
pub(crate) async fn who_waits_for_a_device_holds_up_nobody(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let device = Device::start(HUE.parse()?, Model::new("Lamp", router(Key::generate()?)?)).await?;
    device.be_busy(true);
    let ended = json!({"type": "meeting", "meeting": null});
    let look = json!({"type": "meeting", "endpoint": HUE, "after": null});
    ensure!(extension.done(&look)? == ended, "nobody was met yet");
    let tunnel = extension.ask_for_tunnel(HUE).await?;
    let met = async {
        while extension.done(&look)?["meeting"]["step"] != "handshaking" {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    within(met).await??;
    let wait = json!({"type": "meeting", "endpoint": HUE, "after": "handshaking"});
    for _ in 0..MANY {
        extension.tell(&wait)?;
    }
    let pins = extension.done(&json!({"type": "pins", "after": null}))?;
    ensure!(pins["type"] == "pins", "{pins}");
    device.be_busy(false);
    for _ in 0..MANY {
        let answer = extension.hear()?;
        ensure!(answer["value"] == ended, "{answer}");
    }
    ensure!(extension.explain(HUE)? != Value::Null, "nobody was met");
    drop(tunnel);
    Ok(())
}

/// A device without a pin is met for the asking, once for all who ask; for what is pinned, a browser
/// has to come.
pub(crate) async fn a_stranger_is_met_for_the_asking(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let device = Device::start(HUE.parse()?, Model::new("Lamp", router(Key::generate()?)?)).await?;
    let meet = json!({"type": "meet", "endpoint": HUE});
    let nobody = json!({"type": "explained", "refusal": null});
    let met = extension.done(&meet)?["refusal"].take();
    ensure!(met["finding"]["type"] == "stranger", "{met}");
    ensure!(
        extension.done(&meet)?["refusal"] == met,
        "it is another one"
    );
    ensure!(extension.explain(HUE)? == met, "it is not remembered");
    let record = device.record();
    ensure!(record.handshakes <= 1, "{} handshakes", record.handshakes);
    ensure!(record.application_bytes == 0, "something was sent to it");

    let public = json!({"type": "meet", "endpoint": "8.8.8.8:443"});
    ensure!(extension.done(&public)? == nobody, "that is no device");
    let absent = json!({"type": "meet", "endpoint": "192.168.1.99:443"});
    let failed = extension.done(&absent)?["refusal"].take();
    ensure!(failed["finding"]["type"] == "failed", "{failed}");

    extension.approve(HUE, "first").await?;
    // Nobody would be met any more, and that would be told.
    drop(device);
    ensure!(extension.done(&meet)? == nobody, "it is pinned");

    // Whoever asks for one endpoint after the other does not learn what listens there.
    let mut too_many = Value::Null;
    for port in 1..=20 {
        let next = json!({"type": "meet", "endpoint": format!("192.168.1.21:{port}")});
        too_many = extension.done(&next)?["refusal"]["finding"].take();
    }
    ensure!(too_many["failure"] == "too_many", "{too_many}");
    Ok(())
}

/// More than the helper works on at one time.
const MANY: usize = 300;
