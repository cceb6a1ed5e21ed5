//! The contents of a broadcast session.
//!
//! The manifest is the concatenation of one entry a file: length of the name `u8`, the name in UTF-8,
//! length of the file in bytes `u64`. Hashes are not in it: a sender reads its files only once, while
//! it sends them, and each file's hash goes with its last block.

use std::collections::BTreeSet;

use super::layout::BLOCK;
use crate::name::FileName;

/// The longest manifest that a receiver accepts, in bytes.
pub const MAX_MANIFEST: u32 = 4 << 20;

/// The longest file, in bytes: more blocks than fit a session's numbers follow from none.
pub const MAX_FILE: u64 = 1 << 50;

/// A file of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name in the receivers' directories.
    pub name: FileName,
    /// Its length in bytes.
    pub length: u64,
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
    #[error(
        "the files have more blocks of {BLOCK} bytes than there are numbers; send fewer at once"
    )]
    Blocks,
    /// Symbols that no sender of this format has.
    #[error("symbols of {0} bytes; they must be even and not too short")]
    SymbolSize(u16),
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
        let name = String::from_utf8_lossy(name);
        files.push(FileEntry {
            name: name
                .parse()
                .map_err(|_| ManifestError::Name(name.escape_debug().to_string()))?,
            length: u64::from_be_bytes(*length),
        });
        bytes = rest;
    }
    refuse_twins(&files)?;
    Ok(files)
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

    proptest! {
        #[test]
        fn a_manifest_is_read_as_it_was_written(
            files in proptest::collection::btree_map("[a-zé]{1,9}", any::<u64>(), 0..6),
        ) {
            let entry = |(name, length): (String, u64)| FileEntry {
                name: name.parse().unwrap(),
                length,
            };
            let files: Vec<FileEntry> = files.into_iter().map(entry).collect();
            prop_assert_eq!(decode(&encode(&files).unwrap()), Ok(files));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let mut bytes = vec![4];
        bytes.extend(b"../x");
        bytes.extend([0; 8]);
        assert_eq!(decode(&bytes), Err(ManifestError::Name("../x".into())));
    }
}
