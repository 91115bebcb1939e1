//! Every target, over everything that was ever found worth keeping.

use std::fs;
use std::path::Path;

use housekey_fuzz::TARGETS;

#[test]
fn nothing_in_the_corpus_breaks_anything() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in &TARGETS {
        let directory = corpus.join(target.name);
        let files = fs::read_dir(&directory).unwrap_or_else(|error| {
            panic!("{}: {error}", directory.display());
        });
        let mut inputs = 0;
        for file in files {
            let path = file.map(|file| file.path());
            let Some(data) = path.as_ref().ok().and_then(|path| fs::read(path).ok()) else {
                panic!("{path:?} cannot be read");
            };
            println!("{}: {path:?}", target.name);
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
}

#[test]
fn every_target_is_fuzzed_too() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap_or_default();
    for target in &TARGETS {
        assert!(
            manifest.contains(&format!("name = \"{}\"", target.name)),
            "{}",
            target.name
        );
    }
}

/// Of each input, so that the whole stays short: libFuzzer does it better, and longer.
const MUTATIONS: usize = 24;
