//! What is measured.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;
use serde::Serialize;

use super::client::{Client, Connection, Route};
use super::peers::{Peer, World};

/// Figures by name; the units are in the names.
pub(super) type Figures = BTreeMap<&'static str, f64>;

pub(super) const P50: &str = "p50_us";
pub(super) const RATE: &str = "requests_per_s";
pub(super) const REQUEST_CPU: &str = "cpu_us_per_request";
pub(super) const BULK: &str = "gb_per_s";
pub(super) const BULK_CPU: &str = "cpu_s_per_gib";
pub(super) const FRESH: &str = "fresh_connection_ms";
pub(super) const FRESH_CPU: &str = "cpu_us_per_fresh_connection";
pub(super) const FRESH_DEVICE_CPU: &str = "device_cpu_us_per_fresh_connection";
pub(super) const RESUMED_CPU: &str = "cpu_us_per_resumed_connection";
pub(super) const IDLE: &str = "kb_per_idle_connection";
pub(super) const BASE: &str = "base_mb";

/// How much of each.
pub(super) struct Workload {
    requests: usize,
    parallel: usize,
    parallel_requests: usize,
    bulk: usize,
    connections: usize,
    /// Idle connections whose memory is measured.
    pub(super) idle: usize,
    /// Idle connections that Housekey has to hold.
    pub(super) crowd: usize,
    /// How long Housekey is left alone.
    pub(super) rest: Duration,
    /// No part of a round takes longer, however slow the candidate.
    patience: Duration,
}

/// A helper that nobody asks for anything.
#[derive(Debug, Serialize)]
pub(super) struct Rest {
    resident_mb: f64,
    seconds: u64,
    wake_ups: u64,
    cpu_us: f64,
}

/// A helper with very many idle connections.
#[derive(Debug, Serialize)]
pub(super) struct Crowd {
    connections: usize,
    resident_mb: f64,
    kb_each: f64,
}

impl Workload {
    /// As much as this many open files allow.
    pub(super) fn of(quick: bool, files: u64) -> Self {
        let share = if quick { 10 } else { 1 };
        // Two of them for each connection that passes through a process.
        let most = usize::try_from(files.saturating_sub(100) / 2).unwrap_or(usize::MAX);
        Self {
            requests: 2_000 / share,
            parallel: 16,
            parallel_requests: 8_000 / share,
            bulk: MIB * 512 / share,
            connections: 300 / share,
            idle: 1_000 / share,
            crowd: (10_000 / share).min(most),
            rest: Duration::from_secs(if quick { 1 } else { 10 }),
            patience: Duration::from_millis(1_500),
        }
    }
}

/// A part of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// One request after the other on one warm connection.
    Latency,
    /// Many connections, each with one request after the other.
    Requests,
    /// One large download.
    Bulk,
    /// Connections that are opened, asked once and closed.
    Fresh,
}

/// One candidate's share of a round.
pub(super) async fn round(
    world: &World,
    peer: &Peer,
    work: &Workload,
    only: Option<Part>,
) -> Result<Figures> {
    let mut figures = Figures::new();
    for part in Part::value_variants() {
        if only.is_some_and(|only| only != *part) {
            continue;
        }
        let done = match part {
            Part::Latency => latency(world, peer, work, &mut figures).await,
            Part::Requests => throughput(world, peer, work, &mut figures).await,
            Part::Bulk => bulk(world, peer, work, &mut figures).await,
            Part::Fresh => fresh(world, peer, work, &mut figures).await,
        };
        done.with_context(|| format!("{part:?}"))?;
    }
    Ok(figures)
}

/// One request after the other on one warm connection, everybody on a core of their own.
async fn latency(world: &World, peer: &Peer, work: &Workload, figures: &mut Figures) -> Result<()> {
    let mut connection = warm(&Client::full()?, &peer.route).await?;
    let placed = peer.place(world)?;
    let start = Instant::now();
    let mut times = Vec::with_capacity(work.requests);
    while times.len() < work.requests && start.elapsed() < work.patience {
        let start = Instant::now();
        connection.fetch(SMALL).await?;
        times.push(micros(start.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    figures.insert(P50, times[times.len() / 2]);
    placed.map_or(Ok(()), |cores| peer.release(world, &cores))
}

/// Many connections, each with one request after the other.
async fn throughput(
    world: &World,
    peer: &Peer,
    work: &Workload,
    figures: &mut Figures,
) -> Result<()> {
    let client = Client::full()?;
    let mut connections = Vec::new();
    for _ in 0..work.parallel {
        connections.push(warm(&client, &peer.route).await?);
    }
    let each = work.parallel_requests / work.parallel;
    let (before, start) = (peer.usage(world), Instant::now());
    let deadline = start + work.patience;
    let mut tasks = tokio::task::JoinSet::new();
    for mut connection in connections {
        tasks.spawn(async move {
            let mut done = 0_usize;
            while done < each && Instant::now() < deadline {
                connection.fetch(SMALL).await?;
                done += 1;
            }
            // It stays open until all are done: closing costs too.
            anyhow::Ok((connection, done))
        });
    }
    let done: Vec<_> = tasks.join_all().await.into_iter().collect::<Result<_>>()?;
    let (time, after) = (start.elapsed(), peer.usage(world));
    let requests: usize = done.iter().map(|(_, done)| done).sum();
    let requests = float(requests);
    figures.insert(RATE, requests / time.as_secs_f64());
    figures.insert(
        REQUEST_CPU,
        float(after.cpu - before.cpu) / 1_000.0 / requests,
    );
    Ok(())
}

/// One large download.
async fn bulk(world: &World, peer: &Peer, work: &Workload, figures: &mut Figures) -> Result<()> {
    let mut connection = warm(&Client::full()?, &peer.route).await?;
    // In parts, so that a slow candidate ends in time.
    let part = work.bulk / 16;
    let (before, start) = (peer.usage(world), Instant::now());
    let mut bytes = 0;
    while bytes < work.bulk && start.elapsed() < work.patience {
        connection.fetch(part).await?;
        bytes += part;
    }
    let (time, after) = (start.elapsed(), peer.usage(world));
    let bytes = float(bytes);
    figures.insert(BULK, bytes / 1e9 / time.as_secs_f64());
    let gib = bytes / float(MIB * 1_024);
    figures.insert(BULK_CPU, float(after.cpu - before.cpu) / 1e9 / gib);
    Ok(())
}

/// Connections that are opened, asked once and closed, one after the other.
async fn fresh(world: &World, peer: &Peer, work: &Workload, figures: &mut Figures) -> Result<()> {
    let client = Client::full()?;
    client
        .connect(&peer.fresh)
        .await?
        .fetch_and_close(SMALL)
        .await?;
    let device = world.device_usage();
    let (cpu, milliseconds, done) = open_and_close(world, peer, work, &client).await?;
    let device = float(world.device_usage().cpu - device.cpu) / 1_000.0 / done;
    figures.insert(FRESH, milliseconds);
    figures.insert(FRESH_CPU, cpu);
    figures.insert(FRESH_DEVICE_CPU, device);
    let client = Client::resuming()?;
    client
        .connect(&peer.fresh)
        .await?
        .fetch_and_close(SMALL)
        .await?;
    let (cpu, _, _) = open_and_close(world, peer, work, &client).await?;
    figures.insert(RESUMED_CPU, cpu);
    Ok(())
}

/// Microseconds of the candidate's processor each, milliseconds each, and how many.
async fn open_and_close(
    world: &World,
    peer: &Peer,
    work: &Workload,
    client: &Client,
) -> Result<(f64, f64, f64)> {
    let (before, start) = (peer.usage(world), Instant::now());
    let mut done = 0_usize;
    while done < work.connections && start.elapsed() < work.patience {
        client
            .connect(&peer.fresh)
            .await?
            .fetch_and_close(SMALL)
            .await?;
        done += 1;
    }
    let (time, after) = (start.elapsed(), peer.usage(world));
    let done = float(done);
    let cpu = float(after.cpu - before.cpu) / 1_000.0 / done;
    Ok((cpu, time.as_secs_f64() * 1_000.0 / done, done))
}

/// What an idle connection, after one request, costs a process that had none before.
pub(super) async fn idle_memory(world: &World, peer: &Peer, count: usize) -> Result<Figures> {
    let client = Client::full()?;
    let before = peer.usage(world).resident;
    let _connections = idle(&client, &peer.route, count).await?;
    let after = peer.usage(world).resident;
    let each = float(after.saturating_sub(before)) / 1_024.0 / float(count);
    Ok(Figures::from([(BASE, float(before) / 1e6), (IDLE, each)]))
}

/// What the helper does when nobody asks it for anything.
pub(super) async fn rest(helper: &Peer, time: Duration) -> Result<Rest> {
    let usage = || helper.own_usage().context("the helper is no process");
    // Whatever it still had to do after its first connection, it does now.
    tokio::time::sleep(time / 10).await;
    let before = usage()?;
    tokio::time::sleep(time).await;
    let after = usage()?;
    Ok(Rest {
        resident_mb: float(after.resident) / 1e6,
        seconds: time.as_secs(),
        wake_ups: after.switches - before.switches,
        cpu_us: float(after.cpu - before.cpu) / 1_000.0,
    })
}

/// What the helper needs to hold very many connections.
pub(super) async fn crowd(world: &World, helper: &Peer, count: usize) -> Result<Crowd> {
    let client = Client::full()?;
    let before = helper.usage(world).resident;
    let mut connections = idle(&client, &helper.route, count).await?;
    let after = helper.usage(world).resident;
    // All of them are still of use.
    for connection in connections.iter_mut().step_by(count / 10) {
        connection.fetch(SMALL).await?;
    }
    Ok(Crowd {
        connections: count,
        resident_mb: float(after) / 1e6,
        kb_each: float(after.saturating_sub(before)) / 1_024.0 / float(count),
    })
}

async fn idle(client: &Client, route: &Route, count: usize) -> Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(count);
    while connections.len() < count {
        let mut connection = warm(client, route).await?;
        connection.rest();
        connections.push(connection);
    }
    Ok(connections)
}

async fn warm(client: &Client, route: &Route) -> Result<Connection> {
    let mut connection = client.connect(route).await?;
    connection.fetch(SMALL).await?;
    Ok(connection)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Counts here stay far below what a float holds exactly.
#[allow(clippy::cast_precision_loss)]
pub(super) fn float(count: impl TryInto<u64>) -> f64 {
    count.try_into().map_or(f64::NAN, |count| count as f64)
}

const SMALL: usize = 1_024;
const MIB: usize = 1_024 * 1_024;
