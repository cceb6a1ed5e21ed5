//! The content of the blocks that are being sent: read, hashed, and parity computed where it is asked
//! for.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeInclusive;

use protocol::broadcast::hash::{self, Hash};
use protocol::broadcast::layout::TRAILER;
use protocol::broadcast::{Block, Layout, Object};
use reed_solomon_simd::ReedSolomonEncoder;

/// Where the bytes of files come from.
pub trait Source {
    /// Fills `bytes` from this offset of a file on.
    ///
    /// # Errors
    /// If they cannot be read, for example because the file has become shorter.
    fn read(&mut self, file: usize, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// Why a block cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its bytes cannot be read.
    #[error("cannot read file {file}: {source}")]
    Read {
        /// The file's number.
        file: usize,
        /// Why.
        source: io::Error,
    },
    /// It was read before, with other bytes.
    #[error("file {file} was changed while it was sent")]
    Changed {
        /// The file's number.
        file: usize,
    },
    /// There is no such block, or no parity can be computed for it.
    #[error("block {0} cannot be encoded")]
    Encoding(u32),
}

/// The blocks that are being sent.
#[derive(Debug)]
pub struct Loader {
    layout: Layout,
    manifest: Vec<u8>,
    blocks: BTreeMap<u32, Loaded>,
    /// Hashes of all blocks that were read once.
    hashes: BTreeMap<u32, Hash>,
    /// Memory of blocks that are not needed any more.
    spare: Vec<Vec<u8>>,
}

/// A block in memory.
#[derive(Debug)]
pub struct Loaded {
    block: Block,
    /// Its bytes and hashes, filled up to whole symbols.
    content: Vec<u8>,
    /// Its parity symbols; empty until one is asked for.
    parity: Vec<u8>,
}

impl Loader {
    /// Of a session with this layout and manifest.
    pub fn new(layout: Layout, manifest: Vec<u8>) -> Self {
        Self {
            layout,
            manifest,
            blocks: BTreeMap::new(),
            hashes: BTreeMap::new(),
            spare: Vec::new(),
        }
    }

    /// Reads a block unless it is in memory, and computes its parity if a symbol is wanted that is. Also returns its file's number
    /// and hash if it is the file's last block and was read for the first time.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(
        &mut self,
        number: u32,
        symbols: &[u16],
        source: &mut dyn Source,
    ) -> Result<Option<(usize, Hash)>, LoadError> {
        let mut known = None;
        if !self.blocks.contains_key(&number) {
            let block = self
                .layout
                .block(number)
                .ok_or(LoadError::Encoding(number))?;
            known = self.read(number, block, source)?;
        }
        match self.blocks.get_mut(&number) {
            Some(loaded) if loaded.lacks(symbols) => {
                loaded.encode().ok_or(LoadError::Encoding(number))?;
            }
            _ => {}
        }
        Ok(known)
    }

    /// A block that was loaded.
    pub fn get(&self, number: u32) -> Option<&Loaded> {
        self.blocks.get(&number)
    }

    /// Frees the blocks below `base`, and if these were few, those furthest from it.
    pub fn make_room(&mut self, base: u32) {
        let kept = self.blocks.split_off(&base);
        let freed = std::mem::replace(&mut self.blocks, kept);
        self.spare
            .extend(freed.into_values().map(|loaded| loaded.content));
        while self.blocks.len() >= MOST_LOADED {
            let last = self.blocks.pop_last();
            self.spare.extend(last.map(|(_, loaded)| loaded.content));
        }
    }

    /// The hash of what these blocks hold together.
    fn whole(&self, blocks: RangeInclusive<u32>) -> Hash {
        let parts: Vec<Hash> = self.hashes.range(blocks).map(|(_, &hash)| hash).collect();
        hash::file_hash(&parts)
    }

    fn read(
        &mut self,
        number: u32,
        block: Block,
        source: &mut dyn Source,
    ) -> Result<Option<(usize, Hash)>, LoadError> {
        let length = block.length as usize;
        let mut content = self.spare.pop().unwrap_or_default();
        content.resize(
            usize::from(block.source()) * usize::from(block.symbol_size),
            0,
        );
        let (bytes, rest) = content.split_at_mut(length);
        let file = match block.object {
            Object::File(file) => {
                let read = source.read(file, block.offset(), bytes);
                read.map_err(|source| LoadError::Read { file, source })?;
                Some(file)
            }
            Object::Manifest => {
                let start = usize::try_from(block.offset()).unwrap_or(usize::MAX);
                let part = self
                    .manifest
                    .get(start..)
                    .and_then(|rest| rest.get(..length));
                bytes.copy_from_slice(part.ok_or(LoadError::Encoding(number))?);
                None
            }
        };
        rest.fill(0);
        let own = hash::block_hash(bytes, block.offset(), block.is_alone());
        let before = self.hashes.insert(number, own);
        if let Some(file) = file.filter(|_| before.is_some_and(|before| before != own)) {
            return Err(LoadError::Changed { file });
        }
        let whole = block
            .is_last()
            .then(|| self.whole(number - block.part..=number));
        let hashes = [Some(own), whole.filter(|_| !block.is_alone())];
        for (place, hash) in rest.chunks_mut(TRAILER).zip(hashes.iter().flatten()) {
            place.copy_from_slice(hash);
        }
        let known = file.zip(whole).filter(|_| before.is_none());
        let parity = Vec::new();
        let loaded = Loaded {
            block,
            content,
            parity,
        };
        self.blocks.insert(number, loaded);
        Ok(known)
    }
}

impl Loaded {
    /// The bytes of a symbol; those of parity only once it was computed.
    pub fn symbol(&self, symbol: u16) -> Option<&[u8]> {
        let length = self.block.symbol_length(symbol)?;
        let size = usize::from(self.block.symbol_size);
        let (symbols, index) = match symbol.checked_sub(self.block.source()) {
            None => (&self.content, symbol),
            Some(index) => (&self.parity, index),
        };
        let start = usize::from(index) * size;
        symbols.get(start..start + length)
    }

    /// Whether one of the symbols is parity that was not computed yet.
    fn lacks(&self, symbols: &[u16]) -> bool {
        let source = self.block.source();
        self.parity.is_empty() && symbols.iter().any(|&symbol| symbol >= source)
    }

    fn encode(&mut self) -> Option<()> {
        let size = usize::from(self.block.symbol_size);
        let (source, parity) = (self.block.source(), self.block.parity());
        let mut encoder = ReedSolomonEncoder::new(source.into(), parity.into(), size).ok()?;
        for symbol in self.content.chunks_exact(size) {
            encoder.add_original_shard(symbol).ok()?;
        }
        let encoded = encoder.encode().ok()?;
        self.parity.reserve_exact(usize::from(parity) * size);
        for symbol in encoded.recovery_iter() {
            self.parity.extend_from_slice(symbol);
        }
        Some(())
    }
}

/// Blocks in memory, a mebibyte each: those under way, and some that stragglers ask for.
const MOST_LOADED: usize = 24;
