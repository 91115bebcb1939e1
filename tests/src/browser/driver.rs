//! chromedriver and geckodriver as processes.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::TcpStream;

/// A running driver. It and its browser form a process group, which [`Self::kill`] ends.
pub(super) struct DriverProcess {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl DriverProcess {
    /// Starts the driver with `--port` and waits until it listens. What it, the browser and the
    /// helper write goes to the log.
    pub(super) async fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let port = free_port()?;
        let file = File::create(&log)?;
        command
            .arg(format!("--port={port}"))
            .process_group(0)
            .stdin(Stdio::null());
        command.stdout(file.try_clone()?).stderr(file);
        let program = command.get_program().to_owned();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start the driver {}", program.display()))?;
        let mut process = Self { child, port, log };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let running = process.child.try_wait()?.is_none();
            ensure!(running, "the driver has ended:\n{}", process.log());
            ensure!(
                Instant::now() < deadline,
                "the driver does not listen on port {port}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(process)
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The last lines of the log.
    pub(super) fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<_> = text.lines().collect();
        let telling = |line: &&&str| !NOISE.iter().any(|noise| line.contains(noise));
        let lines: Vec<_> = lines.iter().filter(telling).copied().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    pub(super) fn kill(&mut self) {
        // Fails only if the group has already ended.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for DriverProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What browsers say when there is no network and no desktop.
const NOISE: &[&str] = &[
    "dbus",
    "DBus",
    "gcm",
    "services.settings",
    "services-settings",
    "RemoteSettings",
    "BackupService",
    "NetworkError: Network request failed",
    "  Stack:",
];

/// Nothing else in the private namespace takes ports in the meantime.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
