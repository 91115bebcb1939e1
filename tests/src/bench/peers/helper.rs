//! The helper as a browser starts it, with the device pinned by way of its own protocol.

use anyhow::Result;
use housekey_core::fingerprint::SpkiSha256;
use tempfile::TempDir;

use super::{DEVICE, HOUSEKEY, Peer, until_it_answers, version};
use crate::bench::client::Route;
use crate::bench::process::Process;
use crate::browser::artefact;
use crate::gateway::Helper;

/// Starts it in this directory, as the home of a person who trusts the device's key.
pub(super) async fn start(directory: TempDir, device_key: &SpkiSha256) -> Result<Peer> {
    let program = artefact("HOUSEKEY_BENCH_BIN", "target/release/housekey")?;
    let mut helper = Helper::start(&program, directory.path())?;
    helper.approve(DEVICE, device_key)?;
    let route = Route::Connect(helper.proxy().clone());
    until_it_answers(&route, || true).await?;
    Ok(Peer {
        name: HOUSEKEY,
        version: version(&program, &["--version"]),
        process: Some(Process::of(helper.into_process())),
        fresh: route.clone(),
        route,
        _directory: directory,
    })
}
