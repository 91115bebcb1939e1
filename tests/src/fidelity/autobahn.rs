//! The Autobahn test suite's fuzzing client, which tries some five hundred ways to speak WebSocket
//! with a device: directly and through the gateway. The two reports are compared case by case.
//!
//! The suite (<https://github.com/crossbario/autobahn-testsuite>, Apache-2.0) is run as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use housekey_core::fingerprint::SpkiSha256;
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::relay::Relay;
use super::{Report, Ways, identity};
use crate::pki::Identity;

/// The suite, as it was installed.
#[derive(Clone, Debug)]
pub struct Suite {
    /// A Python that can run it, which is 2.7.
    pub python: PathBuf,
    /// `PYTHONUSERBASE` of the installation.
    pub base: PathBuf,
}

impl Suite {
    fn python(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.env("PYTHONUSERBASE", &self.base);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// The suite's own echo, which knows how to compress, with TLS in front of it.
pub(super) struct Compressing {
    identity: Identity,
    listener: JoinHandle<()>,
    _echo: Child,
}

impl Compressing {
    pub(super) async fn start(suite: &Suite, directory: &Path) -> Result<Self> {
        let log = fs::File::create(directory.join("echo.log"))?;
        let mut command = suite.python();
        command.args(["-c", ECHO_PROGRAM, &format!("ws://{ECHO}")]);
        command.stdout(log.try_clone()?).stderr(log);
        let echo = command.current_dir(directory).spawn()?;
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(ECHO).await.is_err() {
            ensure!(
                Instant::now() < deadline,
                "the suite's echo does not listen"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let identity = identity("Compressing echo")?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let resolver = rustls::sign::SingleCertAndKey::from(identity.certified_key()?);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(COMPRESSING).await?;
        let listener = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(socket).await?;
                    let mut inside = TcpStream::connect(ECHO).await?;
                    copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
        Ok(Self {
            identity,
            listener,
            _echo: echo,
        })
    }

    pub(super) fn key(&self) -> Result<SpkiSha256> {
        Ok(self.identity.spki_sha256().parse()?)
    }
}

impl Drop for Compressing {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// What the suite says of each case, and everything of it that is no matter of time.
type Outcomes = BTreeMap<String, Value>;

/// Runs the suite both ways and compares.
pub(super) async fn run(
    ways: &Ways<'_>,
    suite: &Suite,
    name: &str,
    cases: &[String],
    out: &Path,
) -> Result<Report> {
    let direct = Relay::start(ways.device, None).await?;
    let gateway = Relay::start(ways.device, Some(ways.proxy.clone())).await?;
    let run = |way: &'static str, relay: &Relay| {
        let (out, port) = (out.join(format!("autobahn-{name}-{way}")), relay.port());
        async move { report(suite, way, port, cases, &out).await }
    };
    // At once, because the suite spends hours on the cases that compress.
    let (before, through) = tokio::try_join!(run("direct", &direct), run("gateway", &gateway))?;
    compare(name, &before, &through)
}

async fn report(
    suite: &Suite,
    way: &str,
    port: u16,
    cases: &[String],
    out: &Path,
) -> Result<Outcomes> {
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    fs::create_dir_all(out)?;
    let specification = json!({
        "outdir": out.join("report"),
        "servers": [{"agent": way, "url": format!("wss://127.0.0.1:{port}/ws")}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let file = out.join("specification.json");
    fs::write(&file, specification.to_string())?;
    let log = fs::File::create(out.join("log"))?;
    let mut command = suite.python();
    command.args(["-m", "autobahntestsuite.wstest", "--mode", "fuzzingclient"]);
    command.arg("--spec").arg(&file).current_dir(out);
    command.stdout(log.try_clone()?).stderr(log);
    let status = command.spawn()?.wait().await?;
    ensure!(
        status.success(),
        "the suite ended with {status}: {}",
        out.display()
    );
    let index = fs::read(out.join("report/index.json")).context("the suite left no report")?;
    let mut index: Value = serde_json::from_slice(&index)?;
    let cases = index[way].as_object_mut().context("the report is empty")?;
    let mut outcomes = Outcomes::new();
    for (case, told) in cases {
        let file = told["reportfile"]
            .as_str()
            .context("a case without report")?;
        let whole = fs::read_to_string(out.join("report").join(file))?;
        let whole: Value = serde_json::from_str(&without_surrogates(&whole))?;
        let mut outcome = json!({});
        for field in COMPARED {
            outcome[*field] = whole[*field].clone();
        }
        if let Some(response) = whole["httpResponse"].as_str() {
            // It depends on the random key of the request.
            let fixed = |line: &&str| {
                !line
                    .to_ascii_lowercase()
                    .starts_with("sec-websocket-accept")
            };
            outcome["httpResponse"] = response.lines().filter(fixed).collect();
        }
        outcomes.insert(case.clone(), outcome);
    }
    Ok(outcomes)
}

/// Makes halves of characters, which some cases send and Python writes down, plain text: no other
/// reader of JSON takes them.
fn without_surrogates(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let half = escape
            .get(1..3)
            .is_some_and(|it| it.eq_ignore_ascii_case("ud"));
        let length = escape.chars().take(2).map(char::len_utf8).sum();
        plain.push_str(if half { "\\\\u" } else { &escape[..length] });
        rest = &escape[length..];
    }
    plain + rest
}

fn compare(name: &str, direct: &Outcomes, gateway: &Outcomes) -> Result<Report> {
    let cases: BTreeSet<_> = direct.keys().chain(gateway.keys()).collect();
    let mut behaviours = BTreeMap::<String, usize>::new();
    let mut different = serde_json::Map::new();
    for case in &cases {
        let (one, other) = (direct.get(*case), gateway.get(*case));
        let behaviour = one.and_then(|it| it["behavior"].as_str()).unwrap_or("none");
        *behaviours.entry(behaviour.to_owned()).or_default() += 1;
        if one != other {
            different.insert((*case).clone(), json!({"direct": one, "gateway": other}));
        }
    }
    let (all, same) = (cases.len(), cases.len() - different.len());
    let mut text = format!("Autobahn, {name} device: {same} of {all} cases are the same\n");
    for (behaviour, count) in &behaviours {
        writeln!(text, "  directly {behaviour}: {count}")?;
    }
    for (case, outcomes) in &different {
        writeln!(text, "  {case} differs: {outcomes}")?;
    }
    Ok(Report {
        text,
        same: different.is_empty() && all > 0,
        json: json!({"cases": all, "same": same, "direct": behaviours, "different": different}),
    })
}

/// What of a case's report is compared.
const COMPARED: &[&str] = &[
    "behavior",
    "behaviorClose",
    "closedByMe",
    "expected",
    "failedByMe",
    "id",
    "localCloseCode",
    "localCloseReason",
    "received",
    "remoteCloseCode",
    "remoteCloseReason",
    "rxFrameStats",
    "trafficStats",
    "txFrameStats",
    "wasClean",
    "wasNotCleanReason",
];
/// The suite's own echo, which does not mind at which port its visitors think that it is.
const ECHO_PROGRAM: &str = "
import sys
from autobahn.twisted.websocket import listenWS
from autobahntestsuite.testee import TesteeServerFactory
from twisted.internet import reactor
factory = TesteeServerFactory(sys.argv[1])
factory.externalPort = None
listenWS(factory)
reactor.run()
";
/// Where the suite's own echo listens, without TLS.
const ECHO: &str = "127.0.0.1:9100";
/// Where the compressing device is.
pub(super) const COMPRESSING: &str = "192.168.1.50:443";
