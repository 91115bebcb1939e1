//! The candidates: how each is configured to end TLS and to speak verified TLS with the device.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::START;
use super::client::{Client, Route};
use super::process::{Process, Usage};
use crate::browser::artefact;
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
    device_key: String,
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

pub(super) const DIRECT: &str = "direct";
pub(super) const HOUSEKEY: &str = "Housekey";

/// Those that stand where Housekey could, in the order of the table.
pub(super) const ALL: &[Start] = &[
    Start {
        name: DIRECT,
        program: "",
        pools: false,
        version: &[],
        configure: |_| Ok(Vec::new()),
    },
    housekey(),
    Start {
        name: "nginx",
        program: "nginx",
        pools: true,
        version: &["-v"],
        configure: nginx,
    },
    Start {
        name: "haproxy",
        program: "haproxy",
        pools: true,
        version: &["-v"],
        configure: haproxy,
    },
    Start {
        name: "Caddy",
        program: "caddy",
        pools: true,
        version: &["version"],
        configure: caddy,
    },
    Start {
        name: "stunnel",
        program: "stunnel4",
        pools: false,
        version: &["-version"],
        configure: stunnel,
    },
    Start {
        name: "mitmproxy",
        program: "mitmdump",
        pools: false,
        version: &["--version"],
        configure: mitmproxy,
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
            device_key: device_identity.spki_sha256(),
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
            return self.start_housekey(directory).await;
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

    /// The helper as a browser starts it, with the device pinned by way of its own protocol.
    async fn start_housekey(&self, directory: TempDir) -> Result<Peer> {
        let program = artefact("HOUSEKEY_BENCH_BIN", "target/release/housekey")?;
        let home = directory.path();
        let command = || {
            let mut command = Command::new(&program);
            command.env_clear().env("HOME", home).current_dir(home);
            command
        };
        let installed = command()
            .args(["install", "--helper-only", "--yes"])
            .output()?;
        let said = String::from_utf8_lossy(&installed.stderr).into_owned();
        ensure!(installed.status.success(), "housekey install: {said}");
        let mut child = command()
            .arg(EXTENSION)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let hello = ask(&mut child, &json!({"type": "hello", "extension": "0.1.0"}))?;
        let gateway = &hello["gateway"];
        let port = gateway["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok());
        let secret = gateway["secret"].as_str().context("no secret")?;
        let route = Route::Connect {
            proxy: SocketAddr::from((Ipv4Addr::LOCALHOST, port.context("no port")?)),
            authorization: format!(
                "Basic {}",
                BASE64.encode(format!("housekey:{secret}").as_bytes())
            ),
        };
        let approve = json!({
            "type": "approve",
            "endpoint": DEVICE,
            "spkiSha256": self.device_key,
            "approval": "first",
        });
        ask(&mut child, &approve)?;
        until_it_answers(&route, || true).await?;
        Ok(Peer {
            name: HOUSEKEY,
            version: version(&program, &["--version"]),
            process: Some(Process::of(child)),
            fresh: route.clone(),
            route,
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

    /// What the candidate's own processes used so far.
    pub(super) fn own_usage(&self) -> Option<Usage> {
        self.process.as_ref().map(Process::usage)
    }

    /// What the candidate's processes used so far; the device's where there is nobody between.
    pub(super) fn usage(&self, world: &World) -> Usage {
        self.own_usage().unwrap_or_else(|| world.device_usage())
    }
}

fn nginx(site: &Site<'_>) -> Result<Vec<String>> {
    let Site {
        port, fresh_port, ..
    } = site;
    let (root, chain, key) = (
        site.root.display(),
        site.chain.display(),
        site.key.display(),
    );
    let tls = format!(
        "ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
        location / {{
            proxy_http_version 1.1; proxy_buffers 16 64k; proxy_buffer_size 64k;
            proxy_busy_buffers_size 512k; proxy_max_temp_file_size 0;
            proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {root}; proxy_ssl_name {NAME}; proxy_ssl_server_name on;"
    );
    let text = format!(
        "daemon off; user root root; worker_processes 1; 
        pid nginx.pid; error_log error.log;
        events {{ worker_connections 9000; }}
        http {{ access_log off; keepalive_requests 1000000; keepalive_timeout 600s;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        upstream device {{ server {DEVICE}; keepalive 64; keepalive_requests 1000000; }}
        server {{ listen 127.0.0.1:{port} ssl backlog=4096; {tls}
            proxy_set_header Connection \"\"; proxy_pass https://device; }} }}
        server {{ listen 127.0.0.1:{fresh_port} ssl backlog=4096; {tls}
            proxy_set_header Connection close; proxy_pass https://{DEVICE}; }} }}
        }}"
    );
    fs::write(site.directory.join("nginx.conf"), text)?;
    let place = site.directory.display().to_string();
    Ok(["-p", &place, "-c", "nginx.conf", "-e", "error.log"]
        .map(str::to_owned)
        .into())
}

fn haproxy(site: &Site<'_>) -> Result<Vec<String>> {
    let Site {
        port, fresh_port, ..
    } = site;
    let (root, both) = (site.root.display(), site.both.display());
    let part = |name: &str, port: u16, reuse: &str| {
        format!(
            "listen {name}\n  bind 127.0.0.1:{port} ssl crt {both} ssl-min-ver TLSv1.3\n  \
             http-reuse {reuse}\n  server device {DEVICE} ssl verify required ca-file {root} \
             verifyhost {NAME} sni str({NAME}) ssl-min-ver TLSv1.3\n"
        )
    };
    let text = format!(
        "global\n  nbthread 1\n  maxconn 4000\n  tune.ssl.default-dh-param 2048\n\
         defaults\n  mode http\n  timeout connect 10s\n  timeout client 600s\n  timeout server 600s\n\
         {}{}",
        part("kept", *port, "always"),
        part("fresh", *fresh_port, "never"),
    );
    fs::write(site.directory.join("haproxy.cfg"), text)?;
    Ok(["-db", "-f", "haproxy.cfg"].map(str::to_owned).into())
}

fn caddy(site: &Site<'_>) -> Result<Vec<String>> {
    let Site {
        port, fresh_port, ..
    } = site;
    let (root, chain, key) = (
        site.root.display(),
        site.chain.display(),
        site.key.display(),
    );
    let part = |port: u16, keepalive: &str| {
        format!(
            "https://{NAME}:{port} {{\n bind 127.0.0.1\n tls {chain} {key} {{\n protocols tls1.3\n}}\n\
             reverse_proxy https://{DEVICE} {{\n header_up Host {NAME}\n transport http {{\n \
             tls_trusted_ca_certs {root}\n tls_server_name {NAME}\n versions 1.1\n \
             compression off\n {keepalive}\n }}\n }}\n}}\n"
        )
    };
    let text = format!(
        "{{\n admin off\n auto_https disable_redirects\n \
         servers {{\n protocols h1\n }}\n}}\n{}{}",
        part(*port, "keepalive_idle_conns 64"),
        part(*fresh_port, "keepalive off"),
    );
    fs::write(site.directory.join("Caddyfile"), text)?;
    Ok(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        .map(str::to_owned)
        .into())
}

/// It ends TLS or begins it, so it takes two of its services, one behind the other.
fn stunnel(site: &Site<'_>) -> Result<Vec<String>> {
    let (root, chain, key) = (
        site.root.display(),
        site.chain.display(),
        site.key.display(),
    );
    let mut text = String::from("foreground = yes\npid =\ndebug = 0\nsyslog = no\n");
    let (port, between) = (site.port, site.fresh_port);
    text.push_str(&format!(
        "[in]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{between}\n\
         cert = {chain}\nkey = {key}\nsslVersionMin = TLSv1.3\n\
         [out]\nclient = yes\naccept = 127.0.0.1:{between}\nconnect = {DEVICE}\n\
         CAfile = {root}\nverifyChain = yes\ncheckHost = {NAME}\nsni = {NAME}\n\
         sslVersionMin = TLSv1.3\n"
    ));
    fs::write(site.directory.join("stunnel.conf"), text)?;
    Ok(vec!["stunnel.conf".to_owned()])
}

fn mitmproxy(site: &Site<'_>) -> Result<Vec<String>> {
    let mut arguments = vec!["-q".to_owned()];
    let set =
        |name: &str, value: &dyn std::fmt::Display| ["--set".to_owned(), format!("{name}={value}")];
    arguments.extend(set("confdir", &site.directory.join("mitm").display()));
    arguments.extend(set("ssl_verify_upstream_trusted_ca", &site.root.display()));
    arguments.extend(set("tls_version_server_min", &"TLS1_3"));
    arguments.extend(set("listen_host", &"127.0.0.1"));
    arguments.extend(set("keep_host_header", &"true"));
    arguments.extend(["--certs".to_owned(), format!("*={}", site.both.display())]);
    // It listens at one port only, and never shares a connection to the device.
    arguments.extend(["--mode".to_owned(), format!("reverse:https://{NAME}:443")]);
    arguments.extend(["--listen-port".to_owned(), site.port.to_string()]);
    Ok(arguments)
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

/// One request of native messaging and its answer.
fn ask(helper: &mut std::process::Child, request: &Value) -> Result<Value> {
    let message = json!({"protocol": 1, "id": 1, "request": request}).to_string();
    let input = helper.stdin.as_mut().context("no pipe to the helper")?;
    input.write_all(&u32::try_from(message.len())?.to_ne_bytes())?;
    input.write_all(message.as_bytes())?;
    let output = helper.stdout.as_mut().context("no pipe from the helper")?;
    let mut length = [0; 4];
    output.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_ne_bytes(length))?];
    output.read_exact(&mut answer)?;
    let mut answer: Value = serde_json::from_slice(&answer)?;
    match answer["answer"]["type"].as_str() {
        Some("ok") => Ok(answer["answer"]["value"].take()),
        _ => bail!("the helper refused: {answer}"),
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
/// Who may start the helper.
const EXTENSION: &str = "chrome-extension://oalaenignfadkjnliipakhdnklhedfpg/";
