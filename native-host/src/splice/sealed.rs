//! Room that is used again and again, for bytes on their way out.

/// Bytes that are ready to be sent.
#[derive(Default)]
pub struct Sealed {
    buffer: Vec<u8>,
    filled: usize,
}

impl Sealed {
    /// Room for so many bytes behind those that are ready.
    pub fn space(&mut self, bytes: usize) -> &mut [u8] {
        let end = self.filled + bytes;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.filled..end]
    }

    /// Says that so many bytes of the room were filled.
    pub const fn fill(&mut self, bytes: usize) {
        self.filled += bytes;
    }

    /// What is ready.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// Begins anew, with the same room.
    pub(super) const fn clear(&mut self) {
        self.filled = 0;
    }

    /// Adds bytes that are ready.
    pub fn append(&mut self, bytes: &[u8]) {
        self.space(bytes.len()).copy_from_slice(bytes);
        self.fill(bytes.len());
    }
}
