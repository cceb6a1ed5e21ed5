//! The record of what a session's receiver has stored. It lies on disk beside the files, so that a receiver
//! that was killed continues from there when it is started again.
//!
//! The file is the manifest's hash and then a record for each block or whole file: its kind (0 or 1),
//! its number (`u32`, big-endian) and its hash. Records are only ever appended; one that was cut by a
//! crash, and blocks that the disk has lost, count as not stored.

use std::fs::File;
use std::io::{self, Read, Write};

use protocol::broadcast::hash::Hash;

/// The journal of a session.
#[derive(Debug)]
pub(super) struct Journal(File);

/// Something that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A block of the session, with its hash.
    Block(u32, Hash),
    /// A file that has its name, with its hash.
    File(u32, Hash),
}

impl Journal {
    /// Begins a journal in an empty file.
    pub(super) fn begin(mut file: File, manifest: &Hash) -> io::Result<Self> {
        file.write_all(manifest)?;
        Ok(Self(file))
    }

    /// Reads a journal and goes on with it; `None` if it is of another manifest.
    pub(super) fn resume(
        mut file: File,
        manifest: &Hash,
    ) -> io::Result<Option<(Self, Vec<Record>)>> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Some(records) = bytes.strip_prefix(manifest.as_slice()) else {
            return Ok(None);
        };
        let whole = records.len() - records.len() % RECORD;
        file.set_len((manifest.len() + whole) as u64)?;
        let records = records.chunks_exact(RECORD).filter_map(Record::read);
        Ok(Some((Self(file), records.collect())))
    }

    /// Adds a record.
    pub(super) fn add(&mut self, record: Record) -> io::Result<()> {
        self.0.write_all(&record.bytes())
    }
}

impl Record {
    fn bytes(self) -> Vec<u8> {
        let (kind, number, hash) = match self {
            Self::Block(number, hash) => (BLOCK, number, hash),
            Self::File(number, hash) => (FILE, number, hash),
        };
        let mut bytes = vec![kind];
        bytes.extend(number.to_be_bytes());
        bytes.extend(hash);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let (number, hash) = rest.split_first_chunk()?;
        let (number, hash) = (u32::from_be_bytes(*number), hash.try_into().ok()?);
        match kind {
            BLOCK => Some(Self::Block(number, hash)),
            FILE => Some(Self::File(number, hash)),
            _ => None,
        }
    }
}

const BLOCK: u8 = 0;
const FILE: u8 = 1;
const RECORD: usize = 1 + size_of::<u32>() + size_of::<Hash>();
