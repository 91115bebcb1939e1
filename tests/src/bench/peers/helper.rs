//! The helper as a browser starts it, with the device pinned by way of its own protocol.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::protocol::{
    Answer, Approval, FromHelper, PROTOCOL, Request, Response, ToHelper,
};
use tempfile::TempDir;

use super::{DEVICE, HOUSEKEY, Peer, until_it_answers, version};
use crate::bench::client::Route;
use crate::bench::process::Process;
use crate::browser::artefact;

/// Starts it in this directory, as the home of a person who trusts the device's key.
pub(super) async fn start(directory: TempDir, device_key: &SpkiSha256) -> Result<Peer> {
    let program = artefact("HOUSEKEY_BENCH_BIN", "target/release/housekey")?;
    let home = directory.path();
    let command = || {
        let mut command = Command::new(&program);
        command.env_clear().env("HOME", home).current_dir(home);
        command
    };
    let installed = command()
        .args(["install", "--helper-only", "--yes"])
        .output()?;
    let said = String::from_utf8_lossy(&installed.stderr).into_owned();
    ensure!(installed.status.success(), "housekey install: {said}");
    let mut child = command()
        .arg(EXTENSION)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let hello = Request::Hello {
        extension: env!("CARGO_PKG_VERSION").to_owned(),
        profile: PROFILE.parse()?,
    };
    let Response::Hello { gateway, .. } = ask(&mut child, hello)? else {
        bail!("the helper did not say hello");
    };
    let credentials = format!("housekey:{}", gateway.secret);
    let route = Route::Connect {
        proxy: SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port)),
        authorization: format!("Basic {}", BASE64.encode(credentials.as_bytes())),
    };
    let approve = Request::Approve {
        endpoint: DEVICE.parse()?,
        spki_sha256: *device_key,
        approval: Approval::First,
    };
    ask(&mut child, approve)?;
    until_it_answers(&route, || true).await?;
    Ok(Peer {
        name: HOUSEKEY,
        version: version(&program, &["--version"]),
        process: Some(Process::of(child)),
        fresh: route.clone(),
        route,
        _directory: directory,
    })
}

/// One request of native messaging and its answer.
fn ask(helper: &mut Child, request: Request) -> Result<Response> {
    let message = serde_json::to_vec(&ToHelper {
        protocol: PROTOCOL,
        id: 1,
        request,
    })?;
    let input = helper.stdin.as_mut().context("no pipe to the helper")?;
    input.write_all(&u32::try_from(message.len())?.to_ne_bytes())?;
    input.write_all(&message)?;
    let output = helper.stdout.as_mut().context("no pipe from the helper")?;
    let mut length = [0; 4];
    output.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_ne_bytes(length))?];
    output.read_exact(&mut answer)?;
    let answer: FromHelper = serde_json::from_slice(&answer)?;
    match answer.answer {
        Answer::Ok(value) => Ok(value),
        answer => bail!("the helper refused: {answer:?}"),
    }
}

/// Who may start the helper.
const EXTENSION: &str = "chrome-extension://oalaenignfadkjnliipakhdnklhedfpg/";
/// Any profile's name for itself.
const PROFILE: &str = "6f1d3b0e-5d0a-4f6e-9b52-0c7a3e8d2f41";
