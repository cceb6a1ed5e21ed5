//! What a broadcast session carries, and which bytes its numbered blocks hold.
//!
//! The manifest is the concatenation of one entry a file: length of the name `u8`, the name in UTF-8,
//! length of the file in bytes `u64` big-endian, SHA-256 of the file. The session's bytes are cut
//! into blocks of one size, numbered from 0: first the manifest's, then each file's in the manifest's
//! order. Each of them begins with a block of its own, so its last block may be short, and a file
//! without bytes has no block.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::name::FileName;

/// The longest manifest that a receiver accepts, in bytes.
pub const MAX_MANIFEST: u32 = 4 << 20;

/// A file of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name in the receivers' directories.
    pub name: FileName,
    /// Its length in bytes.
    pub length: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// Why files cannot be a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The bytes end in the middle of an entry.
    #[error("the manifest ends in the middle of an entry")]
    Cut,
    /// A file's name is none.
    #[error("the manifest names a file `{0}`, which is not a plain file name")]
    Name(String),
    /// Two files would have to have the same name.
    #[error("two files are named `{0}`; give one of them another name")]
    Twice(FileName),
    /// More entries than fit.
    #[error(
        "the names of all files need {0} bytes of manifest, more than {MAX_MANIFEST}; send fewer files at once"
    )]
    Names(usize),
    /// More blocks than there are numbers.
    #[error("the files have {0} blocks, more than there are numbers; send fewer or smaller files")]
    Blocks(u64),
    /// Blocks without bytes.
    #[error("a block of 0 bytes carries nothing")]
    BlockSize,
}

/// Where a block's bytes belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The file's number in the manifest; `None` is the manifest itself.
    pub file: Option<usize>,
    /// Offset of the first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u16,
}

/// Which bytes each block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    block_size: u16,
    manifest_length: u32,
    lengths: Vec<u64>,
    /// First block of each file, then the number of all blocks.
    starts: Vec<u32>,
}

/// Writes a manifest.
///
/// # Errors
/// [`ManifestError`] if two names are equal, or the manifest grows too long.
pub fn encode(files: &[FileEntry]) -> Result<Vec<u8>, ManifestError> {
    refuse_twins(files)?;
    let mut out = Vec::new();
    for file in files {
        let name = file.name.as_str().as_bytes();
        // A file name has at most 255 bytes.
        out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(name);
        out.extend(file.length.to_be_bytes());
        out.extend(file.sha256);
    }
    match out.len() {
        length if length > MAX_MANIFEST as usize => Err(ManifestError::Names(length)),
        _ => Ok(out),
    }
}

/// Reads a manifest.
///
/// # Errors
/// [`ManifestError`] if it was not written by [`encode`].
pub fn decode(mut bytes: &[u8]) -> Result<Vec<FileEntry>, ManifestError> {
    let mut files = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let (name, rest) = rest
            .split_at_checked(length.into())
            .ok_or(ManifestError::Cut)?;
        let (length, rest) = rest.split_first_chunk().ok_or(ManifestError::Cut)?;
        let (sha256, rest) = rest.split_first_chunk().ok_or(ManifestError::Cut)?;
        let name = String::from_utf8_lossy(name);
        files.push(FileEntry {
            name: name
                .parse()
                .map_err(|_| ManifestError::Name(name.escape_debug().to_string()))?,
            length: u64::from_be_bytes(*length),
            sha256: *sha256,
        });
        bytes = rest;
    }
    refuse_twins(&files)?;
    Ok(files)
}

impl Layout {
    /// Numbers the blocks of a session.
    ///
    /// # Errors
    /// [`ManifestError::Blocks`] if there are more than fit a `u32`.
    pub fn new(
        block_size: u16,
        manifest_length: u32,
        files: &[FileEntry],
    ) -> Result<Self, ManifestError> {
        if block_size == 0 {
            return Err(ManifestError::BlockSize);
        }
        let size = u64::from(block_size);
        let mut next = u64::from(manifest_length).div_ceil(size);
        let mut starts = Vec::with_capacity(files.len() + 1);
        for length in files.iter().map(|file| file.length).chain([0]) {
            starts.push(u32::try_from(next).map_err(|_| ManifestError::Blocks(next))?);
            next = next.saturating_add(length.div_ceil(size));
        }
        let lengths = files.iter().map(|file| file.length).collect();
        Ok(Self {
            block_size,
            manifest_length,
            lengths,
            starts,
        })
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The manifest's blocks.
    pub fn manifest(&self) -> Range<u32> {
        0..self.starts.first().copied().unwrap_or_default()
    }

    /// A file's blocks; none for a number that no file has.
    pub fn file(&self, file: usize) -> Range<u32> {
        match self.starts.get(file..=file + 1) {
            Some(&[start, end]) => start..end,
            _ => 0..0,
        }
    }

    /// Where a block's bytes belong, or `None` if there is no such block.
    pub fn place(&self, block: u32) -> Option<Place> {
        if block >= self.blocks() {
            return None;
        }
        let file = self
            .starts
            .partition_point(|&start| start <= block)
            .checked_sub(1);
        let (start, whole) = match file {
            Some(file) => (self.starts[file], self.lengths[file]),
            None => (0, self.manifest_length.into()),
        };
        let offset = u64::from(block - start) * u64::from(self.block_size);
        let rest = u16::try_from(whole - offset).unwrap_or(u16::MAX);
        Some(Place {
            file,
            offset,
            length: rest.min(self.block_size),
        })
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.lengths.iter().sum()
    }
}

fn refuse_twins(files: &[FileEntry]) -> Result<(), ManifestError> {
    let mut names = BTreeSet::new();
    match files.iter().find(|file| !names.insert(&file.name)) {
        Some(twin) => Err(ManifestError::Twice(twin.name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sessions() -> impl Strategy<Value = Vec<FileEntry>> {
        proptest::collection::btree_map("[a-zé]{1,9}", (0..5000_u64, any::<[u8; 32]>()), 0..6)
            .prop_map(|files| {
                let entry = |(name, (length, sha256)): (String, _)| FileEntry {
                    name: name.parse().unwrap(),
                    length,
                    sha256,
                };
                files.into_iter().map(entry).collect()
            })
    }

    proptest! {
        #[test]
        fn a_manifest_is_read_as_it_was_written(files in sessions()) {
            let bytes = encode(&files).unwrap();
            prop_assert_eq!(decode(&bytes), Ok(files));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }

        #[test]
        fn the_blocks_hold_every_byte_once(files in sessions(), size in 1..2000_u16) {
            let manifest = u32::try_from(encode(&files).unwrap().len()).unwrap();
            let layout = Layout::new(size, manifest, &files).unwrap();
            let mut held = vec![0; files.len()];
            let mut of_manifest = 0;
            for block in 0..layout.blocks() {
                let place = layout.place(block).unwrap();
                prop_assert!(place.length > 0 && place.length <= size);
                let so_far = match place.file {
                    Some(file) => {
                        prop_assert!(layout.file(file).contains(&block));
                        &mut held[file]
                    }
                    None => &mut of_manifest,
                };
                prop_assert_eq!(*so_far, place.offset);
                *so_far += u64::from(place.length);
            }
            prop_assert_eq!(of_manifest, u64::from(manifest));
            prop_assert_eq!(held, files.iter().map(|file| file.length).collect::<Vec<_>>());
            prop_assert_eq!(layout.place(layout.blocks()), None);
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let mut bytes = vec![4];
        bytes.extend(b"../x");
        bytes.extend([0; 40]);
        assert_eq!(decode(&bytes), Err(ManifestError::Name("../x".into())));
    }

    #[test]
    fn more_blocks_than_numbers_are_refused() {
        let huge = FileEntry {
            name: "x".parse().unwrap(),
            length: 1 << 40,
            sha256: [0; 32],
        };
        assert!(matches!(
            Layout::new(100, 52, &[huge]),
            Err(ManifestError::Blocks(_))
        ));
    }
}
