//! The command line as data: one file per case in `tests/cmd`, and what it writes into files.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use ::housekey::paths::Paths;
use ::housekey::store::Store;
use housekey_core::time::Timestamp;
use serde_json::Value;

#[test]
fn commands() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

/// They follow each other in one home.
#[test]
fn devices_are_imported_looked_at_changed_and_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    trycmd::TestCases::new()
        .env("HOME", path("home"))
        .env("XDG_DATA_HOME", path("data"))
        .case("tests/cmd/devices/*.trycmd");
}

/// They are let in on a page alone, so here by the store.
#[test]
fn sites_are_listed_and_shut_out() {
    let home = tempfile::tempdir().unwrap();
    let devices = fs::canonicalize("tests/cmd/devices/devices.in/devices.json").unwrap();
    let imported = housekey(home.path(), &["import", "--yes", devices.to_str().unwrap()]);
    assert!(imported.status.success());
    let store = Store::open(&Paths::at(home.path().join("housekey"))).unwrap();
    for (site, endpoint) in [
        ("cameras.example", "192.168.1.20"),
        ("maps.example", "192.168.1.1"),
    ] {
        let (site, endpoint) = (site.parse().unwrap(), endpoint.parse().unwrap());
        let friday = Timestamp(1_795_166_400);
        assert!(store.allow(&site, &endpoint, friday).unwrap());
    }
    drop(store);
    trycmd::TestCases::new()
        .env("HOME", home.path().display().to_string())
        .env("XDG_DATA_HOME", home.path().display().to_string())
        .case("tests/cmd/sites/*.trycmd");
}

/// Runs a command in a home, and says what it answered.
fn housekey(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_housekey"))
        .args(arguments)
        .env("HOME", home)
        .env("XDG_DATA_HOME", home)
        .current_dir(home)
        .output()
        .unwrap()
}

#[test]
fn an_export_is_its_owners_whole_and_writes_over_nothing() {
    let devices = fs::canonicalize("tests/cmd/devices/devices.in/devices.json").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let run = |arguments: &[&str]| housekey(home, arguments);
    assert!(
        run(&["import", "--yes", devices.to_str().unwrap()])
            .status
            .success()
    );
    let said = run(&["export", "mine.json", "--json"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&said.stdout).unwrap()["pins"],
        4
    );
    let file = home.join("mine.json");
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let first = fs::read(&file).unwrap();

    let again = run(&["export", "mine.json"]);
    assert_eq!(again.status.code(), Some(1));
    let error = String::from_utf8(again.stderr).unwrap();
    assert!(error.contains("--force"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), first);
    // A link is replaced, and not followed.
    let elsewhere = home.join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    fs::remove_file(&file).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert_eq!(run(&["export", "mine.json"]).status.code(), Some(1));
    assert!(run(&["export", "mine.json", "--force"]).status.success());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
    assert_eq!(mode(&file), 0o600);

    // What was written is what is taken, by another user of another computer.
    let other = tempfile::tempdir().unwrap();
    let place = file.to_str().unwrap();
    assert!(
        housekey(other.path(), &["import", "--yes", place])
            .status
            .success()
    );
    let pins = |home: &Path| housekey(home, &["pins", "list", "--json"]).stdout;
    assert_eq!(pins(other.path()), pins(home));
    let printed: Value = serde_json::from_slice(&run(&["export"]).stdout).unwrap();
    assert_eq!(printed["schema"], "housekey-devices");

    let nowhere = run(&["export", "none/mine.json"]);
    assert_eq!(nowhere.status.code(), Some(1));
    let left = fs::read_dir(home).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".housekey")
    });
    assert_eq!(left.count(), 0, "a half-made file is left");
}
