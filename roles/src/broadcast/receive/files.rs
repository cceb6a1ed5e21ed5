//! The files of a session at its receiver: which blocks there are, which files are proved.

use std::collections::BTreeMap;

use protocol::broadcast::hash::{self, Hash, NOTHING_PROVED};
use protocol::broadcast::{FileEntry, Layout, Object};

use super::journal::Record;

/// The files of a session.
#[derive(Debug)]
pub(super) struct Files {
    files: Vec<File>,
    /// Hashes of the blocks that are there, of files that are not proved yet.
    hashes: BTreeMap<u32, Hash>,
    /// Files proved without a gap from the first one on, and the chain over their hashes.
    proved: u32,
    proof: Hash,
}

#[derive(Debug)]
struct File {
    entry: FileEntry,
    /// The hash that came with its last block.
    carried: Option<Hash>,
    proved: bool,
    /// Blocks that are not there.
    lacking: u32,
    /// Number of times the blocks did not match the hash that came with the last one.
    wrong: u32,
}

/// The effect of one more block on its file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Blocks are missing.
    Incomplete,
    /// All blocks are there and make up the file's hash.
    Whole(Hash),
    /// All blocks are there and make up something else: all of them are to be received again.
    Wrong,
    /// That has happened too often.
    Hopeless(String),
}

impl Files {
    pub(super) fn new(entries: &[FileEntry], layout: &Layout) -> Self {
        let file = |(number, entry): (usize, &FileEntry)| {
            let blocks = layout.blocks_of(Object::File(number));
            File {
                entry: entry.clone(),
                carried: None,
                proved: false,
                lacking: blocks.end - blocks.start,
                wrong: 0,
            }
        };
        Self {
            files: entries.iter().enumerate().map(file).collect(),
            hashes: BTreeMap::new(),
            proved: 0,
            proof: NOTHING_PROVED,
        }
    }

    /// Whether a block is there.
    pub(super) fn has(&self, layout: &Layout, number: u32) -> bool {
        let proved = || match layout.block(number)?.object {
            Object::File(file) => self.files.get(file).map(|file| file.proved),
            Object::Manifest => Some(true),
        };
        self.hashes.contains_key(&number) || proved().unwrap_or(false)
    }

    /// A block of a file is there; `carried` is its file's hash if it is the last.
    pub(super) fn add(
        &mut self,
        layout: &Layout,
        number: u32,
        block: Hash,
        carried: Option<Hash>,
    ) -> Progress {
        let Some(Object::File(index)) = layout.block(number).map(|block| block.object) else {
            return Progress::Incomplete;
        };
        let Some(file) = self.files.get_mut(index) else {
            return Progress::Incomplete;
        };
        file.carried = carried.or(file.carried);
        if self.hashes.insert(number, block).is_none() {
            file.lacking -= 1;
        }
        if file.lacking > 0 {
            return Progress::Incomplete;
        }
        let blocks = layout.blocks_of(Object::File(index));
        let hashes: Vec<Hash> = self.hashes.range(blocks.clone()).map(|(_, &h)| h).collect();
        if let Some(hash) = file
            .carried
            .filter(|hash| *hash == hash::file_hash(&hashes))
        {
            return Progress::Whole(hash);
        }
        file.wrong += 1;
        if file.wrong >= MOST_WRONG {
            let name = &file.entry.name;
            return Progress::Hopeless(format!(
                "`{name}` arrived {MOST_WRONG} times with another hash than the sender named: somebody else must be sending"
            ));
        }
        file.lacking = blocks.end - blocks.start;
        self.hashes.retain(|number, _| !blocks.contains(number));
        Progress::Wrong
    }

    /// The file is stored under its name; returns it and its hash.
    pub(super) fn stored(&mut self, layout: &Layout, index: usize) -> Option<(FileEntry, Hash)> {
        let file = self.files.get_mut(index)?;
        file.proved = true;
        let stored = (file.entry.clone(), file.carried?);
        self.count_proved(layout, index);
        Some(stored)
    }

    /// Takes what was stored before; returns how many bytes that is. The last block of several is
    /// received again, for the file's hash comes with it.
    pub(super) fn restore(&mut self, layout: &Layout, record: Record) -> u64 {
        match record {
            Record::Block(number, hash) => {
                let Some(block) = layout.block(number).filter(|block| !block.is_last()) else {
                    return 0;
                };
                let Object::File(index) = block.object else {
                    return 0;
                };
                let Some(file) = self.files.get_mut(index).filter(|file| !file.proved) else {
                    return 0;
                };
                if self.hashes.insert(number, hash).is_some() {
                    return 0;
                }
                file.lacking -= 1;
                block.length.into()
            }
            Record::File(number, hash) => {
                let index = number as usize;
                let Some(file) = self.files.get_mut(index).filter(|file| !file.proved) else {
                    return 0;
                };
                file.proved = true;
                file.carried = Some(hash);
                file.lacking = 0;
                let length = file.entry.length;
                self.count_proved(layout, index);
                length
            }
        }
    }

    /// Forgets the blocks of a file that is proved, and counts the proved files.
    fn count_proved(&mut self, layout: &Layout, index: usize) {
        let blocks = layout.blocks_of(Object::File(index));
        self.hashes.retain(|number, _| !blocks.contains(number));
        while let Some(file) = self.files.get(self.proved as usize).filter(|f| f.proved) {
            let hash = file.carried.unwrap_or(NOTHING_PROVED);
            self.proof = hash::extend_proof(&self.proof, &hash);
            self.proved += 1;
        }
    }

    /// Returns the number of files proved so far, from the first one on, and their proof.
    pub(super) fn proof(&self) -> (u32, Hash) {
        (self.proved, self.proof)
    }

    /// Whether all files are proved.
    pub(super) fn all_proved(&self) -> bool {
        self.proved as usize == self.files.len()
    }

    /// Describes for people what is missing.
    pub(super) fn missing(&self, layout: &Layout) -> String {
        let lacking = |(number, file): (usize, &File)| {
            let blocks = layout.blocks_of(Object::File(number)).len();
            let (name, lacking) = (&file.entry.name, file.lacking);
            (!file.proved).then(|| format!("{name} ({lacking} of {blocks} MiB blocks)"))
        };
        let lacking: Vec<String> = self.files.iter().enumerate().filter_map(lacking).collect();
        let named = lacking.len().min(MOST_NAMED);
        let more = match lacking.len() - named {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("missing {}{more}", lacking[..named].join(", "))
    }
}

/// After so many wrong hashes of one file the fault is not on the way.
const MOST_WRONG: u32 = 3;
/// The most missing files that a message names.
const MOST_NAMED: usize = 5;
