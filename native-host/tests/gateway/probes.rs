//! Very many wishes to look at devices, through the real helper's native messaging.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Child;
use std::thread;

use housekey_core::protocol::{Answer, Approval, FromHelper, PROTOCOL, Request, ToHelper};
use housekey_tests::device::{Behaviour, RawDevice};
use housekey_tests::gateway::Helper;
use housekey_tests::lan::Lan;

use crate::scene::DEVICE;

/// A thousand at once, of a device that speaks no TLS: each is told so, and nobody else
/// has to wait for good.
pub(crate) async fn a_thousand_looks_at_once_are_all_answered(lan: Lan) {
    let _proof_of_the_private_network = lan;
    let device = RawDevice::start(DEVICE.parse().unwrap(), Behaviour::Garbage)
        .await
        .unwrap();
    let home = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_housekey"));
    let helper = Helper::start(program, home.path()).unwrap();
    let mut process = helper.into_process();
    let look = |id: u32| ToHelper {
        protocol: PROTOCOL,
        id,
        request: Request::Approve {
            endpoint: DEVICE.parse().unwrap(),
            spki_sha256: "ab".repeat(32).parse().unwrap(),
            approval: Approval::First,
            cleared: false,
        },
    };
    let last = ToHelper {
        protocol: PROTOCOL,
        id: LOOKS,
        request: Request::Pins { after: None },
    };
    let messages = (0..LOOKS).map(look).chain([last]);
    let messages: Vec<u8> = messages.flat_map(|message| frame(&message)).collect();
    let before = memory(&process);
    let mut input = process.stdin.take().unwrap();
    let writing = thread::spawn(move || {
        input.write_all(&messages).unwrap();
        input
    });
    let mut told = vec![false; LOOKS as usize + 1];
    for _ in 0..=LOOKS {
        let FromHelper { id, answer, .. } = answer(&mut process);
        let id = usize::try_from(id.unwrap()).unwrap();
        assert_eq!(matches!(answer, Answer::Ok(_)), id == LOOKS as usize);
        assert!(!std::mem::replace(&mut told[id], true), "told twice: {id}");
    }
    let grown = memory(&process).saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    drop(writing.join().unwrap());
    assert!(process.wait().unwrap().success());
    drop(device);
}

fn frame(message: &ToHelper) -> Vec<u8> {
    let json = serde_json::to_vec(message).unwrap();
    let length = u32::try_from(json.len()).unwrap().to_ne_bytes();
    [&length[..], &json].concat()
}

fn answer(process: &mut Child) -> FromHelper {
    let output = process.stdout.as_mut().unwrap();
    let mut length = [0; 4];
    output.read_exact(&mut length).unwrap();
    let mut json = vec![0; u32::from_ne_bytes(length) as usize];
    output.read_exact(&mut json).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// The most memory that the process ever had in use, in bytes (proc(5)).
fn memory(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() * 1_024
}

const LOOKS: u32 = 1_000;
