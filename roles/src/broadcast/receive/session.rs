//! The state of one sender's session: the manifest, then block after block.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use protocol::broadcast::hash::{Hash, NOTHING_PROVED};
use protocol::broadcast::{
    Block, FileEntry, Layout, ManifestError, Object, Poll, Report, State, SymbolSet, Want, manifest,
};

use super::assembly::{Assembly, DecoderCache, Whole};
use super::files::{Files, Progress};
use super::journal::Record;
use super::receiver::Contents;

/// The effect of a datagram.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing that is to be acted upon.
    Nothing,
    /// The manifest is whole.
    Contents(Contents),
    /// A block is whole, and with it perhaps its file, which then has this hash.
    Block {
        file: usize,
        block: Block,
        record: Record,
        content: Vec<u8>,
        whole: Option<Hash>,
    },
    /// A block has enough symbols, and is to be decoded.
    Enough(u32, Assembly),
    /// The session can never be received.
    Failed(String),
}

/// Datagrams and bytes that were received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes of whole blocks.
    pub bytes: u64,
    /// Data datagrams.
    pub datagrams: u64,
    /// Data datagrams that brought nothing new.
    pub repeated: u64,
}

/// A session at its receiver.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) started: Instant,
    pub(super) heard: Instant,
    /// When a datagram last brought something new.
    pub(super) advanced: Instant,
    /// The round of the last poll, and what it said of how far the sender is.
    pub(super) asked: (u32, u32),
    manifest_hash: Hash,
    open_blocks: usize,
    /// Of the manifest alone until it is whole.
    layout: Layout,
    /// Blocks of the manifest, until it is whole.
    manifest: BTreeMap<u32, Vec<u8>>,
    files: Option<Files>,
    /// Blocks that something has arrived of.
    open: BTreeMap<u32, Assembly>,
    /// Blocks that have enough symbols and are being decoded. They count as being there.
    decoding: BTreeSet<u32>,
    /// All blocks below this one are there.
    base: u32,
    /// Memory for blocks to come.
    spare: Vec<Vec<u8>>,
    pub(super) counts: Counts,
}

impl Session {
    pub(super) fn new(now: Instant, poll: &Poll) -> Result<Self, ManifestError> {
        Ok(Self {
            started: now,
            heard: now,
            advanced: now,
            asked: (poll.round, poll.upto),
            manifest_hash: poll.manifest_hash,
            open_blocks: poll.open.into(),
            layout: Layout::new(poll.symbol_size, poll.manifest_length, &[])?,
            manifest: BTreeMap::new(),
            files: None,
            open: BTreeMap::new(),
            decoding: BTreeSet::new(),
            base: 0,
            spare: Vec::new(),
            counts: Counts::default(),
        })
    }

    /// Takes a symbol that arrives now.
    pub(super) fn symbol(
        &mut self,
        now: Instant,
        (number, symbol): (u32, u16),
        bytes: &[u8],
    ) -> Outcome {
        let old = self.counts.repeated;
        let brought = self.take(number, symbol, bytes);
        self.heard = now;
        if self.counts.repeated == old {
            self.advanced = now;
        }
        brought
    }

    /// Whether it is known what the session carries. Until then anybody may have made it up.
    pub(super) fn is_known(&self) -> bool {
        self.files.is_some()
    }

    fn take(&mut self, number: u32, symbol: u16, bytes: &[u8]) -> Outcome {
        self.counts.datagrams += 1;
        let Some(block) = self.layout.block(number).filter(|_| !self.has(number)) else {
            self.counts.repeated += 1;
            return Outcome::Nothing;
        };
        if !self.open.contains_key(&number) && !self.make_room(number, block) {
            self.counts.repeated += 1;
            return Outcome::Nothing;
        }
        let Some(assembly) = self.open.get_mut(&number) else {
            return Outcome::Nothing;
        };
        self.counts.repeated += u64::from(!assembly.insert(symbol, bytes));
        if assembly.need() > 0 {
            return Outcome::Nothing;
        }
        let Some(assembly) = self.open.remove(&number) else {
            return Outcome::Nothing;
        };
        // Nothing goes on without the manifest.
        if assembly.has_all_source() || self.files.is_none() {
            return self.decoded(number, assembly.finish(&mut DecoderCache::default()));
        }
        self.decoding.insert(number);
        self.advance();
        Outcome::Enough(number, assembly)
    }

    /// A block that had enough symbols is whole, or its hash is wrong.
    pub(super) fn decoded(&mut self, number: u32, decoded: Result<Whole, Vec<u8>>) -> Outcome {
        self.decoding.remove(&number);
        match (self.layout.block(number), decoded) {
            (Some(block), Ok(whole)) => self.whole(number, block, whole),
            (_, Ok(Whole { content, .. }) | Err(content)) => {
                self.recycle(content);
                self.base = self.base.min(number);
                self.advance();
                Outcome::Nothing
            }
        }
    }

    /// Takes back the memory of a block that was dealt with.
    pub(super) fn recycle(&mut self, memory: Vec<u8>) {
        if self.spare.len() < MOST_SPARE {
            self.spare.push(memory);
        }
    }

    /// The file is stored under its name.
    pub(super) fn stored(&mut self, file: usize) -> Option<(FileEntry, Hash)> {
        self.files.as_mut()?.stored(&self.layout, file)
    }

    /// Whether all files are proved.
    pub(super) fn is_whole(&self) -> bool {
        self.files.as_ref().is_some_and(Files::all_proved)
    }

    /// Describes for people what is missing.
    pub(super) fn missing(&self) -> String {
        match &self.files {
            Some(files) => files.missing(&self.layout),
            None => "the list of files has not arrived".into(),
        }
    }

    /// Bytes received, and of all files; `None` before these are known.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        let total = self.layout.bytes();
        self.files.as_ref().map(|_| (self.counts.bytes, total))
    }

    /// Bytes of a full datagram, without what seals it.
    pub(super) fn symbol_size(&self) -> usize {
        self.layout.symbol_size().into()
    }

    /// An answer to a poll, of which the receiver fills in what it knows itself.
    pub(super) fn report(&self, round: u32, upto: u32, state: State) -> Report {
        let open = u32::try_from(self.open_blocks).unwrap_or(u32::MAX);
        let end = upto.min(self.layout.blocks());
        let end = end.min(self.base.saturating_add(open)).max(self.base);
        let none = (0, NOTHING_PROVED);
        let (proved, proof) = self.files.as_ref().map_or(none, Files::proof);
        #[expect(clippy::cast_possible_truncation, reason = "it is counted modulo 2^32")]
        let received = self.counts.datagrams as u32;
        Report {
            round,
            receiver: 0,
            state,
            buffer: 0,
            received,
            clock: 0,
            proved,
            proof,
            base: self.base,
            known: end,
            wants: (self.base..end).filter_map(|n| self.want(n)).collect(),
        }
    }

    fn want(&self, number: u32) -> Option<Want> {
        if self.has(number) {
            return None;
        }
        let (need, missing) = if let Some(assembly) = self.open.get(&number) {
            (assembly.need(), assembly.missing().clone())
        } else {
            let source = self.layout.block(number)?.source();
            (source, SymbolSet::from_range(0..source))
        };
        Some(Want {
            block: number,
            need,
            missing,
        })
    }

    fn has(&self, number: u32) -> bool {
        match &self.files {
            Some(files) => {
                number < self.base
                    || self.decoding.contains(&number)
                    || files.has(&self.layout, number)
            }
            None => self.manifest.contains_key(&number),
        }
    }

    /// Begins a block, if need be in the place of a later one; whether there is room for it.
    fn make_room(&mut self, number: u32, block: Block) -> bool {
        if self.open.len() >= self.open_blocks {
            let Some(last) = self.open.last_entry().filter(|last| *last.key() > number) else {
                return false;
            };
            self.spare.push(last.remove().into_memory());
        }
        let memory = self.spare.pop().unwrap_or_default();
        self.open.insert(number, Assembly::new(block, memory));
        true
    }

    fn whole(&mut self, number: u32, block: Block, whole: Whole) -> Outcome {
        let Object::File(file) = block.object else {
            return self.manifest_block(number, block, whole);
        };
        let Some(files) = &mut self.files else {
            return Outcome::Nothing;
        };
        let progress = files.add(&self.layout, number, whole.hash, whole.file);
        self.counts.bytes += u64::from(block.length);
        match progress {
            Progress::Hopeless(why) => return Outcome::Failed(why),
            Progress::Wrong => {
                let first = number - block.part;
                self.base = self.base.min(first);
                self.counts.bytes = self.counts.bytes.saturating_sub(self.bytes_of(file));
                self.recycle(whole.content);
                return Outcome::Nothing;
            }
            Progress::Incomplete | Progress::Whole(_) => {}
        }
        self.advance();
        Outcome::Block {
            file,
            block,
            record: Record::Block(number, whole.hash),
            content: whole.content,
            whole: match progress {
                Progress::Whole(hash) => Some(hash),
                _ => None,
            },
        }
    }

    /// Takes what was stored before.
    pub(super) fn restore(&mut self, records: &[Record]) {
        let Some(files) = &mut self.files else { return };
        for record in records {
            self.counts.bytes += files.restore(&self.layout, *record);
        }
        self.advance();
    }

    /// Finds the first block that is not there.
    fn advance(&mut self) {
        let Some(files) = &self.files else { return };
        let there = |number| self.decoding.contains(&number) || files.has(&self.layout, number);
        let blocks = self.layout.blocks();
        self.base = (self.base..blocks).find(|&n| !there(n)).unwrap_or(blocks);
    }

    fn bytes_of(&self, file: usize) -> u64 {
        let blocks = self.layout.blocks_of(Object::File(file));
        let blocks = blocks.filter_map(|number| self.layout.block(number));
        blocks.map(|block| u64::from(block.length)).sum()
    }

    fn manifest_block(&mut self, number: u32, block: Block, whole: Whole) -> Outcome {
        let mut bytes = whole.content;
        bytes.truncate(block.length as usize);
        self.manifest.insert(number, bytes);
        if self.manifest.len() < block.parts as usize {
            return Outcome::Nothing;
        }
        let bytes: Vec<u8> = std::mem::take(&mut self.manifest)
            .into_values()
            .flatten()
            .collect();
        if *blake3::hash(&bytes).as_bytes() != self.manifest_hash {
            return Outcome::Nothing;
        }
        self.read_manifest(&bytes)
            .unwrap_or_else(|error| Outcome::Failed(error.to_string()))
    }

    fn read_manifest(&mut self, bytes: &[u8]) -> Result<Outcome, ManifestError> {
        let entries = manifest::decode(bytes)?;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.layout = Layout::new(self.layout.symbol_size(), length, &entries)?;
        self.base = self.layout.blocks_of(Object::Manifest).end;
        self.files = Some(Files::new(&entries, &self.layout));
        Ok(Outcome::Contents(Contents {
            manifest: self.manifest_hash,
            layout: self.layout.clone(),
            files: entries,
        }))
    }
}

/// Blocks' memory that is kept for others.
const MOST_SPARE: usize = 4;
