//! What a decision costs apart from any network: an event in the core, and a pin among very many.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "what fails by a panic says enough, and criterion's macros write no documentation"
)]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use housekey::paths::Paths;
use housekey::store::Store;
use housekey_core::core::Core;
use housekey_core::endpoint::Endpoint;
use housekey_core::event::Event;
use housekey_core::export::Export;
use housekey_core::fingerprint::{CertificateSha256, SpkiSha256};
use housekey_core::identity::{Identity, Tier};
use housekey_core::note::Note;
use housekey_core::pin::Pin;
use housekey_core::scope::ScopeOptions;
use housekey_core::text::SafeText;
use housekey_core::time::Timestamp;

criterion_group!(decisions, events, pins);
criterion_main!(decisions);

/// The background's part of a page that cannot be opened.
fn events(criterion: &mut Criterion) {
    let transcript = include_str!("../../wasm/core/tests/transcripts/failure_told_twice.txt");
    let mut events = transcript
        .lines()
        .filter_map(|line| line.strip_prefix("> "))
        .map(|json| serde_json::from_str::<Event>(json).unwrap());
    let mut core = Core::new();
    for event in events.by_ref().take(2) {
        core.handle(event);
    }
    let failed = events.next().unwrap();
    let snapshot = core.snapshot();
    criterion.bench_function("core: one event handled", |bencher| {
        bencher.iter_batched(
            || (Core::restore(&snapshot).unwrap(), failed.clone()),
            |(mut core, event)| black_box(core.handle(event)),
            BatchSize::SmallInput,
        );
    });
}

/// The gateway's question for every connection, and the one for every unknown key.
fn pins(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let paths = Paths::at(directory.path().join("housekey"));
    let store = Store::open(&paths).unwrap();
    let mut there = 0;
    for count in [10, 1_000, 100_000] {
        while there < count {
            let more = (count - there).min(Export::MAX_PINS as u32);
            let pins = (there..there + more).map(pin).collect();
            let export = Export::new(pins, NOW);
            let scope = ScopeOptions::default();
            store.import(&export, &scope, NOW, false).unwrap();
            there += more;
        }
        let (here, nowhere) = (endpoint(count / 2), endpoint(count + 1));
        let key = pin(count / 2).spki_sha256;
        let mut group = criterion.benchmark_group("store");
        group.bench_with_input(BenchmarkId::new("a pin found", count), &here, |b, here| {
            b.iter(|| black_box(store.pin(here).unwrap()));
        });
        group.bench_with_input(BenchmarkId::new("no pin", count), &nowhere, |b, nowhere| {
            b.iter(|| black_box(store.pin(nowhere).unwrap()));
        });
        group.bench_with_input(BenchmarkId::new("a key found", count), &key, |b, key| {
            b.iter(|| black_box(store.pins_of_key(*key).unwrap()));
        });
        group.finish();
    }
}

fn endpoint(number: u32) -> Endpoint {
    let [_, a, b, c] = number.to_be_bytes();
    format!("10.{a}.{b}.{c}:443").parse().unwrap()
}

fn pin(number: u32) -> Pin {
    let bytes = number.to_be_bytes();
    Pin {
        endpoint: endpoint(number),
        spki_sha256: SpkiSha256::of(&bytes),
        leaf_sha256: CertificateSha256::of(&bytes),
        identity: Identity {
            tier: Tier::Unverified,
            name: SafeText::new("Ubiquiti Inc."),
            other_names: Vec::new(),
            verified_by: None,
            maker: None,
            issued_by: SafeText::default(),
            device_id: None,
            oddities: Vec::new(),
        },
        label: SafeText::default(),
        note: Note::default(),
        serial: "01".into(),
        not_before: NOW,
        not_after: NOW.plus_days(365),
        first_seen: NOW,
        last_seen: NOW,
        blocked: false,
        extended_until: None,
    }
}

const NOW: Timestamp = Timestamp(1_800_000_000);
