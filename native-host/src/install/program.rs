//! Which program browsers start: a copy of this one, or of the one that a package brought since.

use std::cmp::Ordering;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use housekey_core::checkup::compare_versions;

use crate::platform::Platform;

/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether both are files with the same content.
#[must_use]
pub fn is_same_program(one: &Path, other: &Path) -> bool {
    let length = |path| fs::metadata(path).map(|metadata| metadata.len()).ok();
    length(one).is_some()
        && length(one) == length(other)
        && fs::read(one).ok() == fs::read(other).ok()
}

/// The helper that a package brought, and its version, if that is newer than this program.
#[must_use]
pub fn newer_package(platform: &dyn Platform) -> Option<(PathBuf, String)> {
    let packaged = platform.packaged_program()?;
    let this = std::env::current_exe().unwrap_or_default();
    if is_same_program(&this, &packaged) {
        return None;
    }
    let version = version_of(&packaged)?;
    (compare_versions(&version, VERSION) == Ordering::Greater).then_some((packaged, version))
}

/// What a helper says when it is asked for its version, if it says so at once.
#[must_use]
pub fn version_of(program: &Path) -> Option<String> {
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let (say, hear) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        thread::spawn(move || {
            let mut said = String::new();
            let read = output.take(MAX_ANSWER_BYTES).read_to_string(&mut said);
            say.send(read.ok().map(|_| said)).ok();
        });
    }
    let said = hear.recv_timeout(PATIENCE);
    // Whoever answered has ended; whoever did not is not waited for.
    child.kill().ok();
    child.wait().ok();
    let said = said.ok()??;
    let version = said.strip_prefix("housekey ")?.split_whitespace().next()?;
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
    version
        .split('.')
        .all(is_number)
        .then(|| version.to_owned())
}

const PATIENCE: Duration = Duration::from_secs(2);
const MAX_ANSWER_BYTES: u64 = 256;

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_version_is_what_a_helper_says_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("housekey");
        let says = |script: &str| {
            // A program that is being written cannot be started.
            fs::remove_file(&program).ok();
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
            version_of(&program)
        };
        assert_eq!(says("echo housekey 1.22.0").as_deref(), Some("1.22.0"));
        assert_eq!(
            says("echo housekey 1.2.3 built today").as_deref(),
            Some("1.2.3")
        );
        for odd in [
            "echo another 1.0",
            "echo housekey",
            "printf 'housekey \\033[2J'",
            "echo housekey 1..2",
            "printf 'housekey \\377'",
            "exit 1",
            "exec cat /dev/zero",
            "exec sleep 60",
        ] {
            assert_eq!(says(odd), None, "{odd}");
        }
        assert_eq!(version_of(&home.path().join("none")), None);
    }
}
