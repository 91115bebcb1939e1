//! The Debian package where nothing else is: installed, used and purged in a fresh Debian.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::process;
use crate::workspace::Workspace;

/// Makes a fresh Debian, of the release and from the mirror that this computer has, and walks
/// through the life of the package in it, without a network.
///
/// # Errors
///
/// When this is not root, no such system can be made, or a step does not hold.
pub(super) fn check(workspace: &Workspace, package: &Path) -> Result<()> {
    process::heading("the Debian package in a clean root");
    ensure!(
        process::is_root(),
        "only root can make a clean root; leave it out with --only"
    );
    let root = CleanRoot::make(workspace)?;
    let result = walk(&root, package);
    // What failed can be looked at.
    if result.is_ok() {
        fs::remove_dir_all(&root.directory)?;
    }
    result
}

fn walk(root: &CleanRoot, package: &Path) -> Result<()> {
    root.make_person()?;
    let (before, stores_before) = (root.listing()?, root.run(PERSON, &LIST_STORE)?);
    let inside = root.directory.join("tmp").join("housekey.deb");
    fs::copy(package, &inside)?;

    root.run(ROOT, &["dpkg", "--install", "/tmp/housekey.deb"])?;
    let said = root.run(ROOT, &["dpkg", "--verify", "housekey"])?;
    ensure!(
        said.is_empty(),
        "dpkg finds other files than it installed: {said}"
    );
    ensure!(
        same_below(HOME, &root.listing()?, &before),
        "the package touched a home"
    );
    let said = root.run(PERSON, &["housekey", "--version"])?;
    ensure!(said.contains(Workspace::VERSION), "it says it is {said}");
    for page in ["housekey", "housekey-install", "housekey-pins-list"] {
        let said = root.run(PERSON, &["man", page])?;
        ensure!(said.contains("SYNOPSIS"), "the page {page} reads {said:?}");
    }
    let complete = "source /usr/share/bash-completion/completions/housekey && complete -p housekey";
    root.run(PERSON, &["bash", "-c", complete])?;
    println!("installed: dpkg's files, no home touched, the manual reads, completion loads");

    let said = root.run(PERSON, &["housekey", "install", "--yes"])?;
    ensure!(said.contains("Installed."), "install says {said}");
    let said = root.run(PERSON, &["housekey", "doctor"])?;
    ensure!(!said.contains('✗'), "doctor says {said}");
    let said = root.run(PERSON, &["housekey", "install", "--yes"])?;
    ensure!(
        said.contains("Nothing to do."),
        "a second install says {said}"
    );
    println!("used: installed for a person, doctor content, a second install has nothing to do");

    let said = root.run(ROOT, &["dpkg", "--purge", "housekey"])?;
    ensure!(
        said.contains("uninstall"),
        "purging says nothing of users: {said}"
    );
    ensure!(
        root.run(PERSON, &["housekey", "--version"]).is_err(),
        "it is still there"
    );
    let own = "/home/person/.local/share/housekey/bin/housekey";
    let said = root.run(PERSON, &[own, "doctor"])?;
    ensure!(
        !said.contains('✗'),
        "without the package, doctor says {said}"
    );
    root.run(PERSON, &[own, "uninstall", "--yes"])?;
    fs::remove_file(&inside)?;
    let after = root.listing()?;
    let changed = |one: &Listing, other: &Listing| -> Vec<String> {
        let differ = one
            .iter()
            .filter(|(path, what)| other.get(*path) != Some(what));
        differ.map(|(path, _)| path.clone()).collect()
    };
    let (left, lost) = (changed(&after, &before), changed(&before, &after));
    ensure!(
        left.is_empty() && lost.is_empty(),
        "left or changed: {left:?}; lost: {lost:?}"
    );
    let stores = root.run(PERSON, &LIST_STORE)?;
    ensure!(
        stores == stores_before,
        "the certificate store holds {stores}"
    );
    println!("purged: the person's own copy took itself out, and everything is as before");
    Ok(())
}

struct CleanRoot {
    directory: std::path::PathBuf,
}

/// What is at each path: mode, owner, and content or where it leads.
type Listing = BTreeMap<String, (u32, u32, Vec<u8>)>;

impl CleanRoot {
    fn make(workspace: &Workspace) -> Result<Self> {
        let directory = workspace.target().join("package").join("root");
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        let (mirror, release) = debian()?;
        let mut debootstrap = Command::new("debootstrap");
        debootstrap.args(["--variant=minbase", "--include=libnss3-tools,man-db"]);
        debootstrap.arg(&release).arg(&directory).arg(&mirror);
        // It says what it does at length, and where from.
        process::output(debootstrap.env("PATH", process::search_path()))?;
        println!("a fresh {release}");
        Ok(Self { directory })
    }

    /// Somebody who has used Firefox and Chromium.
    fn make_person(&self) -> Result<()> {
        self.run(ROOT, &["useradd", "--create-home", "person"])?;
        let script = "mkdir -p ~/.mozilla/firefox/a.default ~/.config/chromium && \
             printf '[Profile0]\\nName=default\\nIsRelative=1\\nPath=a.default\\n' \
             > ~/.mozilla/firefox/profiles.ini && \
             certutil -N --empty-password -d sql:$HOME/.mozilla/firefox/a.default";
        self.run(PERSON, &["sh", "-c", script])?;
        Ok(())
    }

    /// Runs something in it, with no network but the computer's own loopback, and with nothing of
    /// this process's environment.
    fn run(&self, who: &str, command: &[&str]) -> Result<String> {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--pid", "--fork", "--kill-child", "--mount"]);
        let mut processes = OsString::from("--mount-proc=");
        processes.push(self.directory.join("proc"));
        unshare.arg(processes);
        // Whoever comes into a new network finds its loopback switched off.
        unshare.args(["sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
        unshare
            .arg("chroot")
            .arg(format!("--userspec={who}"))
            .arg(&self.directory);
        let home = if who == ROOT { "/root" } else { "/home/person" };
        unshare.args(["env", "-i", &format!("HOME={home}"), "LC_ALL=C.UTF-8"]);
        unshare.args([
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND=noninteractive",
        ]);
        process::output(unshare.args(command))
    }

    fn listing(&self) -> Result<Listing> {
        let mut listing = Listing::new();
        list(&self.directory, "", &mut listing)?;
        Ok(listing)
    }
}

/// Where this computer's own release of Debian comes from, as apt knows it.
fn debian() -> Result<(String, String)> {
    let mut apt = Command::new("apt-get");
    apt.args([
        "indextargets",
        "--format",
        "$(ORIGIN)|$(LABEL)|$(SUITE)|$(CODENAME)|$(REPO_URI)",
    ]);
    let said = process::output(apt.arg("Created-By: Packages"))?;
    for line in said.lines() {
        let fields: Vec<_> = line.split('|').collect();
        if let ["Debian", "Debian", suite, release, mirror] = fields[..]
            && !suite.ends_with("-updates")
        {
            return Ok((mirror.to_owned(), release.to_owned()));
        }
    }
    bail!("apt knows no mirror of Debian; run `apt-get update` on a Debian")
}

fn list(directory: &Path, prefix: &str, listing: &mut Listing) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if PASSING.contains(&path.as_str()) {
            continue;
        }
        let metadata = fs::symlink_metadata(entry.path())?;
        let kind = metadata.file_type();
        let content = if DATABASES.iter().any(|name| path.ends_with(name)) {
            // SQLite leaves other bytes where something was; what is in them is asked of certutil.
            Vec::new()
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            target.into_os_string().into_encoded_bytes()
        } else if kind.is_file() {
            Sha256::digest(fs::read(entry.path())?).to_vec()
        } else {
            Vec::new()
        };
        if kind.is_dir() {
            list(&entry.path(), &format!("{path}/"), listing)?;
        }
        listing.insert(path, (metadata.mode(), metadata.uid(), content));
    }
    Ok(())
}

/// Whether what is below a place is the same in both.
fn same_below(place: &str, one: &Listing, other: &Listing) -> bool {
    let below = |(path, _): &(&String, _)| path.starts_with(place);
    one.iter().filter(below).eq(other.iter().filter(below))
}

const ROOT: &str = "root:root";
const PERSON: &str = "person:person";
const HOME: &str = "home/";

/// What the person's Firefox trusts.
const LIST_STORE: [&str; 4] = ["certutil", "-L", "-d", STORE];
const STORE: &str = "sql:/home/person/.mozilla/firefox/a.default";
const DATABASES: [&str; 2] = ["/cert9.db", "/key4.db"];

/// What dpkg and the system write for themselves.
const PASSING: [&str; 8] = [
    "dev",
    "proc",
    "run",
    "sys",
    "var/cache",
    "var/lib/dpkg",
    "var/lib/systemd",
    "var/log",
];
