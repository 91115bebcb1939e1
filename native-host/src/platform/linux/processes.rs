//! Which processes there are and where they listen, as `/proc` tells (proc(5)).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The processes of a program, without this one.
pub(super) fn of(program: &Path) -> BTreeSet<u32> {
    let mut processes: BTreeSet<u32> = all_of(program).collect();
    processes.remove(&std::process::id());
    processes
}

/// The ports at which they listen: those of this user, for nobody may look into another's.
pub(super) fn ports_of(program: &Path) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = all_of(program)
        .flat_map(|process| entries(&PathBuf::from(format!("/proc/{process}/fd"))))
        .filter_map(|file| fs::read_link(file).ok()?.to_str().map(str::to_owned))
        .collect();
    if sockets.is_empty() {
        return BTreeSet::new();
    }
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let listening = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (local, state) = (columns.next()?, columns.nth(1)?);
        let inode = columns.nth(5)?;
        let is_theirs = state == LISTEN && sockets.contains(&format!("socket:[{inode}]"));
        let port = local.split(':').nth(1)?;
        is_theirs.then(|| u16::from_str_radix(port, 16).ok())?
    });
    listening.collect()
}

fn all_of(program: &Path) -> impl Iterator<Item = u32> {
    entries(Path::new("/proc")).filter_map(move |process| {
        let number = process.file_name()?.to_str()?.parse().ok()?;
        (fs::read_link(process.join("exe")).ok()? == program).then_some(number)
    })
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_listening_process_is_found_by_its_program() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = std::env::current_exe().unwrap();
        assert!(ports_of(&this).contains(&port));
        assert!(ports_of(Path::new("/nobody/runs/this")).is_empty());
        assert!(all_of(&this).any(|it| it == std::process::id()));
        assert!(!of(&this).contains(&std::process::id()));
    }
}
