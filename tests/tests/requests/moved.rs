//! A device that answers at another address than before.

use anyhow::{Result, ensure};
use housekey_tests::device::{Device, Model};
use housekey_tests::home::{HUE, MEDIA, ROUTER, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::Key;
use serde_json::{Value, json};

use crate::extension::{Extension, approval_of};

async fn device(address: &str, key: &Key) -> Result<Device> {
    let model = Model::new("Device", router(key.clone())?);
    Device::start(address.parse()?, model).await
}

pub(crate) async fn it_is_said_who_is_at_the_old_address(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let (moving, other) = (Key::generate()?, Key::generate()?);
    let (old, new) = (
        device(ROUTER, &moving).await?,
        device(MEDIA, &moving).await?,
    );
    let known = device(HUE, &other).await?;
    extension.approve(ROUTER, "first").await?;
    extension.approve(HUE, "first").await?;
    extension
        .account
        .housekey(["pins", "rename", "192.168.1.20", "Lamp"])?;

    let refusal = extension.visit(MEDIA).await?;
    let from = json!({"type": "moved", "from": ROUTER});
    ensure!(refusal["finding"] == from, "{refusal}");
    ensure!(
        refusal["oldAddress"] == json!({"type": "same"}),
        "{refusal}"
    );
    for (key, who) in [
        (Some(&other), json!({"type": "known", "name": "Lamp"})),
        (Some(&Key::generate()?), json!({"type": "stranger"})),
        (None, json!({"type": "nobody"})),
    ] {
        match key {
            Some(key) => old.present(&router(key.clone())?)?,
            None => old.stop().await,
        }
        let refusal = extension.explain(MEDIA)?;
        ensure!(refusal["oldAddress"] == who, "{who}: {refusal}");
    }
    drop((new, known));
    Ok(())
}

/// The pin goes to where the device is, with all that the person wrote. Another known device that
/// is at the old address now keeps its own pin, and a visit there asks about that one.
pub(crate) async fn a_device_takes_all_that_is_known_of_it_along(lan: Lan) -> Result<()> {
    let mut extension = Extension::start(lan)?;
    let (moving, other) = (Key::generate()?, Key::generate()?);
    let (old, _new) = (
        device(ROUTER, &moving).await?,
        device(MEDIA, &moving).await?,
    );
    let there = device(HUE, &other).await?;
    extension.approve(ROUTER, "first").await?;
    extension.approve(HUE, "first").await?;
    for request in [
        json!({"type": "rename", "endpoint": ROUTER, "label": "Router"}),
        json!({"type": "annotate", "endpoint": ROUTER, "note": "In the hall"}),
    ] {
        extension.done(&request)?;
    }
    old.present(&router(other)?)?;
    there.stop().await;

    let refusal = extension.visit(MEDIA).await?;
    let pinned = extension.done(&approval_of(&refusal, "moved")?)?;
    let pin = &pinned["pin"];
    ensure!(
        (&pin["label"], &pin["note"]) == (&json!("Router"), &json!("In the hall")),
        "{pin}"
    );
    let pins = extension.done(&json!({"type": "pins", "after": null}))?;
    let places: Vec<&Value> = pins["pins"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|pin| &pin["endpoint"])
        .collect();
    ensure!(places == [HUE, MEDIA], "{places:?}");
    let lines = json!({"type": "history", "endpoint": MEDIA, "before": null});
    let lines = extension.done(&lines)?["entries"].clone();
    let line = |at: usize| (lines[at]["what"].clone(), lines[at]["endpoint"].clone());
    ensure!(line(0) == (json!("move"), json!(MEDIA)), "{lines}");
    ensure!(line(1) == (json!("approve"), json!(ROUTER)), "{lines}");

    // The approval answered one question only.
    let other = extension.visit(ROUTER).await?;
    ensure!(
        other["finding"] == json!({"type": "moved", "from": HUE}),
        "{other}"
    );
    ensure!(other["otherDeviceBefore"] == true, "{other}");
    ensure!(other["oldAddress"] == json!({"type": "nobody"}), "{other}");
    Ok(())
}
