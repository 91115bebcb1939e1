//! This process and those that it starts: what ends them, exit codes.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use tokio::process::Child;
use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, ctrl_break, ctrl_c, ctrl_close};

/// Windows has no such limit.
pub(crate) fn raise_file_limit() {}

/// The file that this process runs. Nothing takes its place while it does.
pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().unwrap_or_default()
}

/// Windows has no such wish.
pub(crate) fn end_with_parent() -> io::Result<()> {
    Ok(())
}

/// The wishes of a person or of the system that this process ends.
pub(crate) struct Wishes {
    interrupted: CtrlC,
    broken: CtrlBreak,
    closed: CtrlClose,
}

/// Such a wish. A console says it to every program in it.
pub(crate) enum Wish {
    Interrupt,
}

impl Wishes {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupted: ctrl_c()?,
            broken: ctrl_break()?,
            closed: ctrl_close()?,
        })
    }

    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.interrupted.recv() => Wish::Interrupt,
            _ = self.broken.recv() => Wish::Interrupt,
            _ = self.closed.recv() => Wish::Interrupt,
        }
    }
}

impl Wish {
    /// The program has heard it too.
    pub(crate) fn pass_on(&self, _: &Child) -> bool {
        true
    }
}

/// How a program ended.
pub(crate) fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(1)
}
