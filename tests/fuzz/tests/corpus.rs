//! Every target, over everything that was ever found worth keeping.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fs;
use std::path::Path;
use std::thread;

use housekey::fuzzing;
use housekey_core::event::Event;
use housekey_core::export::Export;
use housekey_core::protocol::{FromHelper, ToHelper};
use housekey_fuzz::{TARGETS, Target};

#[test]
fn nothing_in_the_corpus_breaks_anything() {
    thread::scope(|scope| {
        for target in TARGETS {
            let name = target.name.to_owned();
            let run = thread::Builder::new().name(name);
            run.spawn_scoped(scope, || try_all(target)).unwrap();
        }
    });
}

fn try_all(target: &Target) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = fs::read_dir(corpus.join(target.name)).unwrap();
    let mut inputs = 0;
    for file in files {
        let path = file.unwrap().path();
        let data = fs::read(&path).unwrap();
        // Only shown where something broke.
        println!("{}", path.display());
        (target.run)(&data);
        // What is cut off or one bit off goes deeper than noise does.
        for at in (0..data.len()).step_by(data.len().div_ceil(MUTATIONS).max(1)) {
            (target.run)(&data[..at]);
            let mut changed = data.clone();
            changed[at] ^= 1 << (at % 8);
            (target.run)(&changed);
        }
        inputs += 1;
    }
    assert!(inputs >= 3, "{} has only {inputs} seeds", target.name);
}

/// One that the protocol has left behind would seed nothing any more.
#[test]
fn seeds_are_understood() {
    let seeds = |target: &str| {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let files = fs::read_dir(corpus.join(target)).unwrap();
        files.map(|file| fs::read(file.unwrap().path()).unwrap())
    };
    for seed in seeds("core_events") {
        for line in String::from_utf8(seed).unwrap().lines() {
            serde_json::from_str::<Event>(line).unwrap();
        }
    }
    let read = seeds("import_file").filter(|seed| {
        let text = std::str::from_utf8(seed).unwrap();
        Export::read(text).is_ok()
    });
    assert!(read.count() >= 3);
    for name in ["first_connect", "options_transfer", "changed_ways"] {
        let path = format!("corpus/native_messages/{name}");
        let seed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let mut input = seed.as_slice();
        while let Some(json) = fuzzing::frame(&mut input, seed.len()) {
            let asked = ToHelper::read(&json).is_ok();
            let said = serde_json::from_str::<FromHelper>(&json).is_ok();
            assert!(asked || said, "{json}");
        }
        assert!(input.is_empty());
    }
}

#[test]
fn every_target_is_fuzzed_too() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap_or_default();
    for target in TARGETS {
        assert!(
            manifest.contains(&format!("name = \"{}\"", target.name)),
            "{}",
            target.name
        );
    }
}

/// Of each input, so that the whole stays short: libFuzzer does it better, and longer.
const MUTATIONS: usize = 24;
