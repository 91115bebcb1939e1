//! The helper as a browser starts it, for whoever wants its gateway and no browser.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use housekey_core::fingerprint::SpkiSha256;
use housekey_core::protocol::{
    Answer, Approval, FromHelper, PROTOCOL, Request, Response, ToHelper,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How the gateway is reached.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    /// What stands in `Proxy-Authorization`.
    pub authorization: String,
}

/// A helper that speaks native messaging with its starter. It ends with its input.
pub struct Helper {
    process: Child,
    proxy: Proxy,
}

impl Helper {
    /// Installs this program for a user whose home is here, and starts it.
    pub fn start(program: &Path, home: &Path) -> Result<Self> {
        Self::start_logging(program, home, None)
    }

    /// The same, with all that it can log in a file, if there is one.
    pub fn start_logging(program: &Path, home: &Path, log: Option<File>) -> Result<Self> {
        let command = || {
            let mut command = Command::new(program);
            command.env_clear().env("HOME", home).current_dir(home);
            command
        };
        let installed = command()
            .args(["install", "--helper-only", "--yes"])
            .output()?;
        let said = String::from_utf8_lossy(&installed.stderr).into_owned();
        ensure!(installed.status.success(), "housekey install: {said}");
        let mut process = command()
            .arg(EXTENSION)
            .env("HOUSEKEY_LOG", if log.is_some() { "trace" } else { "off" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.map_or_else(Stdio::null, Stdio::from))
            .spawn()?;
        let hello = Request::Hello {
            extension: env!("CARGO_PKG_VERSION").to_owned(),
            profile: PROFILE.parse()?,
            seen: None,
        };
        let Response::Hello { gateway, .. } = ask(&mut process, hello)? else {
            bail!("the helper did not say hello");
        };
        let credentials = format!("housekey:{}", gateway.secret);
        let proxy = Proxy {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.port)),
            authorization: format!("Basic {}", BASE64.encode(credentials.as_bytes())),
        };
        Ok(Self { process, proxy })
    }

    /// Trusts the device at an endpoint, if it holds this key.
    pub fn approve(&mut self, endpoint: &str, key: &SpkiSha256) -> Result<()> {
        let approve = Request::Approve {
            endpoint: endpoint.parse()?,
            spki_sha256: *key,
            approval: Approval::First,
            cleared: false,
        };
        self.ask(approve).map(drop)
    }

    /// The answer to a request.
    pub fn ask(&mut self, request: Request) -> Result<Response> {
        ask(&mut self.process, request)
    }

    /// How its gateway is reached.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The process itself, which then is its owner's to end.
    pub fn into_process(self) -> Child {
        self.process
    }
}

impl Proxy {
    /// A tunnel to an endpoint.
    pub async fn tunnel(&self, endpoint: &str) -> Result<TcpStream> {
        let mut socket = TcpStream::connect(self.address).await?;
        let request = format!(
            "CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\nProxy-Authorization: {}\r\n\r\n",
            self.authorization
        );
        socket.write_all(request.as_bytes()).await?;
        let mut answer = [0; 256];
        let mut filled = 0;
        while !answer[..filled].ends_with(b"\r\n\r\n") {
            let read = socket.read(&mut answer[filled..]).await?;
            if read == 0 {
                bail!("the proxy closed");
            }
            filled += read;
        }
        let answer = String::from_utf8_lossy(&answer[..filled]);
        ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(socket)
    }
}

/// One request of native messaging and its answer.
fn ask(helper: &mut Child, request: Request) -> Result<Response> {
    let message = serde_json::to_vec(&ToHelper {
        protocol: PROTOCOL,
        id: 1,
        request,
    })?;
    let input = helper.stdin.as_mut().context("no pipe to the helper")?;
    input.write_all(&u32::try_from(message.len())?.to_ne_bytes())?;
    input.write_all(&message)?;
    let output = helper.stdout.as_mut().context("no pipe from the helper")?;
    let mut length = [0; 4];
    output.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_ne_bytes(length))?];
    output.read_exact(&mut answer)?;
    let answer: FromHelper = serde_json::from_slice(&answer)?;
    match answer.answer {
        Answer::Ok(value) => Ok(value),
        answer => bail!("the helper refused: {answer:?}"),
    }
}

/// Who may start the helper.
const EXTENSION: &str = "chrome-extension://oalaenignfadkjnliipakhdnklhedfpg/";
/// Any profile's name for itself.
const PROFILE: &str = "6f1d3b0e-5d0a-4f6e-9b52-0c7a3e8d2f41";
