//! The candidates, and the device that they stand before.

mod configuration;
mod helper;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Display, Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use housekey_core::fingerprint::SpkiSha256;
use tempfile::TempDir;

use super::START;
use super::client::{Client, Route};
use super::process::{Cores, Process, Usage, keep_this_to};
use crate::lan::Lan;
use crate::pki::{Authority, Identity, Key, Subject};

/// A candidate before it is started.
pub(super) struct Start {
    pub(super) name: &'static str,
    /// The program, and what it says about its version to these arguments.
    program: &'static str,
    version: &'static [&'static str],
    /// Whether it keeps connections to the device, for any of its clients.
    pools: bool,
    /// Writes its configuration into a directory, and says how it is started.
    configure: fn(&Site<'_>) -> Result<Vec<String>>,
}

/// A candidate that runs.
pub(super) struct Peer {
    name: &'static str,
    version: String,
    process: Option<Process>,
    /// For requests on connections that stay.
    pub(super) route: Route,
    /// The same, but with a connection to the device for every one of the client's, where a
    /// candidate would otherwise keep some for all.
    pub(super) fresh: Route,
    _directory: TempDir,
}

/// What the candidates stand in: the device, and who vouches for whom.
pub(super) struct World {
    device: Process,
    device_key: SpkiSha256,
    directory: TempDir,
}

/// What a configuration needs to know.
struct Site<'w> {
    directory: &'w Path,
    root: PathBuf,
    chain: PathBuf,
    key: PathBuf,
    both: PathBuf,
    port: u16,
    fresh_port: u16,
}

impl Site<'_> {
    /// The files of the root that vouches for the device, of the proxy's own chain, and of its key.
    fn certificates(&self) -> (Display<'_>, Display<'_>, Display<'_>) {
        (
            self.root.display(),
            self.chain.display(),
            self.key.display(),
        )
    }
}

pub(super) const DIRECT: &str = "direct";
pub(super) const HOUSEKEY: &str = "Housekey";
/// The limit of whatever stands in between: no peer, as it ends no TLS.
pub(super) const BYTES_ONLY: &str = "bytes only: haproxy";

/// Those that stand where Housekey could, in the order of the table.
pub(super) const ALL: &[Start] = &[
    Start {
        name: DIRECT,
        program: "",
        pools: false,
        version: &[],
        configure: |_| Ok(Vec::new()),
    },
    Start {
        name: BYTES_ONLY,
        program: "haproxy",
        pools: false,
        version: &["-v"],
        configure: configuration::bytes_only,
    },
    housekey(),
    Start {
        name: "nginx",
        program: "nginx",
        pools: true,
        version: &["-v"],
        configure: configuration::nginx,
    },
    Start {
        name: "haproxy",
        program: "haproxy",
        pools: true,
        version: &["-v"],
        configure: configuration::haproxy,
    },
    Start {
        name: "Caddy",
        program: "caddy",
        pools: true,
        version: &["version"],
        configure: configuration::caddy,
    },
    Start {
        name: "stunnel",
        program: "stunnel4",
        pools: false,
        version: &["-version"],
        configure: configuration::stunnel,
    },
    Start {
        name: "mitmproxy",
        program: "mitmdump",
        pools: false,
        version: &["--version"],
        configure: configuration::mitmproxy,
    },
];

pub(super) const fn housekey() -> Start {
    Start {
        name: HOUSEKEY,
        program: "housekey",
        pools: false,
        version: &["--version"],
        configure: |_| Ok(Vec::new()),
    }
}

impl World {
    /// Makes the certificates and switches the device on.
    pub(super) async fn new(lan: Lan) -> Result<Self> {
        let _proof_of_the_private_network = lan;
        let directory = tempfile::Builder::new()
            .prefix("housekey-bench-")
            .tempdir()?;
        let root = Authority::root(&Subject::new().common_name("Bench root"))?;
        let named = || Subject::new().common_name("device").alternative_name(NAME);
        let device_identity = root.issue(&named(), Key::generate()?)?;
        let proxy_identity = root.issue(&named(), Key::generate()?)?;
        let place = directory.path();
        fs::write(place.join("root.pem"), root.pem())?;
        write_identity(&place.join("device"), &device_identity)?;
        write_identity(&place.join("proxy"), &proxy_identity)?;
        let mut device = Command::new(std::env::current_exe()?);
        device.arg("--device").arg(place.join("device"));
        let world = Self {
            device: Process::start(&mut device, &place.join("device.log"))?,
            device_key: device_identity.spki_sha256().parse()?,
            directory,
        };
        let route = Route::At(DEVICE.parse()?);
        until_it_answers(&route, || true)
            .await
            .context("the device")?;
        Ok(world)
    }

    /// Starts a candidate.
    pub(super) async fn start(&self, start: &Start) -> Result<Peer> {
        let directory = tempfile::Builder::new()
            .prefix("housekey-bench-")
            .tempdir()?;
        if start.name == DIRECT {
            let route = Route::At(DEVICE.parse()?);
            return Ok(Peer {
                name: start.name,
                version: String::new(),
                process: None,
                fresh: route.clone(),
                route,
                _directory: directory,
            });
        }
        if start.name == HOUSEKEY {
            return helper::start(directory, &self.device_key).await;
        }
        let program =
            find(start.program).with_context(|| format!("{} is not installed", start.program))?;
        let proxy = self.directory.path().join("proxy");
        let site = Site {
            directory: directory.path(),
            root: self.directory.path().join("root.pem"),
            chain: proxy.join("chain.pem"),
            key: proxy.join("key.pem"),
            both: proxy.join("both.pem"),
            port: free_port()?,
            fresh_port: free_port()?,
        };
        let arguments = (start.configure)(&site)?;
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(directory.path());
        command.env("HOME", directory.path());
        let log = directory.path().join("said.log");
        let mut process = Process::start(&mut command, &log)?;
        let at = |port| Route::At(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let route = at(site.port);
        let fresh = if start.pools {
            at(site.fresh_port)
        } else {
            route.clone()
        };
        for route in [&route, &fresh] {
            let answers = until_it_answers(route, || process.runs()).await;
            answers.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        }
        Ok(Peer {
            name: start.name,
            version: version(&program, start.version),
            process: Some(process),
            route,
            fresh,
            _directory: directory,
        })
    }

    /// What the device used so far.
    pub(super) fn device_usage(&self) -> Usage {
        self.device.usage()
    }
}

impl Peer {
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Gives the candidate a core of its own, where the computer has two.
    pub(super) fn place(&self, world: &World) -> Result<Option<Cores>> {
        let Some(cores) = Cores::of_this_computer()? else {
            return Ok(None);
        };
        keep_this_to(&cores.ends)?;
        world.device.keep_to(&cores.ends)?;
        if let Some(process) = &self.process {
            process.keep_to(&cores.between)?;
        }
        Ok(Some(cores))
    }

    /// Takes that back.
    pub(super) fn release(&self, world: &World, cores: &Cores) -> Result<()> {
        let others = self.process.iter().chain([&world.device]);
        cores.release(&others.collect::<Vec<_>>())
    }

    /// What the candidate's own processes used so far.
    pub(super) fn own_usage(&self) -> Option<Usage> {
        self.process.as_ref().map(Process::usage)
    }

    /// What the candidate's processes used so far; the device's where there is nobody between.
    pub(super) fn usage(&self, world: &World) -> Usage {
        self.own_usage().unwrap_or_else(|| world.device_usage())
    }
}

fn write_identity(directory: &Path, identity: &Identity) -> Result<()> {
    fs::create_dir(directory)?;
    fs::write(directory.join("chain.pem"), identity.chain_pem())?;
    fs::write(directory.join("key.pem"), identity.key_pem())?;
    let both = [identity.chain_pem(), identity.key_pem()].concat();
    fs::write(directory.join("both.pem"), both)?;
    Ok(())
}

async fn until_it_answers(route: &Route, mut runs: impl FnMut() -> bool) -> Result<()> {
    let client = Client::full()?;
    let deadline = Instant::now() + START;
    loop {
        match client.proves(route).await {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(error) if !runs() => return Err(error.context("it ended")),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

fn version(program: &Path, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        return String::new();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let is_number = |word: &&str| word.contains('.') && word.contains(|c: char| c.is_ascii_digit());
    let word = text
        .split([' ', '/', '\n'])
        .find(is_number)
        .unwrap_or_default();
    word.trim_start_matches('v').to_owned()
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/bin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(more);
    places.find_map(|place| Some(place.join(program)).filter(|file| file.is_file()))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Where the device listens, and what it is called there.
pub const DEVICE: &str = "192.168.1.40:443";
pub(super) const NAME: &str = "nas.local";
