//! Which bytes the numbered blocks and symbols of a session hold.
//!
//! Blocks are numbered through: first the manifest's, then each file's in the manifest's order. A
//! block holds up to [`BLOCK`] bytes of one of them, and behind these its hash; behind the hash of the
//! last of several blocks there is the hash of the whole. An empty file has one block all the same.
//! This content is cut into source symbols of one size, the last of which may be shorter; parity
//! symbols follow, computed from the source symbols (the last one filled up with zeroes).

use std::ops::Range;

use super::hash::Hash;
use super::manifest::{FileEntry, MAX_FILE, ManifestError};

/// Bytes of a file in a block.
pub const BLOCK: u64 = 1 << 20;
/// The shortest full symbol, in bytes.
pub const LEAST_SYMBOL: u16 = 256;
/// More source symbols than this no block has.
pub const MOST_SOURCE: u16 = 4097;
/// The most incomplete blocks that a sender may ask its receivers to keep.
pub const MOST_OPEN: u16 = 64;
/// Bytes of a hash behind a block.
pub const TRAILER: usize = size_of::<Hash>();

/// The object that a block is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// The manifest.
    Manifest,
    /// The file with this number in the manifest.
    File(usize),
}

/// A block of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The object that it is a part of.
    pub object: Object,
    /// Which part, counted from 0.
    pub part: u32,
    /// The number of its parts.
    pub parts: u32,
    /// The number of the object's bytes that it holds.
    pub length: u32,
    /// Bytes of a full symbol.
    pub symbol_size: u16,
}

/// Which bytes each block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    symbol_size: u16,
    /// Bytes of the manifest, then of each file.
    lengths: Vec<u64>,
    /// First block of each of these, then the number of all blocks.
    starts: Vec<u32>,
}

impl Layout {
    /// Numbers the blocks of a session.
    ///
    /// # Errors
    /// [`ManifestError::Blocks`] if there are more than fit a `u32`, and
    /// [`ManifestError::SymbolSize`] for symbols that cannot be.
    pub fn new(
        symbol_size: u16,
        manifest_length: u32,
        files: &[FileEntry],
    ) -> Result<Self, ManifestError> {
        if symbol_size < LEAST_SYMBOL || !symbol_size.is_multiple_of(2) {
            return Err(ManifestError::SymbolSize(symbol_size));
        }
        let files = files.iter().map(|file| file.length);
        let lengths: Vec<u64> = std::iter::once(manifest_length.into())
            .chain(files)
            .collect();
        let mut starts = vec![0];
        let mut next = 0_u32;
        for &length in &lengths {
            let parts = u32::try_from(length.min(MAX_FILE).div_ceil(BLOCK).max(1)).ok();
            next = parts
                .and_then(|parts| next.checked_add(parts))
                .filter(|_| length <= MAX_FILE)
                .ok_or(ManifestError::Blocks)?;
            starts.push(next);
        }
        Ok(Self {
            symbol_size,
            lengths,
            starts,
        })
    }

    /// Returns the number of blocks.
    pub fn blocks(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The blocks of the manifest or of a file; none for a number that no file has.
    pub fn blocks_of(&self, object: Object) -> Range<u32> {
        let index = match object {
            Object::Manifest => 0,
            Object::File(file) => file + 1,
        };
        match self.starts.get(index..=index + 1) {
            Some(&[start, end]) => start..end,
            _ => 0..0,
        }
    }

    /// A block, or `None` if there is none of this number.
    pub fn block(&self, number: u32) -> Option<Block> {
        if number >= self.blocks() {
            return None;
        }
        let index = self.starts.partition_point(|&start| start <= number) - 1;
        let part = number - self.starts[index];
        let rest = self.lengths[index] - u64::from(part) * BLOCK;
        Some(Block {
            object: index.checked_sub(1).map_or(Object::Manifest, Object::File),
            part,
            parts: self.starts[index + 1] - self.starts[index],
            length: u32::try_from(rest.min(BLOCK)).unwrap_or(u32::MAX),
            symbol_size: self.symbol_size,
        })
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.lengths.iter().skip(1).sum()
    }

    /// Bytes of a full symbol.
    pub fn symbol_size(&self) -> u16 {
        self.symbol_size
    }
}

impl Block {
    /// Offset of its first byte in the manifest or file.
    pub fn offset(&self) -> u64 {
        u64::from(self.part) * BLOCK
    }

    /// Whether it is the last part.
    pub fn is_last(&self) -> bool {
        self.part + 1 == self.parts
    }

    /// Whether it is all of its object, so that its hash is the object's.
    pub fn is_alone(&self) -> bool {
        self.parts == 1
    }

    /// Bytes of its content, hashes included.
    pub fn content(&self) -> usize {
        let hashes = if self.is_last() && !self.is_alone() {
            2
        } else {
            1
        };
        self.length as usize + hashes * TRAILER
    }

    /// Returns the number of its source symbols.
    pub fn source(&self) -> u16 {
        let symbols = self.content().div_ceil(self.symbol_size.into());
        u16::try_from(symbols).unwrap_or(u16::MAX)
    }

    /// Returns the number of its parity symbols: five eighths of its source symbols, which suffices for many
    /// receivers that lose a third, but as many as source symbols for up to 64 of these. The number is
    /// rounded up to a power of two, for that many take no longer to compute.
    pub fn parity(&self) -> u16 {
        let source = self.source();
        let most = (source - source * 3 / 8).max(source.min(64));
        most.next_power_of_two()
    }

    /// Bytes of a symbol, or `None` if it has none of this number.
    pub fn symbol_length(&self, symbol: u16) -> Option<usize> {
        let size = usize::from(self.symbol_size);
        let source = self.source();
        if symbol < source {
            Some(size.min(self.content() - usize::from(symbol) * size))
        } else {
            (symbol - source < self.parity()).then_some(size)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn files(lengths: &[u64]) -> Vec<FileEntry> {
        let entry = |(number, &length): (usize, &u64)| FileEntry {
            name: format!("file-{number}").parse().unwrap(),
            length,
        };
        lengths.iter().enumerate().map(entry).collect()
    }

    proptest! {
        #[test]
        fn the_blocks_hold_every_byte_once(
            lengths in proptest::collection::vec(0..4 * BLOCK, 0..5),
            size in 128..4096_u16,
            manifest in 0..2_000_000_u32,
        ) {
            let layout = Layout::new(size * 2, manifest, &files(&lengths)).unwrap();
            let mut held = vec![0; lengths.len() + 1];
            for number in 0..layout.blocks() {
                let block = layout.block(number).unwrap();
                prop_assert!(layout.blocks_of(block.object).contains(&number));
                let so_far = match block.object {
                    Object::Manifest => &mut held[0],
                    Object::File(file) => &mut held[file + 1],
                };
                prop_assert_eq!(*so_far, block.offset());
                *so_far += u64::from(block.length);
                let symbols: usize = (0..block.source())
                    .map(|symbol| block.symbol_length(symbol).unwrap())
                    .sum();
                prop_assert_eq!(symbols, block.content());
                prop_assert!(block.source() <= MOST_SOURCE);
                let all = block.source() + block.parity();
                prop_assert_eq!(block.symbol_length(all - 1), Some(usize::from(size) * 2));
                prop_assert_eq!(block.symbol_length(all), None);
            }
            let expected: Vec<u64> = [manifest.into()].into_iter().chain(lengths).collect();
            prop_assert_eq!(held, expected);
            prop_assert_eq!(layout.block(layout.blocks()), None);
        }
    }

    #[test]
    fn more_blocks_than_numbers_are_refused() {
        let huge = files(&[MAX_FILE; 5]);
        assert_eq!(Layout::new(1456, 52, &huge), Err(ManifestError::Blocks));
        let huge = files(&[u64::MAX]);
        assert_eq!(Layout::new(1456, 52, &huge), Err(ManifestError::Blocks));
    }
}
