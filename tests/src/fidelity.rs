//! Whether everything passes through the gateway as it does directly, by others' measure and at
//! full length: the Autobahn test suite, and bodies that no 32-bit number can count.
//!
//! That takes minutes, so it is no part of the ordinary tests, which have the same question.

mod autobahn;
mod bodies;
pub(crate) mod relay;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::browser::artefact;
use crate::device::{Device, Model};
use crate::gateway::{Helper, Proxy};
use crate::lan::Lan;
use crate::pki::{Identity, Key, Subject};

pub use self::autobahn::Suite;

/// What is compared.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The Autobahn test suite, where it is to be had.
    pub suite: Option<Suite>,
    /// Its cases for the sample device, as its own patterns.
    pub cases: Vec<String>,
    /// Its cases for a device that compresses.
    pub compressing: Vec<String>,
    /// How long a body is, in bytes; none for none.
    pub body: Option<u64>,
    /// Where reports go.
    pub out: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// In words.
    pub text: String,
    /// In figures.
    pub json: Value,
    /// Whether nothing differs.
    pub same: bool,
}

/// Both ways to one device.
struct Ways<'w> {
    device: &'static str,
    proxy: &'w Proxy,
}

/// Compares.
///
/// # Errors
///
/// When something cannot be started, or a body does not arrive whole.
pub async fn run(lan: Lan, plan: &Plan) -> Result<Report> {
    let _proof_of_the_private_network = lan;
    let home = tempfile::Builder::new()
        .prefix("housekey-fidelity-")
        .tempdir()?;
    let program = artefact("HOUSEKEY_BENCH_BIN", "target/release/housekey")?;
    let mut helper = Helper::start(&program, home.path())?;
    let identity = identity("Echo")?;
    let key = identity.spki_sha256().parse()?;
    let _device = Device::start(DEVICE.parse()?, Model::new("Echo", identity)).await?;
    helper.approve(DEVICE, &key)?;
    let mut report = Report {
        text: String::new(),
        json: Value::Object(serde_json::Map::new()),
        same: true,
    };
    if let Some(length) = plan.body {
        let ways = Ways {
            device: DEVICE,
            proxy: helper.proxy(),
        };
        let bodies = bodies::run(&ways, length).await.context("large bodies")?;
        report.add("bodies", bodies);
    }
    if let Some(suite) = &plan.suite {
        if !plan.cases.is_empty() {
            let ways = Ways {
                device: DEVICE,
                proxy: helper.proxy(),
            };
            let sample = autobahn::run(&ways, suite, "sample", &plan.cases, &plan.out).await;
            report.add("sample", sample.context("the sample device")?);
        }
        if !plan.compressing.is_empty() {
            let compressing = autobahn::Compressing::start(suite, home.path()).await?;
            helper.approve(autobahn::COMPRESSING, &compressing.key()?)?;
            let ways = Ways {
                device: autobahn::COMPRESSING,
                proxy: helper.proxy(),
            };
            let cases = &plan.compressing;
            let compared = autobahn::run(&ways, suite, "compressing", cases, &plan.out).await;
            report.add("compressing", compared.context("the compressing device")?);
        }
    }
    Ok(report)
}

impl Report {
    fn add(&mut self, name: &str, part: Self) {
        self.text.push_str(&part.text);
        self.json[name] = part.json;
        self.same &= part.same;
    }
}

fn identity(name: &str) -> Result<Identity> {
    Identity::self_signed(&Subject::new().common_name(name), Key::generate()?)
}

/// The sample device, whose WebSocket knows no extension.
const DEVICE: &str = "192.168.1.40:443";
