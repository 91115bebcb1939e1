//! Devices for those who sit at a terminal, and for programs that are no browser.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use housekey_tests::browser::{Account, artefact};
use housekey_tests::device::{Device, Model};
use housekey_tests::home::{Authorities, HUE, MEDIA, ROUTER, router};
use housekey_tests::lan::Lan;
use housekey_tests::pki::{Key, Subject};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::extension::within;

/// A user who has installed the helper and no browser.
fn account(lan: Lan) -> Result<Account> {
    let account = Account::new(lan, &Authorities::generate()?)?;
    account.housekey(["install", "--yes", "--helper-only"])?;
    Ok(account)
}

async fn device(key: &Key) -> Result<Device> {
    let model = Model::new("Router", router(key.clone())?).showing("the router's page");
    Device::start(ROUTER.parse()?, model).await
}

fn housekey(account: &Account, arguments: &[&str]) -> Result<Command> {
    let mut command = account.command(artefact("HOUSEKEY_BIN", "target/debug/housekey")?);
    command.args(arguments);
    Ok(command)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs curl with a gateway of its own.
fn curl(account: &Account, url: &str) -> Result<Output> {
    let curl = ["gateway", "--", "curl", "--silent", "--show-error", url];
    Ok(housekey(account, &curl)?.output()?)
}

/// Expects curl to be refused, and the person to be told why.
fn refused(account: &Account, url: &str, why: &str) -> Result<()> {
    let curl = curl(account, url)?;
    let said = text(&curl.stderr);
    ensure!(said.contains(why), "{said}");
    ensure!(!curl.status.success() && curl.stdout.is_empty(), "{curl:?}");
    Ok(())
}

pub(crate) async fn curl_opens_what_is_trusted_and_nothing_else(lan: Lan) -> Result<()> {
    let account = account(lan)?;
    let first = Key::generate()?;
    let router_identity = router(first.clone())?;
    let device = device(&first).await?;
    let url = "https://192.168.1.1/";
    refused(&account, url, "housekey trust 192.168.1.1")?;
    refused(&account, "https://8.8.8.8/", "that is no device")?;
    ensure!(
        device.record().application_bytes == 0,
        "{:?}",
        device.record()
    );

    let key = router_identity.spki_sha256();
    account.housekey(["trust", "192.168.1.1", "--fingerprint", &key])?;
    let opened = curl(&account, url)?;
    ensure!(
        text(&opened.stdout).contains("the router's page"),
        "{opened:?}"
    );
    ensure!(opened.status.success(), "{opened:?}");
    // It is curl's own code that comes back.
    let lost = curl(&account, "https://192.168.1.1:1/")?;
    ensure!(lost.status.code() == Some(56), "{lost:?}");

    let other = router(Key::generate()?)?;
    device.present(&other)?;
    device.clear_record();
    refused(&account, url, "THE KEY HAS CHANGED")?;
    ensure!(
        device.record().application_bytes == 0,
        "{:?}",
        device.record()
    );
    // Not even its own fingerprint makes another key the trusted one.
    let changed = [
        "trust",
        "192.168.1.1",
        "--fingerprint",
        &other.spki_sha256(),
    ];
    let output = account.try_housekey(changed)?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    ensure!(text(&output.stdout).contains("housekey pins forget 192.168.1.1"));
    refused(&account, url, "THE KEY HAS CHANGED")?;
    account.housekey(["pins", "forget", "192.168.1.1"])?;
    account.housekey(changed)?;
    ensure!(curl(&account, url)?.status.success());
    Ok(())
}

/// A gateway that stays: how it is told, who is let in, and when it ends.
pub(crate) async fn a_gateway_ends_with_whoever_started_it(lan: Lan) -> Result<()> {
    let account = account(lan)?;
    let key = Key::generate()?;
    let _device = device(&key).await?;
    let fingerprint = router(key)?.spki_sha256();
    account.housekey(["trust", "192.168.1.1", "--fingerprint", &fingerprint])?;

    let program = artefact("HOUSEKEY_BIN", "target/debug/housekey")?;
    let mut shell = account
        .command("sh")
        .args(["-c", "\"$0\" gateway --json & wait"])
        .arg(program)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(shell.stdout.take().context("no output")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    let way: Value = serde_json::from_str(&line)?;
    let of = |name: &str| way[name].as_str().map(str::to_owned).context("not told");
    let curl = |proxy: &str| -> Result<Output> {
        let mut curl = account.command("curl");
        curl.args(["--silent", "--show-error", "--proxy", proxy, "--cacert"]);
        Ok(curl
            .arg(of("authority")?)
            .arg("https://192.168.1.1/")
            .output()?)
    };
    let opened = curl(&of("proxy")?)?;
    ensure!(
        text(&opened.stdout).contains("the router's page"),
        "{opened:?}"
    );
    let stranger = curl(&of("proxy")?.replace(&of("password")?, "guessed"))?;
    ensure!(text(&stranger.stderr).contains("407"), "{stranger:?}");
    for entry in fs::read_dir("/proc")? {
        let command = fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        ensure!(
            !text(&command).contains(&of("password")?),
            "it is there for all to see"
        );
    }

    shell.kill()?;
    shell.wait()?;
    // Its output ends when it does.
    let ended = tokio::task::spawn_blocking(move || said.read_to_end(&mut Vec::new()));
    within(ended).await???;
    let gone = curl(&of("proxy")?)?;
    ensure!(!gone.status.success(), "{gone:?}");
    Ok(())
}

/// A terminal with a person at it who types one line.
fn type_into(account: &Account, arguments: &[&str], line: &str) -> Result<(Child, OwnedFd)> {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&person)?;
    unlockpt(&person)?;
    let name = ptsname(&person, Vec::new())?;
    let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
    let mut input = fs::File::from(person.try_clone()?);
    writeln!(input, "{line}")?;
    let child = housekey(account, arguments)?
        .stdin(terminal)
        .stdout(Stdio::piped())
        .spawn()?;
    Ok((child, person))
}

pub(crate) async fn a_person_is_asked_and_nobody_else(lan: Lan) -> Result<()> {
    let account = account(lan)?;
    let key = Key::generate()?;
    let device = device(&key).await?;
    let identity = router(key)?;
    device.present(&identity)?;
    let trust = ["trust", "192.168.1.1"];
    let answered = |line: &str| -> Result<(Option<i32>, String)> {
        let (child, _person) = type_into(&account, &trust, line)?;
        let output = child.wait_with_output()?;
        Ok((output.status.code(), text(&output.stdout)))
    };
    let is_trusted = || -> Result<bool> {
        let pins = account.housekey(["pins", "list", "--json"])?;
        Ok(pins.contains("192.168.1.1"))
    };
    let unasked = account.try_housekey(trust)?;
    ensure!(unasked.status.code() == Some(1));
    ensure!(
        text(&unasked.stderr).contains("--fingerprint"),
        "{unasked:?}"
    );
    for no in [
        "",
        "y",
        "no",
        &"ab".repeat(32),
        &identity.spki_sha256()[..40],
        "UniFi",
    ] {
        let (code, said) = answered(no)?;
        ensure!(code == Some(1) && !is_trusted()?, "{no:?}: {said}");
    }
    let (code, said) = answered(&identity.leaf_sha256())?;
    ensure!(code == Some(0) && is_trusted()?, "{said}");
    // Who it is stands above the question, and what nobody checked in quotes.
    ensure!(said.contains("“Ubiquiti Inc.”"), "{said}");
    account.housekey(["pins", "forget", "192.168.1.1"])?;
    let (code, said) = answered("yes")?;
    ensure!(code == Some(0) && is_trusted()?, "{said}");
    Ok(())
}

/// What a page would not let anybody trust, a terminal does not either.
pub(crate) async fn what_the_page_refuses_a_terminal_refuses_too(lan: Lan) -> Result<()> {
    let account = account(lan)?;
    let subject = Subject::new().organization("Old Cameras").expired();
    let expired = housekey_tests::pki::Identity::self_signed(&subject, Key::generate()?)?;
    let key = expired.spki_sha256();
    let _camera = Device::start(HUE.parse()?, Model::new("Camera", expired)).await?;
    let trust = |endpoint: &str| -> Result<Value> {
        let arguments = ["trust", endpoint, "--json", "--fingerprint", &key];
        let output = account.try_housekey(arguments)?;
        ensure!(output.status.code() == Some(1), "{output:?}");
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let told = trust(HUE)?;
    ensure!(told["outcome"] == "refused", "{told}");
    ensure!(told["flaw"] == "expired", "{told}");
    ensure!(trust(MEDIA)?["failure"] == "refused");
    ensure!(trust("8.8.8.8")?["failure"] == "public");
    let pins: Value = serde_json::from_str(&account.housekey(["pins", "list", "--json"])?)?;
    ensure!(pins.as_array().is_some_and(Vec::is_empty), "{pins}");
    Ok(())
}
