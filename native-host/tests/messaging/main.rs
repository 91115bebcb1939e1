//! Native messaging with the real helper as a process: what it says, and what it survives.

#![allow(
    clippy::unwrap_used,
    reason = "a test that fails by a panic says enough"
)]

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use housekey::authority::Authority;
use housekey::extension_id;
use housekey::paths::Paths;
use housekey::store::{Restoration, Source, Store, StoreError};
use housekey_core::protocol::{MAX_REQUEST_BYTES, Settings};
use housekey_core::time::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

mod flood;
mod others;
mod requests;

#[expect(clippy::cast_possible_truncation, reason = "it is some megabytes")]
const MAX: u32 = MAX_REQUEST_BYTES as u32;

/// A helper that a browser started, in a home of its own.
struct Helper {
    process: Child,
    home: TempDir,
}

impl Helper {
    /// With an authority, as after `housekey install`.
    fn installed() -> Self {
        Self::of_chrome(installed().0)
    }

    fn of_chrome(home: TempDir) -> Self {
        let origin = format!("chrome-extension://{}/", extension_id::CHROME);
        Self::start(home, &origin)
    }

    fn start(home: TempDir, origin: &str) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_housekey"))
            .arg(origin)
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, home }
    }

    fn write(&mut self, bytes: &[u8]) {
        // A helper that ended already cannot be written to; the tests look at how it ended.
        let _ = self.process.stdin.as_mut().unwrap().write_all(bytes);
    }

    fn frame(&mut self, json: &[u8]) {
        self.write(&u32::try_from(json.len()).unwrap().to_ne_bytes());
        self.write(json);
    }

    fn ask(&mut self, message: &Value) -> Value {
        self.frame(message.to_string().as_bytes());
        self.answer()
    }

    fn answer(&mut self) -> Value {
        let output = self.process.stdout.as_mut().unwrap();
        let mut length = [0; 4];
        output.read_exact(&mut length).unwrap();
        let mut json = vec![0; u32::from_ne_bytes(length) as usize];
        output.read_exact(&mut json).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    /// The most memory that the process ever had in use, in bytes (proc(5)).
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kibibytes.parse::<u64>().unwrap() * 1_024
    }

    /// Whether it listens anywhere (proc(5)).
    fn listens(&self) -> bool {
        let process = format!("/proc/{}", self.process.id());
        let files = std::fs::read_dir(format!("{process}/fd")).unwrap();
        let links = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
        let links: Vec<_> = links.map(|it| it.display().to_string()).collect();
        let table = std::fs::read_to_string(format!("{process}/net/tcp")).unwrap();
        table.lines().any(|line| {
            let columns: Vec<_> = line.split_whitespace().collect();
            columns.get(3) == Some(&"0A") && links.contains(&format!("socket:[{}]", columns[9]))
        })
    }

    /// Ends it as a browser does, and gives back its home.
    fn stop(mut self) -> TempDir {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
        self.home
    }

    /// Ends the browser's side, and says what else the helper said, and whether it ended well.
    fn end(mut self) -> (Vec<u8>, bool) {
        drop(self.process.stdin.take());
        let mut rest = Vec::new();
        self.process
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut rest)
            .unwrap();
        (rest, self.process.wait().unwrap().success())
    }
}

/// A home with an authority.
fn installed() -> (TempDir, Paths) {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::at(home.path().join("housekey"));
    paths.prepare().unwrap();
    Authority::create(&paths, &[], SystemTime::now()).unwrap();
    (home, paths)
}

/// One change of the list, as another browser's helper makes it.
fn change(paths: &Paths) {
    let store = Store::open(paths).unwrap();
    store.set_settings(&Settings::default()).unwrap();
}

fn hello(id: u32) -> Value {
    let profile = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f";
    let request = json!({"type": "hello", "extension": "0.1.0", "profile": profile});
    json!({"protocol": 1, "id": id, "request": request})
}

/// The hello of a browser that saw this of the list before.
fn hello_after(id: u32, seen: &Value) -> Value {
    let mut message = hello(id);
    if !seen.is_null() {
        message["request"]["seen"] = seen.clone();
    }
    message
}

/// What a checkup finds.
fn checked_up(helper: &mut Helper) -> String {
    let request = json!({"protocol": 1, "id": 9, "request": {"type": "check_up"}});
    let answer = helper.ask(&request);
    let checks = &answer["answer"]["value"]["checkup"]["checks"];
    let checks = checks
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter();
    let found: Vec<_> = checks
        .map(|check| check["found"].as_str().unwrap())
        .collect();
    found.join(" ")
}

#[test]
fn the_gateway_has_another_port_and_secret_at_each_start() {
    let gateway = || {
        let mut helper = Helper::installed();
        let answer = helper.ask(&hello(1))["answer"]["value"]["gateway"].clone();
        assert_eq!(
            helper.ask(&hello(2))["answer"]["value"]["gateway"],
            answer,
            "one start, one gateway"
        );
        assert_eq!(helper.end(), (Vec::new(), true));
        answer
    };
    let (first, second) = (gateway(), gateway());
    let secret = first["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 64);
    assert_ne!(first["secret"], second["secret"]);
}

#[test]
fn bad_messages_are_answered_and_the_next_one_is_heard() {
    let mut helper = Helper::installed();
    for (message, id) in [
        (&b""[..], Value::Null),
        (b"not json", Value::Null),
        (
            br#"{"protocol":1,"id":4,"request":{"type":"fly"}}"#,
            json!(4),
        ),
        (
            br#"{"protocol":1,"id":5,"request":{"type":"pins","after":"http://x"}}"#,
            json!(5),
        ),
        (
            br#"{"protocol":1,"id":6,"request":{"type":"pins","after":null,"more":1}}"#,
            json!(6),
        ),
    ] {
        helper.frame(message);
        let answer = helper.answer();
        assert_eq!(answer["id"], id);
        assert_eq!(answer["answer"]["value"]["code"], "bad_message");
    }
    let newer = helper.ask(&json!({"protocol": 2, "id": 7, "anything": []}));
    assert_eq!(newer["answer"]["value"]["code"], "protocol_too_new");
    assert_eq!(helper.ask(&hello(8))["answer"]["type"], "ok");
    assert_eq!(helper.end(), (Vec::new(), true));
}

#[test]
fn a_message_may_come_byte_by_byte() {
    let mut helper = Helper::installed();
    let json = hello(1).to_string();
    let mut bytes = u32::try_from(json.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(json.bytes());
    for byte in bytes {
        helper.write(&[byte]);
        helper.process.stdin.as_mut().unwrap().flush().unwrap();
    }
    assert_eq!(helper.answer()["id"], 1);
}

/// After a frame that cannot be one, nothing can be trusted to be one: the helper ends.
#[test]
fn a_broken_frame_ends_the_helper_without_a_word() {
    for broken in [
        &u32::MAX.to_ne_bytes()[..],
        &(MAX + 1).to_ne_bytes(),
        &[&2_u32.to_ne_bytes()[..], b"\xff\xfe"].concat(),
        &[1, 0],
        &[&9_u32.to_ne_bytes()[..], b"cut"].concat(),
    ] {
        let mut helper = Helper::installed();
        helper.write(broken);
        assert_eq!(helper.end(), (Vec::new(), false), "{broken:?}");
    }
}

#[test]
fn another_extension_is_not_served() {
    for stranger in [
        "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/".to_owned(),
        format!("chrome-extension://{}.evil/", extension_id::CHROME),
        format!("chrome-extension://{}@evil/", extension_id::CHROME),
    ] {
        let mut helper = Helper::start(tempfile::tempdir().unwrap(), &stranger);
        helper.frame(hello(1).to_string().as_bytes());
        assert_eq!(helper.end(), (Vec::new(), false), "{stranger}");
    }
}

#[test]
fn without_an_authority_every_request_is_refused_by_cause_until_there_is_one() {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::at(home.path().join("housekey"));
    let mut helper = Helper::of_chrome(home);
    assert_eq!(
        helper.ask(&hello(1))["answer"]["value"]["code"],
        "authority_unusable"
    );
    let found = checked_up(&mut helper);
    assert!(
        found.contains("authority_missing") && found.contains("gateway_none"),
        "{found}"
    );
    assert!(
        !paths.data().exists(),
        "a helper that is not installed made something"
    );
    Authority::create(&paths, &[], SystemTime::now()).unwrap();
    assert_eq!(helper.ask(&hello(2))["answer"]["type"], "ok");
    let found = checked_up(&mut helper);
    for wanted in ["authority_good", "gateway_good", "connection_good"] {
        assert!(found.contains(wanted), "{found}");
    }
}

#[test]
fn a_damaged_store_is_told_and_nothing_is_served() {
    let (home, paths) = installed();
    housekey::paths::write_private(&paths.database(), b"").unwrap();
    let mut helper = Helper::of_chrome(home);
    let answer = helper.ask(&hello(1));
    assert_eq!(answer["answer"]["value"]["code"], "store_unusable");
    assert!(answer["answer"]["value"].get("gateway").is_none());
    let found = checked_up(&mut helper);
    assert!(found.contains("store_damaged"), "{found}");
}

/// A checkup changes nothing: the helper that is started next may be an older one.
#[test]
fn a_checkup_leads_no_store_forward() {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::at(home.path().join("housekey"));
    paths.prepare().unwrap();
    housekey::paths::write_private(&paths.database(), b"").unwrap();
    let old = Connection::open(paths.database()).unwrap();
    let tables = include_str!("../stores/version-1.sql");
    old.execute_batch(tables).unwrap();
    old.close().unwrap();
    let before = std::fs::read(paths.database()).unwrap();
    let mut helper = Helper::of_chrome(home);
    let found = checked_up(&mut helper);
    assert!(found.contains("store_good"), "{found}");
    assert!(
        std::fs::read(paths.database()).unwrap() == before,
        "it was led forward"
    );
    assert!(!paths.seal().exists(), "it was sealed");
}

/// Nothing is served from a copy of yesterday either, and it is told by another code.
#[test]
fn an_older_store_is_told_and_nothing_is_served() {
    let (home, paths) = installed();
    change(&paths);
    let yesterday = std::fs::read(paths.database()).unwrap();
    change(&paths);
    std::fs::write(paths.database(), yesterday).unwrap();
    let mut helper = Helper::of_chrome(home);
    for id in 1..3 {
        let answer = helper.ask(&hello(id));
        assert_eq!(answer["answer"]["value"]["code"], "store_replaced");
        assert!(answer["answer"]["value"].get("gateway").is_none());
    }
}

/// A whole directory of yesterday, with its seal: nobody but a browser knows better. From its word
/// on, nobody believes it, and a word that no list ever comes to harms nobody else.
#[test]
fn a_directory_of_yesterday_is_noticed_by_what_a_browser_saw() {
    let (home, paths) = installed();
    change(&paths);
    let files = [paths.database(), paths.seal()];
    let yesterday = files.clone().map(|file| std::fs::read(file).unwrap());
    let mut helper = Helper::of_chrome(home);
    let before = helper.ask(&hello(1))["mark"].clone();
    change(&paths);
    let answer = helper.ask(&hello_after(2, &before));
    assert_eq!(answer["answer"]["type"], "ok", "{answer}");
    let seen = answer["mark"].clone();
    let changes = |mark: &Value| mark["changes"].as_i64().unwrap();
    assert_eq!(changes(&seen), changes(&before) + 1, "{before} {seen}");
    let home = helper.stop();
    for (file, bytes) in files.iter().zip(&yesterday) {
        std::fs::write(file, bytes).unwrap();
    }

    // By itself it is sound, and a lie of one browser does not change that for others.
    let mut helper = Helper::of_chrome(home);
    let mut lie = seen.clone();
    lie["changes"] = i64::MAX.into();
    for (id, seen, code) in [
        (1, &lie, "store_replaced"),
        (2, &Value::Null, "ok"),
        (3, &seen, "store_replaced"),
        (4, &seen, "store_replaced"),
    ] {
        let answer = helper.ask(&hello_after(id, seen));
        let told = match answer["answer"]["type"].as_str() {
            Some("ok") => "ok",
            _ => answer["answer"]["value"]["code"].as_str().unwrap(),
        };
        assert_eq!(told, code, "{id}: {answer}");
        if code != "ok" {
            assert!(answer["answer"]["value"].get("gateway").is_none());
            assert!(answer.get("mark").is_none(), "{answer}");
        }
        assert_eq!(helper.listens(), id > 1, "{id}");
    }
    // Nobody else believes it now, whatever they saw, until the person puts it back themselves.
    let refused = Store::open(&paths).err();
    assert!(
        matches!(refused, Some(StoreError::Older { missing: 1 })),
        "{refused:?}"
    );
    let home = helper.stop();
    let source = Source::File(paths.database());
    let plan = Restoration::plan(&paths, &source).unwrap();
    plan.execute(Timestamp(1_800_000_000)).unwrap();
    let mut helper = Helper::of_chrome(home);
    let answer = helper.ask(&hello_after(1, &seen));
    assert_eq!(answer["answer"]["type"], "ok", "{answer}");
    // Another list is one of its own.
    let other = json!({"list": "another", "changes": 1_000});
    let answer = helper.ask(&hello_after(2, &other));
    assert_eq!(answer["answer"]["type"], "ok", "{answer}");
}
