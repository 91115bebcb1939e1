//! The extension's side of native messaging, and a browser's side of the gateway.

use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use data_encoding::BASE64;
use housekey_tests::browser::{Account, artefact};
use housekey_tests::home::Authorities;
use housekey_tests::lan::Lan;
use rustix::process::{Pid, Signal, kill_process};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A user with Housekey, whose browser has just started the helper.
pub(crate) struct Extension {
    pub(crate) account: Account,
    pub(crate) authorities: Authorities,
    process: Child,
    gateway: Value,
}

impl Extension {
    pub(crate) fn start(lan: Lan) -> Result<Self> {
        Self::start_after(lan, |_| Ok(()))
    }

    /// The same, with something done before the browser starts.
    pub(crate) fn start_after(
        lan: Lan,
        before: impl FnOnce(&Account) -> Result<()>,
    ) -> Result<Self> {
        let authorities = Authorities::generate()?;
        let account = Account::new(lan, &authorities)?;
        account.housekey(["install", "--yes", "--helper-only"])?;
        before(&account)?;
        let process = account
            .command(artefact("HOUSEKEY_BIN", "target/debug/housekey")?)
            .args(["manifest.json", "housekey@housekey.app"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut extension = Self {
            account,
            authorities,
            process,
            gateway: Value::Null,
        };
        let profile = "3f1c2a5e-9d7b-4c1a-8e2f-0a1b2c3d4e5f";
        let hello = json!({"type": "hello", "extension": "0.1.0", "profile": profile});
        extension.gateway = extension.done(&hello)?["gateway"].clone();
        Ok(extension)
    }

    /// Asks, and expects it to be done.
    pub(crate) fn done(&mut self, request: &Value) -> Result<Value> {
        let answer = self.ask(request)?;
        ensure!(answer["type"] == "ok", "{request}: {answer}");
        Ok(answer["value"].clone())
    }

    /// Asks, and expects a refusal with this code.
    pub(crate) fn refused(&mut self, request: &Value, code: &str) -> Result<Value> {
        let answer = self.ask(request)?;
        ensure!(answer["value"]["code"] == code, "{request}: {answer}");
        Ok(answer["value"].clone())
    }

    /// Stops the helper in its tracks until [`Self::resume`], as a computer that falls asleep.
    pub(crate) fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets the helper go on.
    pub(crate) fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.process.id())?;
        let pid = Pid::from_raw(pid).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Visits a device as a page would, and asks why that failed.
    pub(crate) async fn visit(&mut self, endpoint: &str) -> Result<Value> {
        let (status, _) = self.tunnel(endpoint).await?;
        ensure!(status != "200", "{endpoint} is open");
        self.explain(endpoint)
    }

    pub(crate) fn explain(&mut self, endpoint: &str) -> Result<Value> {
        let explained = self.done(&json!({"type": "explain", "endpoint": endpoint}))?;
        Ok(explained["refusal"].clone())
    }

    /// Visits a device and answers the question about it.
    pub(crate) async fn approve(&mut self, endpoint: &str, approval: &str) -> Result<Value> {
        let refusal = self.visit(endpoint).await?;
        let pinned = self.done(&approval_of(&refusal, approval)?)?;
        Ok(pinned["pin"].clone())
    }

    /// A browser's connection to a device. `trusting`: whether it knows the local authority.
    pub(crate) async fn browse(
        &self,
        endpoint: &str,
        trusting: bool,
    ) -> Result<TlsStream<TcpStream>> {
        let (status, socket) = self.tunnel(endpoint).await?;
        ensure!(status == "200", "the gateway answered {status}");
        let mut roots = RootCertStore::empty();
        if trusting {
            let root = self.account.data().join("authority/root.pem");
            roots.add(CertificateDer::from_pem_file(root)?)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (host, _) = endpoint.rsplit_once(':').context("no port")?;
        let name = ServerName::try_from(host.to_owned())?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(connector.connect(name, socket).await?)
    }

    /// Asks the gateway for a tunnel.
    pub(crate) async fn ask_for_tunnel(&self, endpoint: &str) -> Result<TcpStream> {
        let port = self.gateway["port"].as_u64().context("no port")?;
        let secret = self.gateway["secret"].as_str().context("no secret")?;
        let mut socket = TcpStream::connect(("127.0.0.1", u16::try_from(port)?)).await?;
        let secret = BASE64.encode(format!("housekey:{secret}").as_bytes());
        let request = format!(
            "CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n\
             Proxy-Authorization: Basic {secret}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        Ok(socket)
    }

    async fn tunnel(&self, endpoint: &str) -> Result<(String, TcpStream)> {
        let mut socket = self.ask_for_tunnel(endpoint).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await?);
        }
        let status = String::from_utf8(answer)?;
        Ok((status.get(9..12).context("no status")?.to_owned(), socket))
    }

    fn ask(&mut self, request: &Value) -> Result<Value> {
        self.tell(request)?;
        self.hear()
    }

    /// Asks, and does not wait for the answer.
    pub(crate) fn tell(&mut self, request: &Value) -> Result<()> {
        let message = json!({"protocol": 1, "id": 1, "request": request}).to_string();
        let input = self.process.stdin.as_mut().context("no input")?;
        input.write_all(&u32::try_from(message.len())?.to_ne_bytes())?;
        input.write_all(message.as_bytes())?;
        Ok(input.flush()?)
    }

    /// The next answer, to whatever was asked.
    pub(crate) fn hear(&mut self) -> Result<Value> {
        let output = self.process.stdout.as_mut().context("no output")?;
        let mut length = [0; 4];
        output.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_ne_bytes(length) as usize];
        output.read_exact(&mut answer)?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["answer"].clone())
    }
}

impl Drop for Extension {
    fn drop(&mut self) {
        // It ends with its input, too; whoever drops this does not wait for that.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The request that answers the question of a refusal.
pub(crate) fn approval_of(refusal: &Value, approval: &str) -> Result<Value> {
    let leaf = refusal["observation"]["chain"][0]
        .as_str()
        .with_context(|| format!("nobody to approve: {refusal}"))?;
    let leaf = BASE64.decode(leaf.as_bytes())?;
    let leaf = housekey_core::certificate::Certificate::from_der(&leaf)?;
    Ok(json!({
        "type": "approve", "endpoint": refusal["endpoint"],
        "spkiSha256": leaf.spki_sha256, "approval": approval,
    }))
}

/// What must happen, and soon.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> Result<T> {
    let soon = Duration::from_secs(20);
    tokio::time::timeout(soon, what)
        .await
        .context("nothing happened")
}
