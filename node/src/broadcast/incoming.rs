//! What a receiver has of a session: the manifest, then which blocks of which files.

use std::ops::Range;

use protocol::datagram::Poll;
use protocol::manifest::{self, FileEntry, Layout, ManifestError};
use protocol::role::Summary;
use sha2::{Digest, Sha256};

use super::proof;
use super::ranges::Ranges;

/// What came of a block or of a verification.
#[derive(Debug)]
pub(super) enum Progress {
    /// Nothing new.
    Nothing,
    /// The manifest is whole: these are the files, and those of them that have no bytes.
    Known {
        files: Vec<FileEntry>,
        empty: Vec<usize>,
    },
    /// The block's bytes belong there, and whether all of the file has arrived with it.
    Stored {
        file: usize,
        offset: u64,
        whole: bool,
    },
    /// The file is proved.
    Proved(FileEntry),
    /// It can never be received.
    Failed(String),
}

/// The state of a session at its receiver.
#[derive(Debug)]
pub(super) struct Incoming {
    block_size: u16,
    manifest: Vec<u8>,
    manifest_sha256: [u8; 32],
    /// Of the manifest alone until it is whole.
    layout: Layout,
    files: Option<Vec<Tracked>>,
    missing: Ranges,
    /// Files proved without a gap from the first one on, and the chain over their digests.
    proved: u32,
    proof: [u8; 32],
    bytes: u64,
    datagrams: u64,
    repeated: u64,
}

#[derive(Debug)]
struct Tracked {
    entry: FileEntry,
    proved: bool,
    /// How often its hash was wrong.
    wrong: u32,
}

impl Incoming {
    pub(super) fn new(poll: &Poll) -> Result<Self, ManifestError> {
        let layout = Layout::new(poll.block_size, poll.manifest_length, &[])?;
        Ok(Self {
            block_size: poll.block_size,
            manifest: vec![0; poll.manifest_length as usize],
            manifest_sha256: poll.manifest_sha256,
            missing: Ranges::from_range(layout.manifest()),
            layout,
            files: None,
            proved: 0,
            proof: proof::NOTHING,
            bytes: 0,
            datagrams: 0,
            repeated: 0,
        })
    }

    /// Takes a block.
    pub(super) fn block(&mut self, block: u32, bytes: &[u8]) -> Progress {
        self.datagrams += 1;
        let place = self.layout.place(block);
        let Some(place) = place.filter(|place| usize::from(place.length) == bytes.len()) else {
            return Progress::Nothing;
        };
        if !self.missing.remove(block) {
            self.repeated += 1;
            return Progress::Nothing;
        }
        let Some(file) = place.file else {
            return self.manifest_block(place.offset, bytes);
        };
        self.bytes += bytes.len() as u64;
        let whole = !self.missing.overlaps(&self.layout.file(file));
        Progress::Stored {
            file,
            offset: place.offset,
            whole,
        }
    }

    /// Takes note of whether a file that was whole has the right hash.
    pub(super) fn verified(&mut self, number: usize, right: bool) -> Progress {
        let Some(file) = self.files.as_mut().and_then(|files| files.get_mut(number)) else {
            return Progress::Nothing;
        };
        if right {
            file.proved = true;
            let entry = file.entry.clone();
            self.extend_proof();
            return Progress::Proved(entry);
        }
        file.wrong += 1;
        if file.wrong >= MOST_WRONG {
            return Progress::Failed(format!(
                "`{}` arrived {MOST_WRONG} times with another hash than the sender named: has it changed while it was sent?",
                file.entry.name
            ));
        }
        self.bytes -= file.entry.length;
        self.missing.insert(self.layout.file(number));
        Progress::Nothing
    }

    /// The first ranges of blocks below `upto` that are missing.
    pub(super) fn missing_below(&mut self, upto: u32, most: usize) -> Vec<Range<u32>> {
        if self.files.is_none() {
            // Blocks beyond the manifest had to be dropped.
            self.missing.insert(self.layout.manifest().end..upto);
        }
        self.missing.within(&(0..upto)).take(most).collect()
    }

    /// How many files are proved from the first one on, and what proves them.
    pub(super) fn proof(&self) -> (u32, [u8; 32]) {
        (self.proved, self.proof)
    }

    /// Whether all files are proved.
    pub(super) fn whole(&self) -> bool {
        self.files
            .as_ref()
            .is_some_and(|files| files.iter().all(|file| file.proved))
    }

    /// What is missing, for people.
    pub(super) fn missing(&self) -> String {
        let Some(files) = &self.files else {
            return "the list of files has not arrived".into();
        };
        let lacking = |(number, file): (usize, &Tracked)| {
            let blocks = self.layout.file(number);
            let lacking = self.missing.count(&blocks);
            let all = blocks.end - blocks.start;
            (!file.proved).then(|| format!("{} ({lacking} of {all} blocks)", file.entry.name))
        };
        let lacking: Vec<String> = files.iter().enumerate().filter_map(lacking).collect();
        let more = match lacking.len().saturating_sub(MOST_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "missing {}{more}",
            lacking[..lacking.len().min(MOST_NAMED)].join(", ")
        )
    }

    pub(super) fn block_size(&self) -> u16 {
        self.block_size
    }

    /// Bytes of files received, and in all; `None` before these are known.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        self.files
            .as_ref()
            .map(|_| (self.bytes, self.layout.bytes()))
    }

    pub(super) fn summary(&self, seconds: f64) -> Summary {
        Summary {
            seconds,
            bytes: self.layout.bytes(),
            datagrams: self.datagrams,
            repeated: self.repeated,
        }
    }

    fn manifest_block(&mut self, offset: u64, bytes: &[u8]) -> Progress {
        let room = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.manifest.get_mut(offset..)?.get_mut(..bytes.len()));
        if let Some(room) = room {
            room.copy_from_slice(bytes);
        }
        if self.missing.overlaps(&self.layout.manifest()) {
            return Progress::Nothing;
        }
        if <[u8; 32]>::from(Sha256::digest(&self.manifest)) != self.manifest_sha256 {
            self.missing.insert(self.layout.manifest());
            return Progress::Nothing;
        }
        self.read_manifest()
            .unwrap_or_else(|error| Progress::Failed(error.to_string()))
    }

    fn read_manifest(&mut self) -> Result<Progress, ManifestError> {
        let files = manifest::decode(&self.manifest)?;
        let length = u32::try_from(self.manifest.len()).unwrap_or(u32::MAX);
        self.layout = Layout::new(self.block_size, length, &files)?;
        self.missing = Ranges::from_range(self.layout.manifest().end..self.layout.blocks());
        let track = |entry: &FileEntry| Tracked {
            entry: entry.clone(),
            proved: false,
            wrong: 0,
        };
        self.files = Some(files.iter().map(track).collect());
        let empty = |number: &usize| files[*number].length == 0;
        let empty = (0..files.len()).filter(empty).collect();
        Ok(Progress::Known { files, empty })
    }

    fn extend_proof(&mut self) {
        let files = self.files.as_deref().unwrap_or_default();
        let rest = files.get(self.proved as usize..).unwrap_or_default();
        for file in rest.iter().take_while(|file| file.proved) {
            self.proof = proof::extend(&self.proof, &file.entry.sha256);
            self.proved += 1;
        }
    }
}

/// After so many wrong hashes of one file the fault is not on the way.
const MOST_WRONG: u32 = 3;
/// How many missing files a message names.
const MOST_NAMED: usize = 5;
