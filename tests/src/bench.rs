//! What Housekey costs, side by side with what could stand in its place.
//!
//! Each candidate is a proxy that ends the client's TLS and speaks verified TLS with one device,
//! all of them on loopback of a network namespace of their own, each measured for a moment in turn,
//! round after round, so that whatever else the computer does hits all alike.
//! CPU time is the kernel's own count for the proxy's process and not a guess from the clock.

mod browsers;
mod cases;
mod client;
mod device;
mod peers;
mod process;
mod report;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustls::CipherSuite;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use self::browsers::{Figures as BrowserFigures, browser};
pub use self::cases::Part;
pub(crate) use self::client::Client;
pub use self::device::serve as serve_device;
pub use self::peers::DEVICE;
pub use self::report::Report;

use self::cases::Workload;
use self::peers::World;
use crate::lan::Lan;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Interleaved rounds.
    pub rounds: usize,
    /// A tenth of everything: whether the tool works, and nothing about anybody's speed.
    pub quick: bool,
    /// Only candidates whose name contains one of these; all if empty.
    pub only: Vec<String>,
    /// Only this part of a round, and nothing about memory: to look at one thing closely.
    pub part: Option<Part>,
}

impl Plan {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}

/// Measures everything that is installed here.
///
/// # Errors
///
/// When Housekey or the device cannot be measured. Another candidate that fails is left out, and
/// the report says so.
pub async fn run(lan: Lan, plan: &Plan) -> Result<Report> {
    let files = process::raise_file_limit();
    let world = World::new(lan).await?;
    let work = Workload::of(plan.quick, files);
    let mut report = Report::new(plan);
    let mut peers = Vec::new();
    for start in peers::ALL {
        let name = start.name;
        if !plan.wants(name) {
            continue;
        }
        match world.start(start).await {
            Ok(peer) => peers.push(peer),
            Err(error) if name == peers::HOUSEKEY || name == peers::DIRECT => return Err(error),
            Err(error) => report.absent(name, &format!("{error:#}")),
        }
    }
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for peer in &peers {
            match cases::round(&world, peer, &work, plan.part).await {
                Ok(figures) => report.add(peer, figures),
                Err(error) if peer.is(peers::HOUSEKEY) => return Err(error),
                Err(error) => report.absent(peer.name(), &format!("{error:#}")),
            }
        }
    }
    drop(peers);
    if plan.part.is_some() {
        return Ok(report);
    }
    for start in peers::ALL {
        if !plan.wants(start.name) || report.is_absent(start.name) {
            continue;
        }
        eprintln!("memory of {}", start.name);
        // A fresh process each: what it kept from before would count as nobody's.
        let peer = world.start(start).await?;
        match cases::idle_memory(&world, &peer, work.idle).await {
            Ok(memory) => report.add(&peer, memory),
            Err(error) => report.absent(peer.name(), &format!("{error:#}")),
        }
    }
    if plan.wants(peers::HOUSEKEY) {
        eprintln!("the helper at rest");
        let helper = world.start(&peers::housekey()).await?;
        report.rest = Some(cases::rest(&helper, work.rest).await?);
        drop(helper);
        eprintln!("{} idle connections", work.crowd);
        let helper = world.start(&peers::housekey()).await?;
        report.crowd = Some(cases::crowd(&world, &helper, work.crowd).await?);
    }
    Ok(report)
}

/// What a browser offers: the suite with 128 bits comes first.
fn suites() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

/// How long anything may take to start.
const START: Duration = Duration::from_secs(20);
