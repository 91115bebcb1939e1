//! A disk without any room left, as a real one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use housekey_tests::device::{Device, Model};
use housekey_tests::home::{HUE, ROUTER, router};
use housekey_tests::lan::{Imposed, Lan};
use housekey_tests::pki::Key;
use serde_json::{Value, json};

use crate::extension::{Extension, approval_of, within};

/// What was trusted is kept and goes on, what is decided then is refused and said, and with room
/// again it works, without anybody starting anything anew.
pub(crate) async fn a_full_disk_loses_nothing(lan: Lan) -> Result<()> {
    let mut disk = None;
    let mut extension = Extension::start_after(lan, |account| {
        disk = Some(small_disk(lan, &account.data())?);
        Ok(())
    })?;
    let (known, other) = (Key::generate()?, Key::generate()?);
    let bridge = device(HUE, &known).await?;
    let _router = device(ROUTER, &other).await?;
    extension.approve(HUE, "first").await?;

    let filling = fill(&extension.account.data())?;
    let refusal = extension.visit(ROUTER).await?;
    let approval = approval_of(&refusal, "first")?;
    for deed in [
        approval.clone(),
        json!({"type": "block", "endpoint": HUE, "blocked": true}),
        json!({"type": "forget", "endpoint": HUE}),
        json!({"type": "settings", "settings": {"refuseUnverified": true}}),
    ] {
        let error = extension.refused(&deed, "store_unusable")?;
        let detail = error["detail"].as_str().unwrap_or_default();
        ensure!(detail.contains("full"), "{deed}: {error}");
    }
    // Nothing of it was done by half, and the pins hold.
    ensure!(pinned(&mut extension)? == [HUE], "a pin came or went");
    drop(within(extension.browse(HUE, true)).await??);
    ensure!(extension.visit(ROUTER).await?["finding"] == json!({"type": "stranger"}));
    bridge.present(&router(Key::generate()?)?)?;
    let opened = within(extension.browse(HUE, true)).await?;
    ensure!(opened.is_err(), "another key is trusted");
    let changed = extension.explain(HUE)?;
    ensure!(
        changed["finding"] == json!({"type": "changed"}),
        "{changed}"
    );
    ensure!(
        bridge.record().application_bytes == 0,
        "another key got data"
    );
    bridge.present(&router(known)?)?;
    // Whoever looks from a terminal sees the same list.
    let listed = extension.account.housekey(["pins", "list", "--json"])?;
    ensure!(listed.contains("192.168.1.20"), "{listed}");

    fs::remove_file(filling)?;
    extension.done(&approval)?;
    ensure!(
        pinned(&mut extension)? == [ROUTER, HUE],
        "it was not approved"
    );
    drop(within(extension.browse(ROUTER, true)).await??);
    extension.account.housekey(["pins", "list"])?;
    drop(extension);
    drop(disk);
    Ok(())
}

/// Puts what Housekey keeps onto a disk of its own.
fn small_disk(lan: Lan, data: &Path) -> Result<Imposed> {
    let away = data.with_extension("away");
    fs::rename(data, &away)?;
    fs::create_dir(data)?;
    let disk = lan.small_disk(data, 2)?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))?;
    copy(&away, data)?;
    Ok(disk)
}

/// All but the program, which the test starts from elsewhere.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == "bin" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            fs::set_permissions(&target, entry.metadata()?.permissions())?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Takes all room that there is.
fn fill(directory: &Path) -> Result<PathBuf> {
    let path = directory.join("filling");
    let mut file = File::create(&path)?;
    for size in [65_536, 4_096, 1] {
        let bytes = vec![0; size];
        loop {
            match file.write_all(&bytes) {
                Ok(()) => (),
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => bail!("the disk is not full: {error}"),
            }
        }
    }
    Ok(path)
}

fn pinned(extension: &mut Extension) -> Result<Vec<String>> {
    let pins = extension.done(&json!({"type": "pins", "after": null}))?;
    let pins = pins["pins"].as_array().into_iter().flatten();
    let endpoints = pins.map(|pin: &Value| pin["endpoint"].as_str().unwrap_or_default().to_owned());
    Ok(endpoints.collect())
}

async fn device(address: &str, key: &Key) -> Result<Device> {
    let model = Model::new("Device", router(key.clone())?);
    Device::start(address.parse()?, model).await
}
