//! Compares the files that each node was to receive with those in its folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use protocol::name::{FileName, NodeName};

use crate::report::model::{FileOutcome, FileReport};

use super::bytes::{self, CompareError, Comparison};

/// The files that a node was to receive, and the folder on this machine that holds those it received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The node.
    pub node: NodeName,
    /// The originals by the names under which they were to arrive.
    pub expected: BTreeMap<FileName, PathBuf>,
    /// The folder that holds all that arrived; one that is not there is empty.
    pub folder: PathBuf,
}

/// Why files could not be compared. The path is the file's or folder's.
#[derive(Debug, thiserror::Error)]
#[error("comparing files: {path}: {source}")]
pub struct FilesError {
    /// Which file or folder.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

/// Compares every expected file at every node and names what nobody sent. Each original is read
/// once, however many nodes have a copy. The reports are in the order of the deliveries; for each
/// the expected files come first, then the extra ones, by name.
///
/// # Errors
/// [`FilesError`] if an original or a copy that is there cannot be read.
pub fn verify(deliveries: &[Delivery]) -> Result<Vec<FileReport>, FilesError> {
    let mut places: BTreeMap<&Path, Vec<(usize, &FileName)>> = BTreeMap::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        for (name, original) in &delivery.expected {
            places.entry(original).or_default().push((place, name));
        }
    }
    let mut compared = BTreeMap::new();
    for (original, copies) in places {
        // More files are never open at once than this, however many nodes there are.
        for copies in copies.chunks(OPEN_AT_ONCE) {
            let found = compare_copies(original, copies, deliveries)?;
            compared.extend(copies.iter().copied().zip(found));
        }
    }
    let mut reports = Vec::new();
    for (place, delivery) in deliveries.iter().enumerate() {
        for name in delivery.expected.keys() {
            if let Some(found) = compared.remove(&(place, name)) {
                reports.push(report(&delivery.node, name.as_str(), found));
            }
        }
        reports.extend(extra_files(delivery)?);
    }
    Ok(reports)
}

fn compare_copies(
    original: &Path,
    copies: &[(usize, &FileName)],
    deliveries: &[Delivery],
) -> Result<Vec<Comparison>, FilesError> {
    let path = |(place, name): (usize, &FileName)| deliveries[place].folder.join(name.as_str());
    let opened = copies
        .iter()
        .map(|&copy| open_copy(&path(copy)))
        .collect::<Result<_, _>>()?;
    let mut file = File::open(original).map_err(at(original))?;
    bytes::compare(&mut file, opened).map_err(|error| match error {
        CompareError::Original(source) => at(original)(source),
        CompareError::Copy(place, source) => at(&path(copies[place]))(source),
    })
}

/// Opens a copy. One that is not a regular file counts as not there: its entry is named as extra.
fn open_copy(path: &Path) -> Result<Option<File>, FilesError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => File::open(path).map(Some).map_err(at(path)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

fn extra_files(delivery: &Delivery) -> Result<Vec<FileReport>, FilesError> {
    let folder = &delivery.folder;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(folder)(error)),
    };
    let expected: BTreeSet<&str> = delivery.expected.keys().map(FileName::as_str).collect();
    let mut extra = Vec::new();
    for entry in entries {
        let entry = entry.map_err(at(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let regular = entry.file_type().map_err(at(folder))?.is_file();
        if !(regular && expected.contains(name.as_str())) {
            let content = if regular {
                Some(digest(&entry.path())?)
            } else {
                None
            };
            extra.push(extra_report(&delivery.node, name, content));
        }
    }
    extra.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(extra)
}

fn digest(path: &Path) -> Result<(String, u64), FilesError> {
    File::open(path)
        .and_then(|mut file| bytes::digest(&mut file))
        .map_err(at(path))
}

pub(super) fn report(node: &NodeName, name: &str, found: Comparison) -> FileReport {
    FileReport {
        node: node.to_string(),
        name: name.to_owned(),
        bytes: found.bytes,
        bytes_received: found.bytes_received,
        sha256_sent: Some(found.sha256_sent),
        sha256_received: found.sha256_received,
        outcome: found.outcome,
        first_difference: found.first_difference,
        missing: found.missing,
        kept: None,
        received_as: None,
        note: None,
    }
}

pub(super) fn extra_report(
    node: &NodeName,
    name: String,
    content: Option<(String, u64)>,
) -> FileReport {
    let (sha256, length) = content.unzip();
    FileReport {
        node: node.to_string(),
        name,
        bytes: 0,
        bytes_received: length,
        sha256_sent: None,
        sha256_received: sha256,
        outcome: FileOutcome::Extra,
        first_difference: None,
        missing: Vec::new(),
        kept: None,
        received_as: None,
        note: None,
    }
}

pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> FilesError + use<> {
    let path = path.to_owned();
    move |source| FilesError {
        path: path.clone(),
        source,
    }
}

/// Files open at once besides the original.
const OPEN_AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(node: &str, expected: &[(&str, &Path)], folder: PathBuf) -> Delivery {
        let named = |(name, path): &(&str, &Path)| (name.parse().unwrap(), path.to_path_buf());
        Delivery {
            node: node.parse().unwrap(),
            expected: expected.iter().map(named).collect(),
            folder,
        }
    }

    #[test]
    fn every_file_at_every_node_is_named_with_what_became_of_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["one", "two/sub"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("a"), b"the first file").unwrap();
        fs::write(at("b"), b"the second file").unwrap();
        fs::write(at("one/a"), b"the first file").unwrap();
        fs::write(at("one/b"), b"the sec").unwrap();
        fs::write(at("two/a"), b"the worst file").unwrap();
        fs::write(at("two/z"), b"nobody sent this").unwrap();

        let (a, b) = (at("a"), at("b"));
        let expected: [(&str, &Path); 2] = [("a", &a), ("b", &b)];
        let found = verify(&[
            delivery("n-1", &expected, at("one")),
            delivery("n-2", &expected, at("two")),
            delivery("n-3", &expected[..1], at("three")),
        ])
        .unwrap();

        let short: Vec<_> = found
            .iter()
            .map(|f| (f.node.as_str(), f.name.as_str(), f.outcome))
            .collect();
        assert_eq!(
            short,
            [
                ("n-1", "a", FileOutcome::Equal),
                ("n-1", "b", FileOutcome::Cut),
                ("n-2", "a", FileOutcome::Changed),
                ("n-2", "b", FileOutcome::Missing),
                ("n-2", "sub", FileOutcome::Extra),
                ("n-2", "z", FileOutcome::Extra),
                ("n-3", "a", FileOutcome::Missing),
            ]
        );
        assert_eq!(found[2].missing, [(4, 6)]);
        assert_eq!(found[5].bytes_received, Some(16));
    }

    #[test]
    fn a_link_to_the_original_is_no_copy() {
        let root = tempfile::tempdir().unwrap();
        let original = root.path().join("a");
        let folder = root.path().join("one");
        fs::write(&original, b"bytes").unwrap();
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&original, folder.join("a")).unwrap();
        let found = verify(&[delivery("n", &[("a", &original)], folder)]).unwrap();
        let outcomes: Vec<_> = found.iter().map(|f| f.outcome).collect();
        assert_eq!(outcomes, [FileOutcome::Missing, FileOutcome::Extra]);
    }

    #[test]
    fn an_original_that_is_gone_is_named() {
        let root = tempfile::tempdir().unwrap();
        let gone = root.path().join("gone");
        let error = verify(&[delivery("n", &[("a", &gone)], root.path().join("x"))]).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
        assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
    }
}
