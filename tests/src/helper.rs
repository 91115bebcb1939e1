//! The helper as a process: what a test can see of it from outside, and do to it.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::browser::Account;

/// A running helper of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Helper {
    pid: Pid,
    port: u16,
}

impl Helper {
    /// Waits for the account's helper to run with its gateway.
    pub async fn running(account: &Account) -> Result<Self> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(helper) = Self::all(account)?.first() {
                return Ok(*helper);
            }
            ensure!(
                Instant::now() < deadline,
                "no helper runs, or its gateway does not listen"
            );
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// The port of its gateway on 127.0.0.1.
    pub fn gateway_port(&self) -> u16 {
        self.port
    }

    /// Ends it without any chance to clean up.
    pub fn kill(&self) -> Result<()> {
        kill_process(self.pid, Signal::KILL).context("cannot kill the helper")
    }

    /// Waits until it has ended, and nobody listens in its place.
    pub async fn until_ended(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while test_kill_process(self.pid).is_ok() {
            ensure!(Instant::now() < deadline, "the helper does not end");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        let listens = TcpStream::connect(("127.0.0.1", self.port)).await.is_ok();
        ensure!(!listens, "somebody listens at the gateway's port");
        Ok(())
    }

    /// The program that it runs, byte for byte.
    pub fn program(&self) -> Result<Vec<u8>> {
        let pid = self.pid.as_raw_nonzero();
        Ok(fs::read(format!("/proc/{pid}/exe"))?)
    }

    /// Stops it in its tracks until [`Self::resume`].
    pub fn pause(&self) -> Result<()> {
        kill_process(self.pid, Signal::STOP).context("cannot pause the helper")
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        kill_process(self.pid, Signal::CONT).context("cannot resume the helper")
    }

    /// Sends bytes to its gateway and returns all that comes back until the gateway closes.
    /// `None` if it does not close.
    pub async fn ask_gateway(&self, bytes: &[u8]) -> Result<Option<String>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        // A reset after the answer is a way to close, too.
        let closed = tokio::time::timeout(Duration::from_secs(5), reading)
            .await
            .is_ok();
        Ok(closed.then(|| String::from_utf8_lossy(&answer).into_owned()))
    }

    /// Every process of the account's helper that listens.
    fn all(account: &Account) -> Result<Vec<Self>> {
        let program = account.data().join("bin/housekey");
        let listening = listening_sockets()?;
        let mut helpers = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let directory = entry?.path();
            let name = directory
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            let Some(pid) = name.and_then(Pid::from_raw) else {
                continue;
            };
            if fs::read_link(directory.join("exe")).is_ok_and(|path| path == program) {
                let inodes = socket_inodes(directory.join("fd"));
                let port = listening.iter().find(|(_, inode)| inodes.contains(inode));
                helpers.extend(port.map(|(port, _)| Self { pid, port: *port }));
            }
        }
        Ok(helpers)
    }
}

/// Port and inode of every listening TCP socket of this network namespace (proc(5)).
fn listening_sockets() -> Result<Vec<(u16, String)>> {
    let table = fs::read_to_string("/proc/net/tcp")?;
    let sockets = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        (*fields.get(3)? == LISTEN).then_some((port, (*fields.get(9)?).to_owned()))
    });
    Ok(sockets.collect())
}

/// The inodes of a process's sockets. Empty if the process has ended in the meantime.
fn socket_inodes(descriptors: PathBuf) -> HashSet<String> {
    let entries = fs::read_dir(descriptors).into_iter().flatten().flatten();
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets
        .filter_map(|target| {
            Some(
                target
                    .to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect()
}

const LISTEN: &str = "0A";
