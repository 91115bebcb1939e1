//! The real program under strace (<https://strace.io>), which acts at one of its system calls.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use housekey::paths::Paths;
use tempfile::TempDir;

/// Runs a command with these options of strace, in the home of these paths.
pub(crate) fn strace<S: AsRef<OsStr>>(paths: &Paths, options: &[S], arguments: &[&str]) -> Output {
    let home = paths.data().parent().unwrap();
    Command::new("strace")
        .args(["-f", "-qq"])
        .args(options)
        .arg(env!("CARGO_BIN_EXE_housekey"))
        .args(arguments)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home)
        .output()
        .expect("strace cannot be started; `cargo xtask setup` brings it")
}

/// Every system call of these kinds, in strace's words, with files for their numbers and all of
/// their bytes.
pub(crate) fn calls(paths: &Paths, kinds: &str, arguments: &[&str]) -> Vec<String> {
    let log = paths.data().with_file_name("strace.log");
    let kinds = format!("trace={kinds}");
    let options = [
        "-y",
        "-xx",
        "-s",
        "16777216",
        "-e",
        &kinds,
        "-e",
        "signal=none",
        "-o",
    ];
    let options = [&options[..], &[log.to_str().unwrap()]].concat();
    assert!(strace(paths, &options, arguments).status.success());
    let log = fs::read_to_string(log).unwrap();
    let calls = log.lines().filter_map(|line| line.split_once(' '));
    let calls = calls.map(|(_, call)| call.trim_start().to_owned());
    calls.filter(|call| call.contains('(')).collect()
}

/// Where to act: at each of these calls from the first one on that has to do with the data
/// directory. For every kind of call, how many of it there were until then, and at last the kind
/// that it is at; strace counts each kind by itself.
pub(crate) fn moments(paths: &Paths, calls: &[String]) -> Vec<(String, BTreeMap<String, usize>)> {
    let name: String = paths.data().to_str().unwrap().bytes().map(hex).collect();
    let first = calls.iter().position(|call| call.contains(&name));
    let mut counts = BTreeMap::new();
    let moments = calls.iter().map(|call| {
        let kind = call.split('(').next().unwrap().to_owned();
        *counts.entry(kind.clone()).or_insert(0) += 1;
        (kind, counts.clone())
    });
    moments.skip(first.expect("it does nothing")).collect()
}

fn hex(byte: u8) -> String {
    format!("\\x{byte:02x}")
}

/// A place for one more try; in memory if there is one, where nobody waits for a disk.
pub(crate) fn place() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// A copy of a data directory, for one more try.
pub(crate) fn copy(from: &Paths, to: &Path) -> Paths {
    let paths = Paths::at(to.join("housekey"));
    paths.prepare().unwrap();
    for entry in fs::read_dir(from.data()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), paths.data().join(entry.file_name())).unwrap();
    }
    paths
}
