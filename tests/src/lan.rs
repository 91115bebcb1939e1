//! A home network in a network namespace of its own: loopback holds every address, names come
//! from a hosts file, and there is no route out.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// Proof that this process lives in the private namespace. Whatever starts devices or browsers
/// wants to see it, so that nothing of it can happen on a real network.
#[derive(Clone, Copy, Debug)]
pub struct Lan(());

impl Lan {
    /// Enters the namespace: the program starts itself again inside, with the same arguments.
    /// Call it first thing in `main`, before any thread or file exists.
    pub fn enter() -> Result<Self> {
        match std::env::var_os(OUTSIDE) {
            None => match leave_for_inside()? {},
            Some(outside) => {
                let lan = Self::prove(&outside)?;
                lan.assign_addresses()?;
                lan.replace_name_service()?;
                end_on_signal()?;
                Ok(lan)
            }
        }
    }

    /// Refuses unless this namespace is another one than that of the caller outside and holds
    /// nothing but loopback.
    fn prove(outside: &OsString) -> Result<Self> {
        ensure!(
            network_namespace()? != *outside,
            "still in the network namespace of the computer: nothing is started in it"
        );
        let interfaces = interfaces()?;
        ensure!(
            interfaces == ["lo"],
            "expected only lo in the private namespace: {interfaces:?}"
        );
        Ok(Self(()))
    }

    /// Takes an address off the network, as if its device were out of reach: what is sent to it is
    /// lost, and neither side hears of it.
    pub fn unplug(self, address: IpAddr) -> Result<Unplugged> {
        ip(&["address", "del", &prefix(address), "dev", "lo"])?;
        Ok(Unplugged(address))
    }

    /// Lets a name lead to other addresses, all of them at once, as whoever runs its name server can
    /// at any moment.
    pub fn lead(self, name: &str, addresses: &[&str]) -> Result<()> {
        let hosts = fs::read_to_string(HOSTS_FILE)?;
        let others = hosts
            .lines()
            .filter(|line| !line.ends_with(&format!(" {name}")));
        let mut hosts: Vec<String> = others.map(ToOwned::to_owned).collect();
        hosts.extend(addresses.iter().map(|address| format!("{address} {name}")));
        hosts.push(String::new());
        Ok(fs::write(HOSTS_FILE, hosts.join("\n"))?)
    }

    /// Puts a disk of so many MiB in the place of a directory, for this mount namespace only.
    pub fn small_disk(self, place: &Path, mebibytes: u32) -> Result<Imposed> {
        let size = format!("size={mebibytes}m");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], place)?;
        Ok(Imposed(place.into()))
    }

    /// Puts a file where only a system's owner can, as companies do with their browsers' policies:
    /// over the directory, which has to be there, lies an empty one with nothing else in it, for
    /// this mount namespace only.
    pub fn impose(self, directory: &Path, file: &str, content: &str) -> Result<Imposed> {
        mount(&["-t", "tmpfs", "tmpfs"], directory)?;
        let imposed = Imposed(directory.into());
        let file = directory.join(file);
        fs::create_dir_all(file.parent().context("no directory")?)?;
        fs::write(file, content)?;
        Ok(imposed)
    }

    fn assign_addresses(self) -> Result<()> {
        let mut batch = String::from("link set lo up\n");
        for (address, _) in HOSTS {
            let prefix = prefix(address.parse()?);
            batch.push_str(&format!("address add {prefix} dev lo\n"));
        }
        let mut ip = Command::new(system_tool("ip"))
            .args(["-batch", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start `ip` (package iproute2)")?;
        ip.stdin
            .take()
            .context("no pipe to `ip`")?
            .write_all(batch.as_bytes())?;
        ensure!(ip.wait()?.success(), "`ip` could not set up the addresses");
        Ok(())
    }

    /// Covers the files that name resolution reads, for this mount namespace only.
    fn replace_name_service(self) -> Result<()> {
        let directory = tempfile::tempdir()?;
        let hosts: String = HOSTS
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(address, names)| format!("{address} {names}\n"))
            .collect();
        let hosts = format!("127.0.0.1 localhost\n::1 localhost\n{hosts}");
        cover(directory.path(), "hosts", &hosts)?;
        cover(
            directory.path(),
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\n",
        )?;
        cover(directory.path(), "resolv.conf", "")
        // A bind mount keeps its file alive: the directory may go.
    }
}

/// An address that is off the network as long as this lives.
pub struct Unplugged(IpAddr);

impl Drop for Unplugged {
    fn drop(&mut self) {
        // Whatever comes after it in this namespace fails if this does.
        let _ = ip(&["address", "add", &prefix(self.0), "dev", "lo"]);
    }
}

/// A directory that is covered as long as this lives.
pub struct Imposed(PathBuf);

impl Drop for Imposed {
    fn drop(&mut self) {
        // Whatever comes after it in this namespace fails if this does. Lazily, for a process that is
        // about to end may still have a file of it.
        let mut unmount = Command::new(system_tool("umount"));
        let _ = unmount.arg("--lazy").arg(&self.0).status();
    }
}

const HOSTS_FILE: &str = "/etc/hosts";

/// Every address of the sample network besides loopback's own, with the names that lead to it.
const HOSTS: &[(&str, &str)] = &[
    ("192.168.1.1", "router.home.arpa"),
    ("192.168.1.2", "start.local"),
    ("192.168.1.20", "hue.local"),
    ("192.168.1.21", ""),
    ("192.168.1.30", "printer.local"),
    ("192.168.1.40", "nas.local intranet.example"),
    ("192.168.1.50", ""),
    ("192.168.1.51", ""),
    ("192.168.1.52", ""),
    ("192.168.1.60", "media.local"),
    ("192.168.1.70", ""),
    ("192.168.1.80", ""),
    ("192.168.1.81", ""),
    ("fd00::20", ""),
    ("8.8.8.8", "public.example pretender.local"),
    ("8.8.4.4", "plain.example"),
];

/// Replaces this process by itself under `unshare`.
fn leave_for_inside() -> Result<Infallible> {
    let flags = namespaces().context("cannot make a network namespace")?;
    let mut command = Command::new(system_tool("unshare"));
    command
        .args(flags)
        .arg("--")
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1));
    command.env(OUTSIDE, network_namespace()?);
    for variable in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command
            .env_remove(variable)
            .env_remove(variable.to_uppercase());
    }
    Err(command.exec()).context("cannot start `unshare` (package util-linux)")
}

/// The namespaces this computer lets us have. One of process ids, where possible, so that no
/// browser outlives the program; a user namespace unless we are root.
fn namespaces() -> Result<Vec<&'static str>> {
    let root = rustix::process::geteuid().is_root();
    let basic = ["--net", "--mount"];
    let user: &[_] = if root {
        &[]
    } else {
        &["--user", "--map-root-user"]
    };
    let processes: &[_] = &["--pid", "--fork", "--kill-child", "--mount-proc"];
    for more in [processes, &[]] {
        let flags = [&basic[..], user, more].concat();
        let tried = Command::new(system_tool("unshare"))
            .args(&flags)
            .arg("true")
            .output();
        if tried
            .context("cannot start `unshare` (package util-linux)")?
            .status
            .success()
        {
            return Ok(flags);
        }
    }
    bail!(
        "`unshare {}` is refused here; allow user namespaces or run as root",
        [&basic[..], user].concat().join(" ")
    )
}

/// The first process of a process-id namespace ignores signals that it does not handle, Ctrl-C
/// too. When it ends, the kernel ends all others in there.
fn end_on_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        });
        std::process::exit(130);
    });
    Ok(())
}

fn cover(directory: &Path, name: &str, content: &str) -> Result<()> {
    let source = directory.join(name);
    let target = Path::new("/etc").join(name);
    fs::write(&source, content)?;
    if !target.exists() {
        return Ok(());
    }
    mount(&["--bind", &source.to_string_lossy()], &target)
}

fn mount(arguments: &[&str], target: &Path) -> Result<()> {
    let mut mount = Command::new(system_tool("mount"));
    let status = mount.args(arguments).arg(target).status();
    ensure!(
        status?.success(),
        "cannot cover {} in the private namespace",
        target.display()
    );
    Ok(())
}

fn network_namespace() -> Result<OsString> {
    Ok(fs::read_link("/proc/self/ns/net")
        .context("no /proc/self/ns/net")?
        .into_os_string())
}

fn interfaces() -> Result<Vec<String>> {
    let table = fs::read_to_string("/proc/self/net/dev")?;
    let names = table.lines().filter_map(|line| line.split_once(':'));
    Ok(names.map(|(name, _)| name.trim().to_owned()).collect())
}

/// One address, as `ip` takes it.
fn prefix(address: IpAddr) -> String {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    format!("{address}/{bits}")
}

fn ip(arguments: &[&str]) -> Result<()> {
    let status = Command::new(system_tool("ip")).args(arguments).status();
    let shown = arguments.join(" ");
    ensure!(status?.success(), "`ip {shown}` failed");
    Ok(())
}

/// `ip` and friends live in directories that are not on everybody's PATH.
fn system_tool(name: &str) -> OsString {
    let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let found = places
        .iter()
        .map(|place| Path::new(place).join(name))
        .find(|path| path.exists());
    found.map_or_else(|| name.into(), |path| path.into_os_string())
}

/// Set for the program inside: the network namespace it came from.
const OUTSIDE: &str = "HOUSEKEY_TESTS_OUTSIDE";
