//! Bytes between a connection and what is made of them. Made once, used for many connections: memory
//! never touched before costs more than all that is done with it.

/// Bytes that wait, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Buffer {
    /// An empty one of this capacity.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity],
            from: 0,
            to: 0,
        }
    }

    /// Returns the bytes that wait.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.from..self.to]
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Forgets the first bytes that wait.
    pub(crate) fn consume(&mut self, count: usize) {
        self.from = self.to.min(self.from + count);
        if self.from == self.to {
            self.clear();
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        (self.from, self.to) = (0, 0);
    }

    /// Room after what waits; grows only if there is less than `least`.
    pub(crate) fn room(&mut self, least: usize) -> &mut [u8] {
        if self.bytes.len() < self.to + least {
            self.bytes.resize(self.to + least, 0);
        }
        &mut self.bytes[self.to..]
    }

    /// The first bytes of the room have been written.
    pub(crate) fn filled(&mut self, count: usize) {
        self.to = self.bytes.len().min(self.to + count);
    }

    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        let mut buffer = Buffer::new(4);
        buffer.push(b"abc");
        buffer.consume(1);
        buffer.push(b"defg");
        assert_eq!(buffer.waiting(), b"bcdefg");
        buffer.consume(6);
        assert!(buffer.is_empty());
        assert!(buffer.room(0).len() >= 4);
    }
}
