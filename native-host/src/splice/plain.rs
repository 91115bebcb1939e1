//! An end whose bytes pass as they are.

use std::io;

use tokio::net::TcpStream;

use super::{Sealed, Side};

/// A connection whose protection is none of Housekey's business.
pub struct Plain {
    socket: TcpStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Plain {
    /// Passes the bytes of this socket as they are.
    #[must_use]
    pub const fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            incoming: Vec::new(),
            outgoing: Vec::new(),
        }
    }
}

impl Side for Plain {
    fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    fn kept(&mut self) -> (&mut Vec<u8>, &mut Vec<u8>) {
        (&mut self.incoming, &mut self.outgoing)
    }

    fn wanted(&self, most: usize) -> usize {
        most
    }

    fn early(&mut self) -> io::Result<(Vec<u8>, bool)> {
        Ok((Vec::new(), false))
    }

    fn open(
        &mut self,
        bytes: &mut [u8],
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<(usize, bool)> {
        take(bytes).map(|()| (bytes.len(), false))
    }

    fn seal(&mut self, plain: &[u8], sealed: &mut Sealed) -> io::Result<()> {
        sealed.append(plain);
        Ok(())
    }

    fn seal_end(&mut self, _sealed: &mut Sealed) -> io::Result<()> {
        Ok(())
    }
}
