//! Transcripts: what happened, and what the core said to do about it.
//!
//! Each file in `transcripts/` is one case. A line `> …` is an event, the lines `< …` below it are
//! the effects, in order; `#` begins a comment. `$NAME` stands for the certificate
//! `certificates/name.der` in base64. `UPDATE_EXPECT=1` writes what the core says into the files,
//! to be read before it is committed.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use housekey_core::core::Core;
use housekey_core::effect::Effect;
use housekey_core::routing::RuleAction;
use serde_json::Value;

#[test]
fn the_core_says_what_the_transcripts_say() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut cases = 0;
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        cases += 1;
        let expected = fs::read_to_string(&path).unwrap();
        let said = replay(&expected);
        if meaning(&said) == meaning(&expected) {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &said).unwrap();
            continue;
        }
        assert_eq!(said, expected, "{}", path.display());
    }
    assert!(cases >= 10, "only {cases} transcripts were found");
}

/// Plays a transcript's events, through a snapshot between each two, as a browser that puts the
/// background to sleep after every event would.
fn replay(transcript: &str) -> String {
    let certificates = certificates();
    let mut core = Core::new();
    let mut said = String::new();
    for line in transcript.lines().filter(|line| !line.starts_with('<')) {
        writeln!(said, "{line}").unwrap();
        let Some(event) = line.strip_prefix("> ") else {
            continue;
        };
        let event = certificates
            .iter()
            .fold(event.to_owned(), |event, (name, base64)| {
                event.replace(&format!("\"{name}\""), &format!("\"{base64}\""))
            });
        let event = serde_json::from_str(&event).unwrap_or_else(|error| panic!("{error}: {line}"));
        core = Core::restore(&core.snapshot()).expect("a snapshot is restored");
        for effect in core.handle(event) {
            let effect = match effect {
                // The script has tests of its own; here only the proxies matter, and the rules for
                // what a person allowed.
                Effect::Route { mut routing } => {
                    routing
                        .rules
                        .retain(|rule| rule.action != RuleAction::Block);
                    let proxies = routing.pac.split('"').filter(|it| it.starts_with("PROXY"));
                    let mut proxies: Vec<_> = proxies.collect();
                    proxies.dedup();
                    routing.pac = proxies.join("; ");
                    Effect::Route { routing }
                }
                effect => effect,
            };
            writeln!(said, "< {}", serde_json::to_string(&effect).unwrap()).unwrap();
        }
    }
    said
}

/// The lines, and of effects what they say: in which order an object's keys stand, is of no account,
/// and differs with what else of the workspace is built.
fn meaning(transcript: &str) -> Vec<Result<Value, &str>> {
    let meaning = |line| match str::strip_prefix(line, "< ") {
        Some(effect) => Ok(serde_json::from_str(effect).unwrap()),
        None => Err(line),
    };
    transcript.lines().map(meaning).collect()
}

fn certificates() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    let certificate = |path: &Path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_uppercase();
        (format!("${name}"), BASE64.encode(&fs::read(path).unwrap()))
    };
    fs::read_dir(directory)
        .unwrap()
        .map(|file| certificate(&file.unwrap().path()))
        .collect()
}
