//! Devices whose handshake is broken: a byte at a time, with one byte wrong, or without end.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use housekey_core::decision::{Failure, Finding};
use housekey_tests::lan::Lan;
use housekey_tests::pki::{Authority, Identity, Subject};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::scene::{
    DEVICE, Device, Scene, config, echo, endpoint, failure, identity, ping, provider, within,
};
use crate::trouble::{now, until_as_before};

/// A socket with something between it and whoever writes to it.
struct Line {
    socket: TcpStream,
    fault: Fault,
    written: usize,
}

#[derive(Clone, Copy)]
enum Fault {
    /// Every byte goes and comes alone.
    SingleBytes,
    /// This byte that is written is another one, and the next one is the last.
    Damaged(usize),
}

impl Line {
    fn new(socket: TcpStream, fault: Fault) -> Self {
        Self {
            socket,
            fault,
            written: 0,
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.fault {
            Fault::SingleBytes => {
                let mut byte = [0];
                let mut one = ReadBuf::new(&mut byte);
                let polled = Pin::new(&mut self.socket).poll_read(cx, &mut one);
                buffer.put_slice(one.filled());
                polled
            }
            Fault::Damaged(at) => {
                if self.written > at {
                    // Whoever waits for more learns that there is none.
                    let _ = Pin::new(&mut self.socket).poll_shutdown(cx);
                }
                Pin::new(&mut self.socket).poll_read(cx, buffer)
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = bytes.to_vec();
        match self.fault {
            Fault::SingleBytes => bytes.truncate(1),
            Fault::Damaged(at) => {
                if let Some(byte) = at
                    .checked_sub(self.written)
                    .and_then(|at| bytes.get_mut(at))
                {
                    *byte ^= 0x15;
                }
            }
        }
        let polled = Pin::new(&mut self.socket).poll_write(cx, &bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.written += written;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Listens in the place of a device that was switched off a moment ago.
async fn listen() -> TcpListener {
    let address: SocketAddr = DEVICE.parse().unwrap();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// A device's side of handshakes of this version only, with this chain.
fn acceptor(
    version: &'static SupportedProtocolVersion,
    chain: Vec<CertificateDer<'static>>,
    identity: &Identity,
) -> TlsAcceptor {
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) async fn a_large_handshake_may_come_byte_by_byte(lan: Lan) {
    let scene = Scene::new(lan).await;
    let own = identity();
    // More than a record holds, of certificates that lead nowhere.
    let mut chain = own.chain().to_vec();
    while chain.iter().map(|it| it.len()).sum::<usize>() < 20_000 {
        let name = format!("Maker {} {}", chain.len(), "of bridges ".repeat(40));
        let root = Authority::root(&Subject::new().common_name(&name)).unwrap();
        chain.push(root.der());
    }
    for version in [&TLS12, &TLS13] {
        let acceptor = acceptor(version, chain.clone(), &own);
        let listener = listen().await;
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                let line = Line::new(socket, Fault::SingleBytes);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(line).await.unwrap();
                    let mut ping = [0; 4];
                    while stream.read_exact(&mut ping).await.is_ok() {
                        stream.write_all(&ping).await.unwrap();
                        stream.flush().await.unwrap();
                    }
                });
            }
        });
        scene.trust().await;
        let mut browser = within(scene.browse()).await.unwrap();
        ping(&mut browser).await;
        serving.abort();
    }
}

/// Wherever a byte of the handshake is wrong, nothing comes of it: no page, and no question either.
pub(crate) async fn damage_in_a_handshake_is_never_a_question(lan: Lan) {
    let scene = Scene::new(lan).await;
    let own = identity();
    let device = Device::start(config(&own), echo).await;
    scene.trust().await;
    drop(device);
    for version in [&TLS12, &TLS13] {
        let acceptor = acceptor(version, own.chain().to_vec(), &own);
        let listener = listen().await;
        let (place, places) = watch::channel(0);
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let line = Line::new(socket, Fault::Damaged(*places.borrow()));
                let acceptor = acceptor.clone();
                // What becomes of it is the other side's matter.
                tokio::spawn(async move { acceptor.accept(line).await.map(drop) });
            }
        });
        let before = now();
        for at in (0..FLIGHT).step_by(11) {
            place.send_replace(at);
            if let Ok(mut browser) = within(scene.browse()).await {
                // Nobody looks at a record's version. But nothing comes after it: that is seen.
                let end = within(browser.read_to_end(&mut Vec::new())).await;
                end.unwrap_err();
            }
            if let Some(refusal) = scene.gateway.refusal(&endpoint()) {
                let failed = matches!(refusal.finding, Finding::Failed { .. });
                assert!(failed, "byte {at} of {version:?}: {:?}", refusal.finding);
            }
        }
        until_as_before(before).await;
        serving.abort();
    }
}

/// Whatever a device goes on sending without end, it is stopped, and the browser told.
pub(crate) async fn garbage_without_end_is_stopped(lan: Lan) {
    let scene = Scene::new(lan).await;
    let device = Device::start(config(&identity()), echo).await;
    scene.trust().await;
    drop(device);
    let listener = listen().await;
    let (what, whats) = watch::channel(&b""[..]);
    let (stopped, mut stops) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let garbage = whats.borrow().repeat(1_000);
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4_096]).await;
                let mut sent = 0;
                while socket.write_all(&garbage).await.is_ok() {
                    sent += garbage.len();
                }
                let _ = stopped.send(sent);
            });
        }
    });
    let before = now();
    let large = [
        &[0x16, 3, 3, 0x40, 0, 0x0b, 0xff, 0xff, 0xff][..],
        &[0; 0x3ffc],
    ]
    .concat();
    for garbage in [
        // Text, empty handshake records, one message of 16 MiB, changes of cipher, data, warnings.
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"\x16\x03\x03\0\0",
        large.leak(),
        b"\x14\x03\x03\0\x01\x01",
        b"\x17\x03\x03\0\x04data",
        b"\x15\x03\x03\0\x02\x01\0",
        b"\0",
    ] {
        what.send_replace(garbage);
        within(scene.browse()).await.unwrap_err();
        let sent = within(stops.recv()).await.unwrap();
        // What fits into the buffers of sockets, and not what a device likes to send.
        assert!(sent < 16 << 20, "{sent} bytes of {:?}", &garbage[..2]);
        let told = failure(&scene).unwrap();
        assert!(
            matches!(told, Failure::NotTls | Failure::Protocol | Failure::Closed),
            "{told:?}"
        );
    }
    until_as_before(before).await;
}

/// What a device with one small certificate sends in its handshake is about so long.
const FLIGHT: usize = 700;
