//! This process and those that it starts: limits, signals, exit codes.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tokio::process::Child;
use tokio::signal::unix::{Signal as Arriving, SignalKind, signal};

/// Lets this process open as many files as it may: each connection takes two of them, and many
/// systems begin with a limit of 1,024.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    if setrlimit(Resource::Nofile, Rlimit { current, ..limit }).is_err() {
        tracing::warn!("the limit of open files stays as it is");
    }
}

/// The very file that this process runs, on Linux also where another one has taken its place since.
pub(crate) fn this_program() -> PathBuf {
    match cfg!(target_os = "linux") {
        true => "/proc/self/exe".into(),
        false => std::env::current_exe().unwrap_or_default(),
    }
}

/// Ends this process with the one that started it: no gateway is left behind by a script that ended
/// in the middle.
#[cfg(target_os = "linux")]
pub(crate) fn end_with_parent() -> io::Result<()> {
    use rustix::process::{getppid, set_parent_process_death_signal};

    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::TERM))?;
    match getppid() == parent {
        true => Ok(()),
        false => Err(io::Error::other("whoever started this has ended")),
    }
}

/// macOS has no such wish.
#[cfg(not(target_os = "linux"))]
pub(crate) fn end_with_parent() -> io::Result<()> {
    Ok(())
}

/// The wishes of a person or of the system that this process ends.
pub(crate) struct Wishes {
    interrupted: Arriving,
    hung_up: Arriving,
    terminated: Arriving,
}

/// Such a wish.
pub(crate) enum Wish {
    /// From the terminal, which says it to every program in it.
    Interrupt,
    /// To this process alone.
    End(Signal),
}

impl Wishes {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupted: signal(SignalKind::interrupt())?,
            hung_up: signal(SignalKind::hangup())?,
            terminated: signal(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupted.recv() => Wish::Interrupt,
            _ = self.hung_up.recv() => Wish::End(Signal::HUP),
            _ = self.terminated.recv() => Wish::End(Signal::TERM),
        }
    }
}

impl Wish {
    /// Passes it on to a program. `false` where that does not hear it.
    pub(crate) fn pass_on(&self, program: &Child) -> bool {
        let Self::End(signal) = *self else {
            return true;
        };
        let pid = program
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}

/// How a program ended, as a shell has it: 128 and the signal, for what was ended by one.
pub(crate) fn code_of(status: ExitStatus) -> u8 {
    let code = status.code();
    let code = code.or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
