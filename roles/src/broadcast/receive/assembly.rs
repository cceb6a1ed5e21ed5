//! A block that is not whole yet.

use protocol::broadcast::hash::{self, Hash};
use protocol::broadcast::layout::TRAILER;
use protocol::broadcast::{Block, SymbolSet};
use reed_solomon_simd::ReedSolomonDecoder;

/// The symbols of a block that have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembly {
    block: Block,
    /// The source symbols, each at its place; behind them the parity symbols as they came.
    content: Vec<u8>,
    /// Source symbols that have not arrived.
    missing: SymbolSet,
    lacking: u16,
    /// The parity symbols' numbers among all parity symbols, as they came.
    parity: Vec<u16>,
}

/// A block that is whole and has the hash that came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Its bytes, followed by what else was in the same memory.
    pub(super) content: Vec<u8>,
    pub(super) hash: Hash,
    /// The hash of its file, if it is the last block.
    pub(super) file: Option<Hash>,
}

/// The decoder that recovers lost symbols. It holds some megabytes of memory, which are kept from block to
/// block.
#[derive(Default)]
pub struct DecoderCache(Option<ReedSolomonDecoder>);

impl DecoderCache {
    fn set_up(&mut self, block: &Block) -> Option<&mut ReedSolomonDecoder> {
        let (source, parity) = (block.source().into(), block.parity().into());
        let size = block.symbol_size.into();
        match &mut self.0 {
            Some(decoder) => decoder.reset(source, parity, size).ok()?,
            none => *none = Some(ReedSolomonDecoder::new(source, parity, size).ok()?),
        }
        self.0.as_mut()
    }
}

impl std::fmt::Debug for DecoderCache {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DecoderCache")
    }
}

impl Assembly {
    /// Of a block that nothing has arrived of; `memory` is used for its content.
    pub(super) fn new(block: Block, mut memory: Vec<u8>) -> Self {
        let source = block.source();
        memory.resize(usize::from(source) * usize::from(block.symbol_size), 0);
        Self {
            block,
            content: memory,
            missing: SymbolSet::from_range(0..source),
            lacking: source,
            parity: Vec::new(),
        }
    }

    /// Takes a symbol; whether it was of use.
    pub(super) fn insert(&mut self, symbol: u16, bytes: &[u8]) -> bool {
        if self.block.symbol_length(symbol) != Some(bytes.len()) {
            return false;
        }
        if let Some(parity) = symbol.checked_sub(self.block.source()) {
            let known = self.parity.contains(&parity);
            if !known {
                self.parity.push(parity);
                self.content.extend_from_slice(bytes);
            }
            return !known;
        }
        if !self.missing.remove(symbol) {
            return false;
        }
        self.lacking -= 1;
        let start = usize::from(symbol) * usize::from(self.block.symbol_size);
        self.content[start..start + bytes.len()].copy_from_slice(bytes);
        true
    }

    /// Returns how many more symbols it needs; any symbols will do.
    pub(super) fn need(&self) -> u16 {
        let parity = u16::try_from(self.parity.len()).unwrap_or(u16::MAX);
        self.lacking.saturating_sub(parity)
    }

    /// Whether its source symbols have all arrived, so that nothing is to be decoded.
    pub(super) fn has_all_source(&self) -> bool {
        self.lacking == 0
    }

    /// The source symbols that have not arrived.
    pub(super) fn missing(&self) -> &SymbolSet {
        &self.missing
    }

    /// Its memory, to be used for another.
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.content
    }

    /// The whole block, once it needs no more symbols: lost ones are computed, which takes about a
    /// millisecond. The memory alone if its hash is wrong.
    ///
    /// # Errors
    /// The block's memory, if there are too few symbols or the hash is wrong.
    pub fn finish(mut self, decoder: &mut DecoderCache) -> Result<Whole, Vec<u8>> {
        if self.lacking > 0 && self.decode(decoder).is_none() {
            return Err(self.content);
        }
        let length = self.block.length as usize;
        let (bytes, hashes) = self.content.split_at(length);
        let hash = hash::block_hash(bytes, self.block.offset(), self.block.is_alone());
        let carried = |at: usize| {
            let place = hashes.get(at * TRAILER..(at + 1) * TRAILER)?;
            Hash::try_from(place).ok()
        };
        if carried(0) != Some(hash) {
            return Err(self.content);
        }
        let file = match (self.block.is_last(), self.block.is_alone()) {
            (false, _) => None,
            (true, true) => Some(hash),
            (true, false) => carried(1),
        };
        Ok(Whole {
            content: self.content,
            hash,
            file,
        })
    }

    fn decode(&mut self, decoder: &mut DecoderCache) -> Option<()> {
        let size = usize::from(self.block.symbol_size);
        let source = self.block.source();
        let decoder = decoder.set_up(&self.block)?;
        // The last symbol may have been shorter; what fills it up is zeroes.
        let (sources, parity) = self.content.split_at_mut(usize::from(source) * size);
        sources[self.block.content()..].fill(0);
        for (number, symbol) in (0..source).zip(sources.chunks_exact(size)) {
            if !self.missing.contains(number) {
                decoder.add_original_shard(number.into(), symbol).ok()?;
            }
        }
        for (number, symbol) in self.parity.iter().zip(parity.chunks_exact(size)) {
            let number = usize::from(*number);
            decoder.add_recovery_shard(number, symbol).ok()?;
        }
        let decoded = decoder.decode().ok()?;
        for (number, bytes) in decoded.restored_original_iter() {
            let start = number * size;
            sources[start..start + size].copy_from_slice(bytes);
        }
        Some(())
    }
}
