//! Each request that needs no device: what it does, and how it is refused.

use std::fs;

use serde_json::{Value, json};

use crate::{Helper, MAX, hello};

impl Helper {
    /// The answer's value, whether it was done or refused.
    fn request(&mut self, request: &Value) -> Value {
        let answer = self.ask(&json!({"protocol": 1, "id": 9, "request": request}));
        assert_eq!(answer["id"], 9);
        answer["answer"]["value"].clone()
    }

    fn import(&mut self, pins: &[Value], dry_run: bool) -> Value {
        self.request(&json!({"type": "import", "export": export(pins), "dryRun": dry_run}))
    }

    /// Address space that the process has, in bytes (proc(5)).
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmSize:"));
        let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kibibytes.parse::<u64>().unwrap() * 1_024
    }
}

fn export(pins: &[Value]) -> Value {
    json!({"schema": "housekey-devices", "version": 1, "exportedAt": 0, "pins": pins})
}

fn pin(endpoint: &str, key: &str) -> Value {
    json!({
        "endpoint": endpoint, "spkiSha256": key.repeat(64), "leafSha256": "ab".repeat(32),
        "identity": {
            "tier": "unverified", "name": "Camera", "verifiedBy": null, "issuedBy": "",
            "deviceId": null, "oddities": [],
        },
        "label": "", "serial": "01", "notBefore": 0, "notAfter": 4_000_000_000_u32,
        "firstSeen": 1, "lastSeen": 2, "blocked": false, "extendedUntil": null,
    })
}

#[test]
fn devices_come_by_file_and_are_described_moved_and_blocked() {
    let mut helper = Helper::installed();
    let file = [pin("192.168.1.20", "1"), pin("192.168.1.30", "2")];
    let planned = helper.import(&file, true);
    assert_eq!(planned["plan"]["added"], 2);
    let listed = helper.request(&json!({"type": "pins", "after": null}));
    assert_eq!(listed["pins"], json!([]), "a dry run changed something");
    assert_eq!(helper.import(&file, false), planned);

    let here = "192.168.1.20:443";
    let renamed = json!({"type": "rename", "endpoint": here, "label": "Door"});
    assert_eq!(helper.request(&renamed)["pin"]["label"], "Door");
    let noted = json!({"type": "annotate", "endpoint": here, "note": "Above it.\nOld."});
    assert_eq!(helper.request(&noted)["pin"]["note"], "Above it.\nOld.");
    let blocked = json!({"type": "block", "endpoint": here, "blocked": true});
    assert_eq!(helper.request(&blocked)["pin"]["blocked"], true);
    let there = "192.168.1.37:443";
    let moved = helper.request(&json!({"type": "move", "from": here, "to": there}));
    let expected = json!([there, "Door", "Above it.\nOld.", true]);
    let pin = &moved["pin"];
    assert_eq!(
        json!([pin["endpoint"], pin["label"], pin["note"], pin["blocked"]]),
        expected
    );
    let identified = helper.request(&json!({"type": "identify", "endpoint": there}));
    assert_eq!(
        (&identified["pin"], &identified["live"]),
        (pin, &Value::Null)
    );
    let forgotten = json!({"type": "forget", "endpoint": there});
    assert_eq!(helper.request(&forgotten)["existed"], true);
    assert_eq!(helper.request(&forgotten)["existed"], false);

    let history = helper.request(&json!({"type": "history", "endpoint": there, "before": null}));
    let lines = history["entries"].as_array().unwrap();
    let what: Vec<_> = lines.iter().map(|line| line["what"].clone()).collect();
    assert_eq!(what, ["forget", "move", "block", "import"]);
    assert_eq!(
        (&lines[0]["name"], &lines[3]["name"]),
        (&json!("Door"), &json!("Camera"))
    );
    let before = &lines[2]["id"];
    let older = helper.request(&json!({"type": "history", "endpoint": null, "before": before}));
    let what: Vec<_> = older["entries"].as_array().unwrap().iter().collect();
    assert_eq!(what.len(), 2, "both imports: {what:?}");
}

#[test]
fn refusals_have_a_code_each() {
    let mut helper = Helper::installed();
    helper.import(&[pin("192.168.1.20", "1"), pin("192.168.1.30", "2")], false);
    let (one, two, none) = ("192.168.1.20:443", "192.168.1.30:443", "192.168.1.99:443");
    let key = "1".repeat(64);
    let mut newer = export(&[]);
    newer["version"] = json!(2);
    let mut strange = pin("192.168.1.40", "1");
    strange["owner"] = json!("me");
    for (request, code) in [
        (
            json!({"type": "move", "from": one, "to": two}),
            "already_pinned",
        ),
        (
            json!({"type": "move", "from": none, "to": two}),
            "not_pinned",
        ),
        (
            json!({"type": "move", "from": one, "to": "8.8.8.8"}),
            "not_private",
        ),
        (
            json!({"type": "rename", "endpoint": none, "label": ""}),
            "not_pinned",
        ),
        (
            json!({"type": "annotate", "endpoint": none, "note": ""}),
            "not_pinned",
        ),
        (
            json!({"type": "block", "endpoint": none, "blocked": true}),
            "not_pinned",
        ),
        (
            json!({"type": "import", "export": newer, "dryRun": true}),
            "bad_message",
        ),
        (
            json!({"type": "import", "export": export(&[strange]), "dryRun": true}),
            "bad_message",
        ),
        (
            json!({"type": "import", "export": {"pins": []}, "dryRun": true}),
            "bad_message",
        ),
        (
            json!({"type": "history", "endpoint": null, "before": -1}),
            "bad_message",
        ),
        (
            json!({"type": "settings", "settings": {"refuseAll": true}}),
            "bad_message",
        ),
        (
            json!({"type": "remove_maker", "id": "added-0000"}),
            "bad_message",
        ),
        (
            json!({"type": "set_maker", "id": "nobody", "enabled": false}),
            "bad_message",
        ),
        (
            json!({"type": "add_maker", "file": "aGVsbG8=", "name": "Me",
                "rule": "subject_common_name"}),
            "maker_unfit",
        ),
        (
            json!({"type": "trust_maker", "endpoint": "8.8.8.8", "rootSha256": key, "name": "Me"}),
            "not_private",
        ),
        (
            json!({"type": "approve", "endpoint": "8.8.8.8", "spkiSha256": key,
                "approval": "first"}),
            "not_private",
        ),
    ] {
        assert_eq!(helper.request(&request)["code"], code, "{request}");
    }
    let listed = helper.request(&json!({"type": "pins", "after": null}));
    let pins = listed["pins"].as_array().unwrap();
    let places: Vec<_> = pins.iter().map(|pin| pin["endpoint"].clone()).collect();
    assert_eq!(places, [one, two], "a refusal changed something");
}

#[test]
fn settings_are_kept_and_widen_the_scope() {
    let mut helper = Helper::installed();
    let far = pin("100.64.0.1", "1");
    assert_eq!(
        helper.import(std::slice::from_ref(&far), true)["plan"]["leftOut"],
        1
    );
    let settings = json!({
        "clearOnOverride": false, "refuseExpired": true, "refuseUnverified": true,
        "sharedAddressSpace": true,
    });
    let changed = helper.request(&json!({"type": "settings", "settings": settings}));
    assert_eq!(changed["settings"], settings);
    assert_eq!(changed["scope"]["sharedAddressSpace"], true);
    assert_eq!(
        helper.ask(&hello(1))["answer"]["value"]["settings"],
        settings
    );
    assert_eq!(helper.import(&[far], true)["plan"]["added"], 1);
}

#[test]
fn makers_of_the_directory_are_switched_off_and_on() {
    let mut helper = Helper::installed();
    let listed = helper.request(&json!({"type": "makers"}));
    let maker = listed["makers"][0].clone();
    assert_eq!(maker["enabled"], true);
    for enabled in [false, true] {
        let request = json!({"type": "set_maker", "id": maker["id"], "enabled": enabled});
        assert_eq!(helper.request(&request)["makers"][0]["enabled"], enabled);
    }
    let remove = json!({"type": "remove_maker", "id": maker["id"]});
    assert_eq!(helper.request(&remove)["code"], "bad_message", "it stays");
}

/// A note of 50 kilobytes is a page almost of its own; nothing is longer than the browser takes.
#[test]
fn long_pins_come_in_short_pages() {
    let mut helper = Helper::installed();
    let note = vec!["ü".repeat(64); 20].join("\n");
    let pins: Vec<_> = (0..150)
        .map(|number| {
            let mut pin = pin(&format!("10.0.0.{number}"), "1");
            pin["note"] = json!(note);
            pin["identity"]["name"] = json!("名".repeat(600));
            pin["label"] = json!("名".repeat(600));
            pin
        })
        .collect();
    assert_eq!(helper.import(&pins, false)["plan"]["added"], 150);
    let (mut seen, mut after) = (0, Value::Null);
    loop {
        let page = helper.request(&json!({"type": "pins", "after": after}));
        assert!(page.to_string().len() < 1_048_576);
        let pins = page["pins"].as_array().unwrap();
        seen += pins.len();
        after = pins.last().unwrap()["endpoint"].clone();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, 150);
}

/// The largest file that a person can have is a message that is taken, and nothing is larger.
#[test]
fn a_message_near_the_limit_is_read() {
    let mut helper = Helper::installed();
    let pins: Vec<_> = (0..14_000)
        .map(|number| {
            let (high, low) = (number / 250, number % 250);
            let mut pin = pin(&format!("10.2.{high}.{low}"), "7");
            pin["note"] = json!("x".repeat(600));
            pin
        })
        .collect();
    let request = json!({"type": "import", "export": export(&pins), "dryRun": false});
    let mut message = json!({"protocol": 1, "id": 2, "request": request}).to_string();
    let room = MAX as usize - message.len();
    assert!(
        room < 3_000_000,
        "it is far below the limit, by {room} bytes"
    );
    message.push_str(&" ".repeat(room));
    helper.frame(message.as_bytes());
    let answer = helper.answer();
    assert_eq!(answer["answer"]["value"]["plan"]["added"], 14_000);
    assert_eq!(helper.ask(&hello(3))["answer"]["type"], "ok");
}

/// A header that claims all that may be claimed costs nothing until it comes true.
#[test]
fn a_header_alone_takes_no_memory() {
    let mut helper = Helper::installed();
    helper.ask(&hello(1));
    let before = helper.memory();
    helper.write(&MAX.to_ne_bytes());
    helper.write(b"{");
    // The next look at it comes after it has read that: it has nothing else to do.
    let asleep = |helper: &Helper| {
        let tasks = fs::read_dir(format!("/proc/{}/task", helper.process.id())).unwrap();
        tasks.into_iter().all(|task| {
            let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_none_or(|rest| rest.starts_with('S'))
        })
    };
    while !asleep(&helper) {
        std::thread::yield_now();
    }
    let grown = helper.memory().saturating_sub(before);
    assert!(grown < 4_194_304, "{grown} bytes for a header");
}
