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

/// More than the helper works on at one time.
const MANY: usize = 300;
