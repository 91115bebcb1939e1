//! One end of a TLS connection: a socket, and rustls between its bytes and the plain ones.
//!
//! rustls is used through its unbuffered interface, which keeps no bytes of its own.
//! What is read and written lies in buffers that all connections share while bytes move, so that a
//! connection that waits holds none.

use std::cmp::Reverse;
use std::io;
use std::mem;
use std::sync::Arc;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus,
};
use rustls::{CipherSuite, Error, ProtocolVersion, SupportedCipherSuite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::splice::{Sealed, Side};

/// rustls' algorithms, with the suite first that browsers offer first.
///
/// A device takes the first that it knows. With 128 bits a large download costs both ends less, and
/// a device meets through Housekey what it meets without.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    // A stable sort: everything else stays in rustls' order.
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    Arc::new(provider)
}

/// The same, with those suites first that may protect any number of records.
///
/// TLS 1.2 cannot change its keys, so rustls ends a connection of it before AES-GCM protects more
/// than 2^24 records with one (RFC 8446 section 5.5): a camera that sends small ones would stop
/// after hours.
#[must_use]
pub fn lasting_provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| match suite {
        SupportedCipherSuite::Tls12(suite) => Reverse(suite.common.confidentiality_limit),
        SupportedCipherSuite::Tls13(suite) => Reverse(suite.common.confidentiality_limit),
    });
    Arc::new(provider)
}

/// A connection whose handshake is done.
pub struct Tls<C> {
    socket: TcpStream,
    connection: C,
    /// Whether the peer asked for something of TLS itself since.
    asked: bool,
    /// What came but is no whole record yet, exactly as rustls left it.
    incoming: Vec<u8>,
    /// What is to be sent before anything else.
    outgoing: Vec<u8>,
    early: Early,
}

/// What came right behind the handshake, already plain, and whether the peer said that it is all.
#[derive(Default)]
struct Early {
    plain: Vec<u8>,
    closed: bool,
}

/// A client's or a server's connection.
pub trait Role: Send {
    /// What rustls keeps for it.
    type Data;

    /// `process_tls_records` of rustls.
    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data>;

    /// Whether the peer waits for what is still to be sent when the handshake is done.
    fn has_last_word(&self) -> bool;
}

impl Role for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    fn has_last_word(&self) -> bool {
        true
    }
}

impl Role for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(
        &'c mut self,
        incoming: &'i mut [u8],
    ) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(incoming)
    }

    // In TLS 1.3 only session tickets are left.
    fn has_last_word(&self) -> bool {
        self.protocol_version() != Some(ProtocolVersion::TLSv1_3)
    }
}

impl<C: Role> Tls<C> {
    /// Shakes hands. `incoming` is what was read from the socket already.
    ///
    /// What a server still wants to send after the handshake, its session tickets, goes out with
    /// its first data.
    ///
    /// # Errors
    ///
    /// The socket's, rustls' own as [`io::ErrorKind::InvalidData`], and
    /// [`io::ErrorKind::UnexpectedEof`] where the peer ended it.
    pub async fn shake_hands(
        mut socket: TcpStream,
        mut connection: C,
        mut incoming: Vec<u8>,
    ) -> io::Result<Self> {
        let mut outgoing = Vec::new();
        let mut early = Early::default();
        loop {
            match advance(&mut connection, &mut incoming, &mut outgoing, &mut early) {
                Ok(Progress::Done) => break,
                Ok(Progress::Reads) => {}
                Err(error) => {
                    // The peer should hear of it, and whether it does changes nothing.
                    let _ = socket.write_all(&outgoing).await;
                    return Err(error);
                }
            }
            if !outgoing.is_empty() {
                socket.write_all(&outgoing).await?;
                outgoing.clear();
            }
            if incoming.len() >= MAX_HANDSHAKE_BYTES {
                return Err(failed(Error::General("handshake too large".into())));
            }
            incoming.reserve(HANDSHAKE_READ);
            if socket.read_buf(&mut incoming).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if connection.has_last_word() {
            socket.write_all(&mem::take(&mut outgoing)).await?;
        }
        incoming.shrink_to_fit();
        Ok(Self {
            socket,
            connection,
            asked: false,
            incoming,
            outgoing,
            early,
        })
    }

    /// The connection, for what was agreed on.
    pub const fn connection(&self) -> &C {
        &self.connection
    }
}

impl Tls<UnbufferedClientConnection> {
    /// Whether the device wanted to begin anew, which is declined (RFC 5246 section 7.2.2).
    pub fn was_asked_to_begin_anew(&self) -> bool {
        // Nothing else calls for an answer in TLS 1.2.
        self.asked && self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2)
    }
}

enum Progress {
    Done,
    Reads,
}

/// Goes on with a handshake as far as the bytes at hand allow.
fn advance<C: Role>(
    connection: &mut C,
    incoming: &mut Vec<u8>,
    outgoing: &mut Vec<u8>,
    early: &mut Early,
) -> io::Result<Progress> {
    loop {
        let UnbufferedStatus { mut discard, state } = connection.process(incoming);
        let progress = match state {
            Ok(ConnectionState::EncodeTlsData(data)) => encode(data, outgoing).map(|()| None),
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(None)
            }
            Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                match traffic.next_record() {
                    Some(Ok(record)) => {
                        discard += record.discard;
                        early.plain.extend_from_slice(record.payload);
                    }
                    Some(Err(error)) => break Err(failed(error)),
                    None => break Ok(None),
                }
            },
            Ok(ConnectionState::PeerClosed) => {
                early.closed = true;
                Ok(None)
            }
            Ok(ConnectionState::BlockedHandshake) if early.closed => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(ConnectionState::BlockedHandshake) => Ok(Some(Progress::Reads)),
            Ok(ConnectionState::WriteTraffic(_)) => Ok(Some(Progress::Done)),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(failed(error)),
        };
        incoming.drain(..discard);
        if progress.is_err() {
            append_alert(connection, incoming, outgoing);
        }
        if let Some(progress) = progress? {
            return Ok(progress);
        }
    }
}

/// What rustls wants a peer to be told about an error.
fn append_alert<C: Role>(connection: &mut C, incoming: &mut [u8], outgoing: &mut Vec<u8>) {
    if let Ok(ConnectionState::EncodeTlsData(data)) = connection.process(incoming).state {
        // Without the alert, the end of the connection says it.
        let _ = encode(data, outgoing);
    }
}

fn encode<D>(mut data: EncodeTlsData<'_, D>, outgoing: &mut Vec<u8>) -> io::Result<()> {
    let start = outgoing.len();
    let mut size = 0;
    loop {
        outgoing.resize(start + size, 0);
        match data.encode(&mut outgoing[start..]) {
            Ok(written) => {
                outgoing.truncate(start + written);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size }))
                if required_size > size =>
            {
                size = required_size;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

impl<C: Role> Side for Tls<C> {
    fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    fn kept(&mut self) -> (&mut Vec<u8>, &mut Vec<u8>) {
        (&mut self.incoming, &mut self.outgoing)
    }

    fn wanted(&self, most: usize) -> usize {
        whole_records(&self.incoming, most)
    }

    fn early(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let Early { plain, closed } = mem::take(&mut self.early);
        Ok((plain, closed))
    }

    fn open(
        &mut self,
        bytes: &mut [u8],
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<(usize, bool)> {
        let (mut used, mut closed) = (0, false);
        loop {
            let UnbufferedStatus { discard, state } = self.connection.process(&mut bytes[used..]);
            used += discard;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(failed)?;
                        used += record.discard;
                        take(record.payload)?;
                    }
                }
                // An answer to the peer's key update, which goes before our next data
                // (RFC 8446 section 4.6.3), or to its wish to begin anew.
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, &mut self.outgoing)?;
                    self.asked = true;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => closed = true,
                Ok(_) => return Ok((used, closed)),
                Err(error) => {
                    append_alert(&mut self.connection, &mut bytes[used..], &mut self.outgoing);
                    return Err(failed(error));
                }
            }
        }
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut Sealed) -> io::Result<()> {
        self.write(
            sealed,
            plain.len() + overhead(plain.len()),
            |traffic, space| traffic.encrypt(plain, space),
        )
    }

    fn seal_end(&mut self, sealed: &mut Sealed) -> io::Result<()> {
        self.write(sealed, overhead(0), |traffic, space| {
            traffic.queue_close_notify(space)
        })
    }
}

impl<C: Role> Tls<C> {
    fn write(
        &mut self,
        sealed: &mut Sealed,
        size: usize,
        write: impl Fn(
            &mut rustls::unbuffered::WriteTraffic<'_, C::Data>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        loop {
            match self.connection.process(&mut self.incoming).state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let written = write(&mut traffic, sealed.space(size));
                    sealed.fill(written.map_err(io::Error::other)?);
                    return Ok(());
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    let mut due = Vec::new();
                    encode(data, &mut due)?;
                    sealed.append(&due);
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                // Both sides have said their last.
                Ok(ConnectionState::Closed) => return Ok(()),
                Ok(_) => return Err(io::ErrorKind::NotConnected.into()),
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

fn failed(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// How many bytes, at most `most`, complete the record that `begun` is the beginning of, and further
/// records of the same length: as long as a transfer goes on, one is as long as the next.
fn whole_records(begun: &[u8], most: usize) -> usize {
    let [_, _, _, high, low, ..] = *begun else {
        return most;
    };
    let record = HEADER + usize::from(u16::from_be_bytes([high, low]));
    match record.checked_sub(begun.len()) {
        Some(missing @ 1..) if missing <= most => missing + (most - missing) / record * record,
        _ => most,
    }
}

/// Header, explicit nonce, content type and tag of each record, and a key update before them.
const fn overhead(plain: usize) -> usize {
    (plain / MAX_FRAGMENT + 2) * 64
}

const MAX_FRAGMENT: usize = 16_384;
/// Type, version and length (RFC 8446 section 5.1).
const HEADER: usize = 5;
const HANDSHAKE_READ: usize = 4_096;
/// rustls takes no handshake message above 64 KiB.
const MAX_HANDSHAKE_BYTES: usize = 128 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_first_suite_comes_first_and_none_is_lost() {
        let offered = |provider: &CryptoProvider| -> Vec<_> {
            let suites = provider.cipher_suites.iter();
            suites.map(SupportedCipherSuite::suite).collect()
        };
        let (ours, mut rustls) = (
            offered(&provider()),
            offered(&aws_lc_rs::default_provider()),
        );
        assert_eq!(ours[0], CipherSuite::TLS13_AES_128_GCM_SHA256);
        rustls.retain(|suite| *suite != ours[0]);
        assert_eq!(ours[1..], rustls);
    }

    #[test]
    fn reads_end_where_records_do() {
        // Ninety-five bytes of application data behind the header: a hundred in all.
        let begun = [23, 3, 3, 0, 95, 1, 2, 3, 4, 5];
        assert_eq!(whole_records(&begun, 1_000), 90 + 9 * 100);
        assert_eq!(whole_records(&begun, 90), 90);
        assert_eq!(
            whole_records(&begun, 89),
            89,
            "there is no room for all of it"
        );
        assert_eq!(
            whole_records(&begun[..4], 1_000),
            1_000,
            "nobody knows how long it is"
        );
        assert_eq!(whole_records(&[], 1_000), 1_000);
        assert_eq!(
            whole_records(&[23, 3, 3, 0, 0], 7),
            7,
            "an empty record is whole already"
        );
    }
}
