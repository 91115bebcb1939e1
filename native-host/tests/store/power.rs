//! The power fails: of what a process wrote, the disk has what it was made to wait for, and of the
//! rest anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use housekey::paths::{Paths, write_private};

use crate::faults::{Found, look, unblocked};
use crate::home;
use crate::trace::{calls, copy, place};

/// What a process does to the files of a directory.
#[derive(Debug)]
enum Call {
    Create(String),
    Rename(String, String),
    Sync(String),
    SyncNames,
    /// Something was said to the person.
    Tell,
    Truncate(String, usize),
    Unlink(String),
    /// At a position, or, without one, behind what was written before.
    Write(String, Option<usize>, Vec<u8>),
}

/// What becomes of a file's contents, the last of which the disk was not made to wait for.
type Fate = fn(&[Vec<u8>]) -> Vec<u8>;

/// What happens to data that nobody waited for.
const FATES: [Fate; 4] = [
    // Nothing of it is there.
    |states| states[0].clone(),
    // All of it is.
    |states| states[states.len() - 1].clone(),
    // All of it, but the last write was torn.
    |states| {
        torn(
            &states[states.len().saturating_sub(2)],
            &states[states.len() - 1],
        )
    },
    // Only the last write was in time.
    |states| {
        let last = &states[states.len() - 1];
        overlaid(&states[0], &states[states.len().saturating_sub(2)], last)
    },
];

/// A file: its content as the disk has it, and after each write that was not waited for.
#[derive(Clone, Debug, Default)]
struct File {
    states: Vec<Vec<u8>>,
    appended: usize,
}

#[derive(Clone, Debug, Default)]
struct Disk {
    files: Vec<File>,
    /// Names as the disk has them, and as the process sees them.
    kept: BTreeMap<String, usize>,
    names: BTreeMap<String, usize>,
}

#[test]
fn whenever_the_power_fails_what_was_told_is_there() {
    let (_directory, paths) = home();
    unblocked(&paths);
    let mut disk = Disk::of(&paths);
    let twin = tempfile::tempdir().unwrap();
    let twin = copy(&paths, twin.path());
    let traced = "write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,unlink,unlinkat,openat";
    let traced = calls(&twin, traced, &["pins", "block", "192.168.1.20"]);
    let data = twin.data().to_str().unwrap();
    let traced: Vec<Call> = traced.iter().filter_map(|call| read(call, data)).collect();
    assert!(matches!(traced.last(), Some(Call::Unlink(_))), "{traced:?}");

    let (mut tried, mut found, mut told) = (BTreeSet::new(), Vec::new(), false);
    for (count, call) in traced.iter().enumerate() {
        disk.apply(call);
        told |= matches!(call, Call::Tell);
        for names in [&disk.kept, &disk.names] {
            for (fate, happens) in FATES.iter().enumerate() {
                let image = disk.image(names, *happens);
                if !tried.insert((image.clone(), told)) {
                    continue;
                }
                let place = place();
                let paths = Paths::at(place.path().join("housekey"));
                paths.prepare().unwrap();
                for (name, content) in &image {
                    write_private(&paths.data().join(name), content).unwrap();
                }
                let fault = format!("call {count}, {call:?}, fate {fate}");
                let state = look(&paths, fault.get(..200).unwrap_or(&fault));
                assert!(!told || state == Found::After, "{fault}: told, and undone");
                found.push(state);
            }
        }
    }
    assert!(told && found.len() > 20, "{} images", found.len());
    assert!(found.contains(&Found::Before) && found.contains(&Found::After));
}

impl Disk {
    fn of(paths: &Paths) -> Self {
        let mut disk = Self::default();
        for entry in fs::read_dir(paths.data()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            disk.names.insert(name, disk.files.len());
            disk.files.push(File {
                states: vec![fs::read(entry.path()).unwrap()],
                appended: 0,
            });
        }
        disk.kept = disk.names.clone();
        disk
    }

    fn apply(&mut self, call: &Call) {
        match call {
            Call::Create(name) => {
                if !self.names.contains_key(name) {
                    self.names.insert(name.clone(), self.files.len());
                    self.files.push(File {
                        states: vec![Vec::new()],
                        appended: 0,
                    });
                }
            }
            Call::Rename(from, to) => {
                let file = self.names.remove(from).unwrap();
                self.names.insert(to.clone(), file);
            }
            Call::Sync(name) => {
                let file = self.file(name);
                file.states.drain(..file.states.len() - 1);
            }
            Call::SyncNames => self.kept = self.names.clone(),
            Call::Tell => {}
            Call::Truncate(name, length) => {
                let file = self.file(name);
                let mut content = file.states[file.states.len() - 1].clone();
                content.resize(*length, 0);
                file.states.push(content);
            }
            Call::Unlink(name) => {
                self.names.remove(name);
            }
            Call::Write(name, at, bytes) => {
                let file = self.file(name);
                let mut content = file.states[file.states.len() - 1].clone();
                let at = at.unwrap_or(file.appended);
                let end = at + bytes.len();
                file.appended = end;
                content.resize(content.len().max(end), 0);
                content[at..end].copy_from_slice(bytes);
                file.states.push(content);
            }
        }
    }

    fn file(&mut self, name: &str) -> &mut File {
        &mut self.files[self.names[name]]
    }

    /// What a restart finds. SQLite's index of the log is made anew by whoever comes first.
    fn image(&self, names: &BTreeMap<String, usize>, fate: Fate) -> BTreeMap<String, Vec<u8>> {
        let there = names.iter().filter(|(name, _)| !name.ends_with("-shm"));
        there
            .map(|(name, file)| (name.clone(), fate(&self.files[*file].states)))
            .collect()
    }
}

/// Half of what the last write changed, and the rest as it was: a disk writes whole sectors.
fn torn(before: &[u8], after: &[u8]) -> Vec<u8> {
    let differs = |at: &usize| before.get(*at) != after.get(*at);
    let first = (0..after.len()).find(differs).unwrap_or(0);
    let last = (0..after.len()).rev().find(differs).unwrap_or(0);
    let cut = (first + last) / 2 / SECTOR * SECTOR;
    let mut torn = after[..cut.min(after.len())].to_vec();
    torn.extend(before.get(cut..).unwrap_or_default());
    torn
}

/// The oldest content with what the last write changed.
fn overlaid(oldest: &[u8], before: &[u8], after: &[u8]) -> Vec<u8> {
    let mut content = oldest.to_vec();
    content.resize(after.len(), 0);
    for at in 0..after.len() {
        if before.get(at) != after.get(at) {
            content[at] = after[at];
        }
    }
    content
}

/// Reads a line of strace; nothing for what does not concern the directory.
fn read(call: &str, data: &str) -> Option<Call> {
    let (kind, rest) = call.split_once('(')?;
    let (rest, result) = rest.rsplit_once(") = ")?;
    if result.starts_with('-') {
        return None;
    }
    let name = |path: &str| -> Option<String> {
        let name = path.strip_prefix(data)?;
        Some(name.trim_start_matches('/').to_owned())
    };
    // The file of the number that stands first, and every text.
    let descriptor = rest
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let file = descriptor.map(|(file, _)| String::from_utf8(unhex(file)).unwrap());
    let texts: Vec<Vec<u8>> = rest.split('"').skip(1).step_by(2).map(unhex).collect();
    let path = |at: usize| name(std::str::from_utf8(texts.get(at)?).ok()?);
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let last = rest.rsplit(',').next().and_then(number);
    match kind {
        "write" if rest.starts_with("1<") => Some(Call::Tell),
        "write" => Some(Call::Write(name(&file?)?, None, texts.first()?.clone())),
        "pwrite64" => Some(Call::Write(name(&file?)?, last, texts.first()?.clone())),
        "ftruncate" => Some(Call::Truncate(name(&file?)?, last?)),
        "fsync" | "fdatasync" => match name(&file?)? {
            of if of.is_empty() => Some(Call::SyncNames),
            of => Some(Call::Sync(of)),
        },
        "rename" | "renameat" => Some(Call::Rename(path(0)?, path(1)?)),
        "unlink" | "unlinkat" => Some(Call::Unlink(path(0)?)),
        "openat" if rest.contains("O_CREAT") => Some(Call::Create(path(0)?)),
        _ => None,
    }
}

fn unhex(text: &str) -> Vec<u8> {
    match text.strip_prefix("\\x") {
        Some(digits) => digits
            .split("\\x")
            .map(|digits| u8::from_str_radix(digits, 16).unwrap())
            .collect(),
        None => text.as_bytes().to_vec(),
    }
}

const SECTOR: usize = 512;
