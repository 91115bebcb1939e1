//! The checkup's own device: a TLS server on loopback that answers one question.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{ANSWER, QUESTION, patient};
use crate::tls;

/// A device that is on until it is dropped.
pub(super) struct Device {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    /// Whether it has another key by now.
    is_another: AtomicBool,
    /// Whether anything reached it since then.
    heard: AtomicBool,
    is_off: AtomicBool,
}

impl Device {
    pub(super) fn switch_on() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            config: Mutex::new(identity()?),
            is_another: AtomicBool::default(),
            heard: AtomicBool::default(),
            is_off: AtomicBool::default(),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || theirs.serve(&listener));
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts another device in its place.
    pub(super) fn change_key(&self) -> anyhow::Result<()> {
        *self.shared.config() = identity()?;
        self.shared.is_another.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Whether anything but a handshake reached the other device.
    pub(super) fn heard_as_another(&self) -> bool {
        self.shared.heard.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn config(&self) -> std::sync::MutexGuard<'_, Arc<ServerConfig>> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &TcpListener) {
        for socket in listener.incoming() {
            if self.is_off.load(Ordering::SeqCst) {
                return;
            }
            if let Ok(socket) = socket {
                // Who leaves in the middle, as a gateway that found another key does, is no fault.
                let _ = self.answer(socket);
            }
        }
    }

    fn answer(&self, socket: TcpStream) -> anyhow::Result<()> {
        patient(&socket)?;
        let config = Arc::clone(&self.config());
        let mut tls = StreamOwned::new(ServerConnection::new(config)?, socket);
        let mut question = [0; QUESTION.len()];
        let read = tls.read(&mut question)?;
        let is_another = self.is_another.load(Ordering::SeqCst);
        if read > 0 && is_another {
            self.heard.store(true, Ordering::SeqCst);
        }
        if &question[..read] == QUESTION {
            tls.write_all(ANSWER)?;
            tls.conn.send_close_notify();
            tls.flush()?;
        }
        Ok(())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.shared.is_off.store(true, Ordering::SeqCst);
        // It waits for whoever comes next.
        let woken = TcpStream::connect(self.address).is_ok();
        if let (true, Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// A key of its own, in a certificate of its own making.
fn identity() -> anyhow::Result<Arc<ServerConfig>> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::default().self_signed(&key)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)?;
    Ok(Arc::new(config))
}
