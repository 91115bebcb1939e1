//! A whole connection, tried on this computer alone: from a browser's side through the gateway's
//! own code and a leaf of the local authority to a device, which is the checkup's own.
//!
//! No device of the home is touched, and the browsers are not: whether they trust the authority
//! is another check.

mod device;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use aws_lc_rs::rand;
use data_encoding::BASE64;
use housekey_core::checkup::{Check, Found, Trouble, Why};
use housekey_core::endpoint::Endpoint;
use housekey_core::history::Happening;
use housekey_core::identity::Identity;
use housekey_core::pin::Pin;
use housekey_core::protocol::Gateway as Address;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use self::device::Device;
use crate::authority::Authority;
use crate::chain::timestamp;
use crate::gateway::Gateway;
use crate::paths::Paths;
use crate::probe::Prober;
use crate::store::Store;
use crate::tls;

/// Tries it: the device with its pinned key has to be reached, and another key in its place must
/// not receive a byte.
pub(super) fn check(paths: &Paths, now: SystemTime) -> Check {
    let Ok(authority) = Authority::load(paths, now) else {
        return Check::new(Found::ConnectionUntried);
    };
    match rehearse(authority, now) {
        Ok(Outcome::Sound) => Check::new(Found::ConnectionGood),
        Ok(Outcome::Leaks) => Check::new(Found::ConnectionLeaks),
        Err(error) => {
            tracing::warn!("the rehearsal failed: {error:#}");
            Check::new(Found::ConnectionFailed).because(why(&error))
        }
    }
}

/// What stood in the way: the system or the TLS library, or Housekey itself.
fn why(error: &anyhow::Error) -> Why {
    let cause = error.root_cause();
    match cause.is::<io::Error>() || cause.is::<rustls::Error>() {
        true => Why::system(&cause),
        false => Trouble::Fault.into(),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Leaks,
    Sound,
}

fn rehearse(authority: Authority, now: SystemTime) -> anyhow::Result<Outcome> {
    // The person's list of devices has no part in it.
    let directory = tempfile::tempdir()?;
    let store = Arc::new(Store::open(&Paths::at(directory.path().join("rehearsal")))?);
    let mut question = Question::default();
    rand::fill(&mut question).map_err(|_| io::Error::other("no random source"))?;
    let device = Device::switch_on(question)?;
    let root = authority.root().clone();
    let prober = Prober::new(Arc::clone(&store), Some(authority.issuer().clone()))?;
    let endpoint: Endpoint = ENDPOINT.parse().context("no endpoint")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        pin(&prober, &store, &endpoint, &device, now).await?;
        let address = device.address();
        let gateway =
            Gateway::rehearse(authority, Arc::new(prober), store, endpoint, address).await?;
        let browser = Browser::new(gateway.address(), root, question)?;
        let (browser, visited) = visit(browser).await?;
        visited.context("the device was not reached")?;
        device.change_key()?;
        let (_, visited) = visit(browser).await?;
        Ok(if visited.is_err() && !device.heard_as_another() {
            Outcome::Sound
        } else {
            Outcome::Leaks
        })
    });
    runtime.shutdown_background();
    outcome
}

/// Trusts the device, as a person would.
async fn pin(
    prober: &Prober,
    store: &Store,
    endpoint: &Endpoint,
    device: &Device,
    now: SystemTime,
) -> anyhow::Result<()> {
    let socket = tokio::net::TcpStream::connect(device.address()).await?;
    let met = prober.meet_over(socket, endpoint, Vec::new()).await;
    let stranger = match met {
        Ok(stranger) => stranger,
        Err(failure) => bail!("the device could not be met: {failure:?}"),
    };
    let observation = prober.observe(endpoint, &stranger, now)?;
    let leaf = stranger.chain().leaf();
    let identity = match Identity::of(leaf, &observation.verdict, timestamp(now)) {
        Ok(identity) => identity,
        Err(flaw) => bail!("the device is not fit: {flaw:?}"),
    };
    let pin = Pin::new(&observation, identity)?;
    Ok(store.put(&pin, Happening::Approve, timestamp(now))?)
}

/// A browser's part blocks, so it has a thread of its own.
async fn visit(browser: Browser) -> anyhow::Result<(Browser, anyhow::Result<()>)> {
    let visit = move || {
        let visited = browser.visit();
        (browser, visited)
    };
    Ok(tokio::task::spawn_blocking(visit).await?)
}

/// The browser's side: it trusts the local authority and nothing else.
struct Browser {
    gateway: Address,
    config: Arc<ClientConfig>,
    question: Question,
}

impl Browser {
    fn new(
        gateway: &Address,
        root: CertificateDer<'static>,
        question: Question,
    ) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(root)?;
        let config = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (gateway, config) = (gateway.clone(), Arc::new(config));
        Ok(Self {
            gateway,
            config,
            question,
        })
    }

    /// Asks through the gateway, and reads the device's answer.
    fn visit(&self) -> anyhow::Result<()> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.gateway.port))?;
        patient(&socket)?;
        let credentials = format!("housekey:{}", self.gateway.secret);
        write!(
            socket,
            "CONNECT {ENDPOINT} HTTP/1.1\r\nProxy-Authorization: Basic {}\r\n\r\n",
            BASE64.encode(credentials.as_bytes())
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte)?;
            head.push(byte[0]);
            if head.len() > MAX_HEAD_BYTES {
                bail!("the gateway talks too much");
            }
        }
        if !head.starts_with(b"HTTP/1.1 200 ") {
            bail!("the gateway refused");
        }
        let (host, _) = ENDPOINT.rsplit_once(':').context("no port")?;
        let name = ServerName::try_from(host)?.to_owned();
        let connection = ClientConnection::new(Arc::clone(&self.config), name)?;
        let mut tls = StreamOwned::new(connection, socket);
        tls.write_all(&self.question)?;
        let mut answer = [0; ANSWER.len()];
        tls.read_exact(&mut answer)?;
        match answer.as_slice() == ANSWER {
            true => Ok(()),
            false => bail!("the device's answer came changed"),
        }
    }
}

/// A socket on loopback that is silent for so long has nobody behind it.
fn patient(socket: &TcpStream) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))
}

/// What a browser asks in one rehearsal, and nobody else knows.
type Question = [u8; 16];

/// A private address, because only such is let through; nobody ever connects to it.
const ENDPOINT: &str = "192.168.0.1:443";
const ANSWER: &[u8] = b"enter";
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_HEAD_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(paths: &Paths) -> Authority {
        Authority::create(paths, &[], SystemTime::now()).unwrap()
    }

    #[test]
    fn a_device_is_reached_and_another_key_is_not() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("data"));
        assert_eq!(
            check(&paths, SystemTime::now()).found,
            Found::ConnectionUntried
        );
        authority(&paths);
        let check = check(&paths, SystemTime::now());
        assert_eq!(check.found, Found::ConnectionGood, "{check:?}");
    }

    #[tokio::test]
    async fn a_rehearsal_reaches_nothing_but_its_own_device() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::at(home.path().join("data"));
        let start = async |device: &str| {
            let store = Arc::new(Store::open(&paths).unwrap());
            let prober = Arc::new(Prober::new(Arc::clone(&store), None).unwrap());
            Authority::destroy(&paths).unwrap();
            let (authority, endpoint) = (authority(&paths), ENDPOINT.parse().unwrap());
            let device = device.parse().unwrap();
            Gateway::rehearse(authority, prober, store, endpoint, device).await
        };
        assert!(start("192.168.0.1:443").await.is_err());
        assert!(start("127.0.0.1:1").await.is_ok());
    }
}
