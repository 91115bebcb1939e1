//! The checkup's own device: a TLS server on loopback that answers one question.
//!
//! Other users of the computer reach it too. Whatever they say is not the question, and they hold
//! nobody up.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{ANSWER, Question, patient};
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
    /// Whether the question reached it since then.
    heard: AtomicBool,
    is_off: AtomicBool,
    question: Question,
}

impl Device {
    pub(super) fn switch_on(question: Question) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            config: Mutex::new(identity()?),
            is_another: AtomicBool::default(),
            heard: AtomicBool::default(),
            is_off: AtomicBool::default(),
            question,
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

    /// Whether the question reached the other device.
    pub(super) fn heard_as_another(&self) -> bool {
        self.shared.heard.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn config(&self) -> std::sync::MutexGuard<'_, Arc<ServerConfig>> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for socket in listener.incoming() {
            if self.is_off.load(Ordering::SeqCst) {
                return;
            }
            if let Ok(socket) = socket {
                let shared = Arc::clone(self);
                // Who leaves in the middle, as a gateway that found another key does, is no fault.
                thread::spawn(move || shared.answer(socket).ok());
            }
        }
    }

    fn answer(&self, socket: TcpStream) -> anyhow::Result<()> {
        patient(&socket)?;
        let config = Arc::clone(&self.config());
        let mut tls = StreamOwned::new(ServerConnection::new(config)?, socket);
        let mut question = Question::default();
        tls.read_exact(&mut question)?;
        if question != self.question {
            return Ok(());
        }
        if self.is_another.load(Ordering::SeqCst) {
            self.heard.store(true, Ordering::SeqCst);
        }
        tls.write_all(ANSWER)?;
        tls.conn.send_close_notify();
        Ok(tls.flush()?)
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
