//! Makers from a prompt to the next key, with the helper's own messages and without any browser.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use data_encoding::BASE64;
use housekey_tests::browser::Account;
use housekey_tests::home::{Home, PRINTER};
use housekey_tests::lan::Lan;
use housekey_tests::pki::{Authority, Identity, Key, Subject};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A printer sends its maker's root along; the person trusts that maker, then the printer; it comes
/// with another key, and once more after the person took the maker away again.
pub(crate) async fn trusting_a_maker_from_a_prompt(lan: Lan) -> Result<()> {
    let home = Home::start(lan).await?;
    let account = Account::new(lan, &home.authorities)?;
    account.install_housekey()?;
    let maker = &home.authorities.bbl;
    let mut helper = Helper::start(&account)?;

    // The directory has a maker whose root goes by the very same name: another key, so a stranger.
    home.printer.present(&printer(maker)?)?;
    let refusal = helper.visit(PRINTER).await?;
    ensure!(refusal["finding"]["type"] == "stranger", "{refusal}");
    ensure!(
        refusal["observation"]["verdict"]["type"] == "unknown_issuer",
        "{refusal}"
    );
    let offer = &refusal["makerOffer"];
    ensure!(offer["name"] == "BBL Technologies Co., Ltd", "{offer}");

    let trust = |sha256: &Value| {
        json!({
            "type": "trust_maker", "endpoint": PRINTER, "rootSha256": sha256, "name": "Bambu Lab",
        })
    };
    let refused = helper.ask(&trust(&json!("00".repeat(32))))?;
    ensure!(refused["value"]["code"] == "key_changed", "{refused}");
    let makers = helper.ask(&trust(&offer["rootSha256"]))?;
    let makers = makers["value"]["makers"].as_array().context("no makers")?;
    let same_name = makers.iter().filter(|it| it["name"] == "Bambu Lab");
    let sources: Vec<_> = same_name.map(|it| &it["source"]["type"]).collect();
    ensure!(sources == ["directory", "person"], "{sources:?}");
    let id = makers.last().context("no maker")?["id"].clone();

    let refusal = helper.visit(PRINTER).await?;
    let anchor = &refusal["observation"]["verdict"]["anchor"];
    ensure!(
        anchor["type"] == "manufacturer" && anchor["id"] == id,
        "{refusal}"
    );
    ensure!(refusal["makerOffer"].is_null(), "{refusal}");
    let pin = helper.approve(&refusal, "first")?;
    ensure!(pin["identity"]["tier"] == "manufacturer", "{pin}");
    ensure!(pin["identity"]["maker"] == id, "{pin}");
    ensure!(pin["identity"]["deviceId"] == SERIAL, "{pin}");

    // Another key of the same printer, signed by the same maker.
    home.printer.present(&printer(maker)?)?;
    let refusal = helper.visit(PRINTER).await?;
    ensure!(refusal["finding"]["type"] == "rotated", "{refusal}");
    helper.approve(&refusal, "rotated")?;

    // And one more, when nobody vouches for it any more. The pin stayed.
    helper.ask(&json!({ "type": "remove_maker", "id": id }))?;
    let kept = helper.ask(&json!({ "type": "identify", "endpoint": PRINTER }))?;
    ensure!(kept["value"]["pin"]["identity"]["maker"] == id, "{kept}");
    home.printer.present(&printer(maker)?)?;
    let refusal = helper.visit(PRINTER).await?;
    ensure!(refusal["finding"]["type"] == "changed", "{refusal}");

    // Not one byte of a visit came through in all of this.
    ensure!(
        home.printer.record().requests.is_empty(),
        "the printer heard a request"
    );
    helper.end()
}

/// The printer around a new key, with its maker's root behind the leaf.
fn printer(maker: &Authority) -> Result<Identity> {
    let leaf = maker.issue(&Subject::new().common_name(SERIAL), Key::generate()?)?;
    Ok(leaf.sending(maker))
}

/// The helper, started as Chromium starts it.
struct Helper {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
    gateway: Value,
}

impl Helper {
    fn start(account: &Account) -> Result<Self> {
        let manifest = account
            .chromium_data()
            .join("NativeMessagingHosts/app.housekey.helper.json");
        let manifest: Value = serde_json::from_slice(&fs::read(manifest)?)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
        let mut process = account
            .command(text(&manifest["path"])?)
            .arg(text(&manifest["allowed_origins"][0])?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut helper = Self {
            input: process.stdin.take().context("no input")?,
            output: process.stdout.take().context("no output")?,
            process,
            gateway: Value::Null,
        };
        let profile = "6c2f6a5e-8d1b-4c55-9a3e-0b7d1f2a4c68";
        let hello = json!({ "type": "hello", "extension": "0.1.0", "profile": profile });
        helper.gateway = helper.ask(&hello)?["value"]["gateway"].clone();
        Ok(helper)
    }

    /// The answer to a request.
    fn ask(&mut self, request: &Value) -> Result<Value> {
        let message = json!({ "protocol": 1, "id": 1, "request": request }).to_string();
        self.input
            .write_all(&u32::try_from(message.len())?.to_ne_bytes())?;
        self.input.write_all(message.as_bytes())?;
        let mut length = [0; 4];
        self.output.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_ne_bytes(length) as usize];
        self.output.read_exact(&mut answer)?;
        let mut answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["answer"].take())
    }

    /// Asks the gateway for a device that it has to refuse, and the helper why it did.
    async fn visit(&mut self, endpoint: &str) -> Result<Value> {
        let port = self.gateway["port"].as_u64().context("no gateway")?;
        let secret = self.gateway["secret"].as_str().context("no secret")?;
        let credentials = BASE64.encode(format!("housekey:{secret}").as_bytes());
        let gateway = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?));
        let mut stream = TcpStream::connect(gateway).await?;
        let connect = format!(
            "CONNECT {endpoint} HTTP/1.1\r\nProxy-Authorization: Basic {credentials}\r\n\r\n"
        );
        stream.write_all(connect.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        if status == *b"HTTP/1.1 200" {
            read_head(&mut stream).await?;
            // A browser that trusts nobody: its first message is all that the gateway wants to see.
            let config = ClientConfig::builder()
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            let name = ServerName::from(SocketAddr::from_str(endpoint)?.ip());
            let tunnel = TlsConnector::from(Arc::new(config)).connect(name, stream);
            // It trusts no gateway either; what the gateway did is what the helper is asked next.
            drop(tunnel.await);
        } else {
            ensure!(status == *b"HTTP/1.1 403", "{}", status.escape_ascii());
        }
        let answer = self.ask(&json!({ "type": "explain", "endpoint": endpoint }))?;
        let refusal = &answer["value"]["refusal"];
        ensure!(refusal.is_object(), "{answer}");
        Ok(refusal.clone())
    }

    /// Approves what a refusal is about, and returns the pin.
    fn approve(&mut self, refusal: &Value, approval: &str) -> Result<Value> {
        let leaf = refusal["observation"]["chain"][0]
            .as_str()
            .context("no leaf")?;
        let leaf = BASE64.decode(leaf.as_bytes())?;
        let answer = self.ask(&json!({
            "type": "approve",
            "endpoint": refusal["endpoint"],
            "spkiSha256": spki_sha256(&leaf)?,
            "approval": approval,
        }))?;
        ensure!(answer["value"]["pin"].is_object(), "{answer}");
        Ok(answer["value"]["pin"].clone())
    }

    fn end(mut self) -> Result<()> {
        drop(self.input);
        ensure!(self.process.wait()?.success(), "the helper failed");
        Ok(())
    }
}

/// The rest of the gateway's answer.
async fn read_head(stream: &mut TcpStream) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(())
}

fn spki_sha256(leaf: &[u8]) -> Result<String> {
    let leaf = housekey_core::certificate::Certificate::from_der(leaf)?;
    Ok(leaf.spki_sha256.to_string())
}

const SERIAL: &str = "00M09A123456789";
