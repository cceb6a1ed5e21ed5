//! A portable project: a zip archive with `project.gns3` at its root and the nodes' files below
//! `project-files`. Written deflated, for every GNS3 reads that; read also where 3.x wrote it with zstd.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The entry that makes a zip archive a project.
pub const PROJECT: &str = "project.gns3";

/// Files by their paths in an archive.
pub type Entries = BTreeMap<String, Vec<u8>>;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a zip archive, or a damaged one.
    #[error("this is no sound zip archive: {0}")]
    Zip(#[from] ZipError),
    /// An entry could not be unpacked.
    #[error("unpacking {entry}: {source}")]
    Unpack {
        /// The entry.
        entry: String,
        /// Why.
        source: io::Error,
    },
    /// An entry that would be written outside the project's folder.
    #[error("its entry `{0}` leads out of the project's folder; no GNS3 writes such an archive")]
    ClimbsOut(String),
    /// Two entries with one name.
    #[error("its entry `{0}` is there twice, and nobody can tell which one holds")]
    Twice(String),
    /// More than a project of texts can hold.
    #[error("its entry `{entry}` unpacks to more than {limit} bytes; a project has no such file")]
    Bomb {
        /// The entry.
        entry: String,
        /// The most that is taken.
        limit: u64,
    },
    /// More entries than a project has.
    #[error("it has {0} entries; a project has no more than {ENTRIES}")]
    Crowd(usize),
    /// No project in it.
    #[error("it has no `{PROJECT}`; name an archive that GNS3 exported")]
    NoProject,
}

/// Packs files, the project first. The same files give the same bytes: no time, no owner.
///
/// # Errors
/// If a name is too long for an archive, or it grows beyond what one can hold.
pub fn pack(entries: &Entries) -> Result<Vec<u8>, ArchiveError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    let first = entries.get_key_value(PROJECT);
    let rest = entries.iter().filter(|(name, _)| *name != PROJECT);
    for (name, bytes) in first.into_iter().chain(rest) {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(bytes).map_err(ZipError::from)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Unpacks those files that are wanted into memory, the project always among them.
///
/// # Errors
/// [`ArchiveError`], also where an entry that is not wanted has a name or a size that none should have.
pub fn unpack(
    mut archive: impl Read + Seek,
    wanted: impl Fn(&str) -> bool,
) -> Result<Entries, ArchiveError> {
    let directory = ZipArchive::new(&mut archive)?.central_directory_start();
    each_once(&mut archive, directory)?;
    let mut zip = ZipArchive::new(archive)?;
    if zip.len() > ENTRIES {
        return Err(ArchiveError::Crowd(zip.len()));
    }
    let mut entries = Entries::new();
    let mut left = ALL;
    for index in 0..zip.len() {
        let mut file = zip.by_index(index)?;
        let name = file.name()?.into_owned();
        if file.enclosed_name().is_none() || climbs(&name) || file.is_symlink() {
            return Err(ArchiveError::ClimbsOut(name));
        }
        if file.size() > RATIO.saturating_mul(file.compressed_size()).max(LARGEST) {
            return Err(ArchiveError::Bomb {
                entry: name,
                limit: LARGEST,
            });
        }
        if file.is_dir() || (name != PROJECT && !wanted(&name)) {
            continue;
        }
        let limit = LARGEST.min(left);
        let mut bytes = Vec::new();
        let read = (&mut file).take(limit + 1).read_to_end(&mut bytes);
        if let Err(source) = read {
            return Err(ArchiveError::Unpack {
                entry: name,
                source,
            });
        }
        let length = bytes.len() as u64;
        if length > limit {
            return Err(ArchiveError::Bomb { entry: name, limit });
        }
        left -= length;
        entries.insert(name, bytes);
    }
    if entries.contains_key(PROJECT) {
        Ok(entries)
    } else {
        Err(ArchiveError::NoProject)
    }
}

/// Reads the archive's directory (APPNOTE.TXT §4.3.12), for `zip` takes the last of several entries with one
/// name, and other programs another.
fn each_once(archive: &mut (impl Read + Seek), directory: u64) -> Result<(), ArchiveError> {
    let unsound = |error: io::Error| ArchiveError::Zip(error.into());
    archive.seek(SeekFrom::Start(directory)).map_err(unsound)?;
    let mut reader = BufReader::new(archive);
    let mut names = BTreeSet::new();
    loop {
        let mut header = [0; 46];
        match reader.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read.map_err(unsound)?,
        }
        if header[..4] != *b"PK\x01\x02" {
            return Ok(());
        }
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let mut name = vec![0; length(28)];
        reader.read_exact(&mut name).map_err(unsound)?;
        let beyond = length(30) + length(32);
        let beyond = i64::try_from(beyond).unwrap_or(i64::MAX);
        reader.seek_relative(beyond).map_err(unsound)?;
        if let Some(twice) = names.replace(name) {
            let name = String::from_utf8_lossy(&twice).into_owned();
            return Err(ArchiveError::Twice(name));
        }
    }
}

/// Whether a name leads anywhere but down. `zip` keeps a name from climbing out on balance; no part of it
/// shall climb at all, nor name a drive.
fn climbs(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    name.starts_with(['/', '\\']) || name.contains(['\0', ':']) || parts.any(|part| part == "..")
}

/// Far more than the files of a large lab.
const ENTRIES: usize = 100_000;

/// The largest file that is unpacked, in bytes, and what a packed disk image may be without question.
const LARGEST: u64 = 64 << 20;

/// All that is unpacked, in bytes.
const ALL: u64 = 256 << 20;

/// The largest ratio of an entry's length to its packed length.
const RATIO: u64 = 1024;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn zip(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let options = SimpleFileOptions::default().compression_method(method);
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn refusal(bytes: Vec<u8>) -> ArchiveError {
        unpack(Cursor::new(bytes), |_| true).unwrap_err()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_the_same_each_time() {
        let entries = Entries::from([
            ("a".to_owned(), b"first in the alphabet".to_vec()),
            (PROJECT.to_owned(), b"{}".to_vec()),
        ]);
        let bytes = pack(&entries).unwrap();
        assert_eq!(bytes, pack(&entries).unwrap());
        assert_eq!(&bytes[30..42], PROJECT.as_bytes(), "the project is first");
        assert_eq!(unpack(Cursor::new(bytes), |_| true).unwrap(), entries);
    }

    #[test]
    fn archives_of_every_compression_that_gnss_servers_offer_are_read() {
        for method in [
            CompressionMethod::Stored,
            CompressionMethod::Deflated,
            CompressionMethod::Bzip2,
            CompressionMethod::Zstd,
        ] {
            let bytes = zip(&[(PROJECT, b"{}")], method);
            let entries = unpack(Cursor::new(bytes), |_| false).unwrap();
            assert_eq!(entries[PROJECT], b"{}", "{method}");
        }
    }

    #[test]
    fn what_climbs_out_is_refused() {
        for name in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a\\..\\x",
            "C:\\x",
            "a/../x",
        ] {
            let bytes = zip(&[(PROJECT, b"{}"), (name, b"")], CompressionMethod::Stored);
            let error = refusal(bytes);
            assert!(
                matches!(error, ArchiveError::ClimbsOut(_)),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn bombs_are_refused_whether_they_are_wanted_or_not() {
        let zeroes = vec![0; usize::try_from(LARGEST).unwrap() + 1];
        let bytes = zip(
            &[(PROJECT, b"{}"), ("images/x", &zeroes)],
            CompressionMethod::Zstd,
        );
        for wanted in [true, false] {
            let error = unpack(Cursor::new(bytes.clone()), |_| wanted).unwrap_err();
            assert!(matches!(error, ArchiveError::Bomb { .. }), "{error}");
        }
    }

    #[test]
    fn an_entry_that_is_there_twice_is_refused() {
        let entries: [(&str, &[u8]); 3] = [(PROJECT, b"{}"), ("one", b"1"), ("two", b"2")];
        let mut bytes = zip(&entries, CompressionMethod::Stored);
        for at in 0..bytes.len() - 3 {
            if bytes[at..at + 3] == *b"two" {
                bytes[at..at + 3].copy_from_slice(b"one");
            }
        }
        assert!(matches!(refusal(bytes), ArchiveError::Twice(name) if name == "one"));
    }

    #[test]
    fn what_is_no_project_is_refused() {
        assert!(matches!(refusal(b"no zip".to_vec()), ArchiveError::Zip(_)));
        let other = zip(&[("x", b"")], CompressionMethod::Stored);
        assert!(matches!(refusal(other), ArchiveError::NoProject));
    }
}
