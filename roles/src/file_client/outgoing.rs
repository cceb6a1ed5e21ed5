//! A content on its way to a server.

use blake3::Hasher;
use protocol::file_service::base64;

use crate::buffer::Buffer;

/// A content that is made into the text of an upload, portion by portion, and hashed.
#[derive(Debug)]
pub(crate) struct Outgoing {
    offset: u64,
    length: u64,
    /// Characters of text that are made at once.
    chunk: usize,
    done: bool,
    scratch: Vec<u8>,
    hasher: Box<Hasher>,
}

impl Outgoing {
    /// Of a content of `length` bytes; so many characters of text are made at once.
    pub(crate) fn new(length: u64, chunk: usize) -> Self {
        Self {
            offset: 0,
            length,
            chunk,
            done: false,
            scratch: Vec::new(),
            hasher: Box::default(),
        }
    }

    /// Puts the next portion into the output once that is empty, and the line's end behind the last.
    /// The first goes with what is there already. `fill` gets the bytes from an offset on.
    ///
    /// # Errors
    /// Those of `fill`.
    pub(crate) fn put<E>(
        &mut self,
        output: &mut Buffer,
        fill: impl FnOnce(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.done || (!output.is_empty() && self.offset > 0) {
            return Ok(());
        }
        // A multiple of three, so that the parts' texts make up the whole one's.
        let most = self.chunk / 4 * 3;
        let left = self.length - self.offset;
        let part = usize::try_from(left).map_or(most, |left| left.min(most));
        if self.scratch.len() < part {
            self.scratch.resize(most, 0);
        }
        let portion = &mut self.scratch[..part];
        fill(self.offset, portion)?;
        self.hasher.update(portion);
        let room = output.room(part.div_ceil(3) * 4);
        let written = base64::encode(portion, room).unwrap_or_default();
        output.filled(written);
        self.offset += part as u64;
        if self.offset == self.length {
            self.done = true;
            output.push(b"\r\n");
        }
        Ok(())
    }

    /// Returns how many bytes of the content were encoded.
    pub(crate) fn bytes(&self) -> u64 {
        self.offset
    }

    /// BLAKE3 of these, in lower-case hexadecimal.
    pub(crate) fn blake3(&self) -> String {
        self.hasher.finalize().to_string()
    }
}
