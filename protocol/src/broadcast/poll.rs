//! The sender's announcement and question.

use super::datagram::DatagramError;
use super::layout::{LEAST_SYMBOL, MOST_OPEN};
use super::manifest::MAX_MANIFEST;
use super::reader::Reader;

/// Announces the session and asks each receiver what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Which question this is, counted from 0.
    pub round: u32,
    /// All source symbols of the blocks below this one were sent at least once.
    pub upto: u32,
    /// Bytes of a full symbol; even.
    pub symbol_size: u16,
    /// The number of incomplete blocks that a receiver keeps, and that a report describes, from the
    /// receiver's first one on.
    pub open: u16,
    /// Bytes of the manifest.
    pub manifest_length: u32,
    /// The manifest's BLAKE3 hash.
    pub manifest_hash: [u8; 32],
}

impl Poll {
    pub(super) fn read(round: u32, reader: &mut Reader<'_>) -> Result<Self, DatagramError> {
        let poll = Self {
            round,
            upto: reader.u32()?,
            symbol_size: reader.u16()?,
            open: reader.u16()?,
            manifest_length: reader.u32()?,
            manifest_hash: reader.array()?,
        };
        let sound = poll.symbol_size >= LEAST_SYMBOL
            && poll.symbol_size.is_multiple_of(2)
            && (1..=MOST_OPEN).contains(&poll.open)
            && poll.manifest_length <= MAX_MANIFEST;
        sound.then_some(poll).ok_or(DatagramError::Content)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.upto.to_be_bytes());
        out.extend(self.symbol_size.to_be_bytes());
        out.extend(self.open.to_be_bytes());
        out.extend(self.manifest_length.to_be_bytes());
        out.extend(self.manifest_hash);
    }
}
