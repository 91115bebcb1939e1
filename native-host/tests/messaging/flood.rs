//! More messages than any browser sends.

use std::io::Write as _;
use std::thread;

use serde_json::json;

use crate::{Helper, hello};

/// Good ones and bad ones, as fast as they can be written: each is answered, in bounded memory.
#[test]
fn a_hundred_thousand_messages_are_answered() {
    let mut helper = Helper::installed();
    helper.ask(&hello(0));
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let kinds = [
        r#"{"protocol":1,"id":ID,"request":{"type":"identify","endpoint":"192.168.1.20"}}"#.into(),
        r#"{"protocol":1,"id":ID,"request":{"type":"makers"}}"#.into(),
        r#"{"protocol":1,"id":ID,"request":{"type":"identify","endpoint":"192.168.1.20","x":1}}"#
            .into(),
        r#"{"protocol":1,"id":ID,"request":{"type":"fly"},"more":[]}"#.into(),
        r#"{"protocol":9,"id":ID,"anything":{}}"#.into(),
        format!(r#"{{"protocol":1,"id":ID,"request":{}}}"#, deep(100)),
        format!(r#"{{"protocol":1,"id":ID,"request":{}}}"#, deep(5_000)),
        String::new(),
        "{".into(),
        "\"".into(),
    ];
    let before = helper.peak();
    let mut input = helper.process.stdin.take().unwrap();
    let writing = thread::spawn(move || {
        for id in 0..MESSAGES {
            let json = kinds[id % kinds.len()].replace("ID", &id.to_string());
            let length = u32::try_from(json.len()).unwrap().to_ne_bytes();
            input
                .write_all(&[&length, json.as_bytes()].concat())
                .unwrap();
        }
        input
    });
    let mut answered = 0;
    for _ in 0..MESSAGES {
        let answer = helper.answer();
        let is_ok = answer["answer"]["type"] == "ok";
        assert_eq!(
            is_ok,
            answer["id"].as_u64().is_some_and(|id| id % 10 < 2),
            "{answer}"
        );
        answered += usize::from(is_ok);
    }
    assert_eq!(answered, MESSAGES / 5);
    let grown = helper.peak().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    helper.process.stdin = Some(writing.join().unwrap());
    let pins = json!({"protocol": 1, "id": 1, "request": {"type": "pins", "after": null}});
    assert_eq!(helper.ask(&pins)["answer"]["type"], "ok");
    assert_eq!(helper.end(), (Vec::new(), true));
}

const MESSAGES: usize = 100_000;
