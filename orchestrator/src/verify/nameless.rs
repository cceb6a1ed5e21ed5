//! Compares contents that came without names with the files that were sent: which file is it, and is it
//! whole?

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use protocol::name::{FileName, NodeName};

use crate::number::{count, counted};
use crate::report::model::{FileOutcome, FileReport};

use super::bytes::{self, CompareError};
use super::files::{FilesError, at, extra_report, report};

/// The files that a node was sent, and the place on this machine of those it stored.
#[derive(Debug, Clone)]
pub struct Nameless {
    /// The node.
    pub node: NodeName,
    /// The originals by their names.
    pub expected: BTreeMap<FileName, PathBuf>,
    /// The folder that holds all that the node stored; one that is not there is empty.
    pub folder: PathBuf,
    /// The way it stored them.
    pub stored: Stored,
}

/// The way a node stores contents that come without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Each datagram as a file of its own, numbered as they came, cut to this many bytes.
    Numbered(u64),
    /// All as one file of this name.
    Appended(FileName),
}

/// Finds each original among what the node stored, in their order, then names what is none of them.
///
/// # Errors
/// [`FilesError`] if an original or what is there cannot be read.
pub fn verify(sent: &Nameless) -> Result<Vec<FileReport>, FilesError> {
    match &sent.stored {
        Stored::Numbered(buffer) => numbered(sent, *buffer),
        Stored::Appended(name) => appended(sent, name),
    }
}

/// Each datagram is a file whole, or the beginning of one that was cut; which, its bytes tell.
fn numbered(sent: &Nameless, buffer: u64) -> Result<Vec<FileReport>, FilesError> {
    let mut arrived = stored(&sent.folder)?;
    let mut found: BTreeMap<&FileName, String> = BTreeMap::new();
    for fits in [is_whole as fn(&[u8], &[u8]) -> bool, is_cut] {
        for (name, original) in &sent.expected {
            if found.contains_key(name) {
                continue;
            }
            let beginning = beginning(original)?;
            let place = arrived
                .iter()
                .position(|(_, bytes)| fits(bytes, &beginning));
            if let Some(place) = place {
                found.insert(name, arrived.remove(place).0);
            }
        }
    }
    let mut reports = Vec::new();
    for (name, original) in &sent.expected {
        let mut report = compared(sent, name, original, found.remove(name))?;
        if report.outcome == FileOutcome::Cut {
            let text = "what did not fit into the receiver's buffer of";
            report.note = Some(format!("{text} {} is lost", counted(buffer, "byte")));
        }
        reports.push(report);
    }
    reports.extend(arrived.into_iter().map(|(name, _)| extra(sent, name)));
    Ok(reports)
}

/// All bytes are in one file, without a mark where one original ends.
fn appended(sent: &Nameless, name: &FileName) -> Result<Vec<FileReport>, FilesError> {
    let mut others = stored(&sent.folder)?;
    let place = others
        .iter()
        .position(|(stored, _)| *stored == name.as_str());
    let bytes = place.map(|place| others.remove(place).1);
    let bytes = bytes.filter(|bytes| !bytes.is_empty());
    let stored_as = bytes.as_ref().map(|_| name.to_string());
    let originals = sent.expected.iter();
    let originals: Vec<_> = originals
        .map(|(name, path)| Ok((name, path, fs::read(path).map_err(at(path))?)))
        .collect::<Result<_, FilesError>>()?;
    let all: u64 = originals
        .iter()
        .map(|(_, _, original)| original.len() as u64)
        .sum();
    let whole = originals
        .iter()
        .find(|(_, _, original)| bytes.as_ref() == Some(original));
    let whole = whole.map(|(name, _, _)| (*name).clone());
    let alone = originals.len() == 1;
    let mut reports = Vec::new();
    for (original_name, path, original) in &originals {
        let is_it = alone || whole.as_ref() == Some(*original_name);
        let stored_as = stored_as.clone().filter(|_| is_it || whole.is_none());
        let mut report = compared(sent, original_name, path, stored_as)?;
        if let Some(bytes) = bytes.as_ref().filter(|_| !is_it && whole.is_none()) {
            report.outcome = FileOutcome::Mixed;
            (report.first_difference, report.missing) = (None, Vec::new());
            report.note = Some(mixed(bytes, original, name, all));
        } else if let Some(there) = report.bytes_received.filter(|there| *there < report.bytes) {
            let lost = counted(report.bytes - there, "byte");
            report.note = Some(format!("{lost} did not come, and nothing says which"));
        }
        reports.push(report);
    }
    reports.extend(others.into_iter().map(|(name, _)| extra(sent, name)));
    Ok(reports)
}

/// Describes how a file's bytes lie in one that holds those of others too.
fn mixed(bytes: &[u8], original: &[u8], name: &FileName, all: u64) -> String {
    let there = bytes.len() as u64;
    let lost = match all.saturating_sub(there) {
        0 => String::new(),
        lost => format!("; {} of all did not come", counted(lost, "byte")),
    };
    match memchr::memmem::find(bytes, original) {
        Some(place) => format!(
            "it lies at byte {} of {name}, and nothing says where it begins or ends{lost}",
            count(place as u64)
        ),
        None => format!(
            "its bytes are among the {} of {name}, and nothing tells them from the others{lost}",
            count(there)
        ),
    }
}

fn compared(
    sent: &Nameless,
    name: &FileName,
    original: &Path,
    stored_as: Option<String>,
) -> Result<FileReport, FilesError> {
    let mut file = File::open(original).map_err(at(original))?;
    let copy = stored_as.as_ref().map(|stored| sent.folder.join(stored));
    let opened = copy.as_ref().map(|path| File::open(path).map_err(at(path)));
    let found = bytes::compare(&mut file, vec![opened.transpose()?]);
    let found = found.map_err(|error| match error {
        CompareError::Copy(_, source) => at(copy.as_deref().unwrap_or(original))(source),
        CompareError::Original(source) => at(original)(source),
    })?;
    let absent = || at(original)(io::ErrorKind::NotFound.into());
    let found = found.into_iter().next().ok_or_else(absent)?;
    let mut report = report(&sent.node, name.as_str(), found);
    report.received_as = stored_as;
    Ok(report)
}

fn extra(sent: &Nameless, name: String) -> FileReport {
    let content = File::open(sent.folder.join(&name)).and_then(|mut file| bytes::digest(&mut file));
    // It was read a moment ago; that it is there is what counts.
    extra_report(&sent.node, name, content.ok())
}

/// Returns the contents of a folder, in the order of its numbers.
fn stored(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, FilesError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(at(folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(at(folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        found.push((name, fs::read(&path).map_err(at(&path))?));
    }
    // img2 comes before img10.
    found.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    Ok(found)
}

/// A file as far as a datagram could hold it, and a byte more.
fn beginning(path: &Path) -> Result<Vec<u8>, FilesError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(at(path))?;
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(at(path))?;
    Ok(bytes)
}

fn is_whole(stored: &[u8], original: &[u8]) -> bool {
    stored == original
}

fn is_cut(stored: &[u8], original: &[u8]) -> bool {
    !stored.is_empty() && original.starts_with(stored)
}

/// No datagram is longer, in bytes.
const LONGEST: u64 = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    struct Lab {
        root: tempfile::TempDir,
        sent: Nameless,
    }

    impl Lab {
        fn new(originals: &[(&str, &[u8])], stored: &[(&str, &[u8])], how: Stored) -> Self {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("stored");
            fs::create_dir(&folder).unwrap();
            for (name, bytes) in stored {
                fs::write(folder.join(name), bytes).unwrap();
            }
            let expected = originals.iter().map(|(name, bytes)| {
                let path = root.path().join(name);
                fs::write(&path, bytes).unwrap();
                (name.parse().unwrap(), path)
            });
            let sent = Nameless {
                node: "n".parse().unwrap(),
                expected: expected.collect(),
                folder,
                stored: how,
            };
            Self { root, sent }
        }

        fn found(&self) -> Vec<(String, FileOutcome, Option<String>)> {
            assert!(self.root.path().exists());
            let found = verify(&self.sent).unwrap().into_iter();
            found.map(|f| (f.name, f.outcome, f.received_as)).collect()
        }

        fn notes(&self) -> Vec<String> {
            let found = verify(&self.sent).unwrap().into_iter();
            found.map(|file| file.note.unwrap_or_default()).collect()
        }
    }

    fn line(
        name: &str,
        outcome: FileOutcome,
        stored: &str,
    ) -> (String, FileOutcome, Option<String>) {
        let stored = (!stored.is_empty()).then(|| stored.to_owned());
        (name.to_owned(), outcome, stored)
    }

    #[test]
    fn a_datagram_is_known_by_its_bytes() {
        let originals: [(&str, &[u8]); 5] = [
            ("a", b"same beginning"),
            ("b", b"same beginning and more"),
            ("c", b"lost"),
            ("d", b"abcdefgh"),
            ("e", b""),
        ];
        let stored: [(&str, &[u8]); 5] = [
            ("img10.jpg", b"abcde"),
            ("img2.jpg", b"same beginning"),
            ("img1.jpg", b"same beginning and more"),
            ("img3.jpg", b"foreign"),
            ("img4.jpg", b""),
        ];
        let lab = Lab::new(&originals, &stored, Stored::Numbered(5));
        assert_eq!(
            lab.found(),
            [
                line("a", FileOutcome::Equal, "img2.jpg"),
                line("b", FileOutcome::Equal, "img1.jpg"),
                line("c", FileOutcome::Missing, ""),
                line("d", FileOutcome::Cut, "img10.jpg"),
                line("e", FileOutcome::Equal, "img4.jpg"),
                line("img3.jpg", FileOutcome::Extra, ""),
            ]
        );
        assert!(
            lab.notes()[3].contains("buffer of 5 bytes"),
            "{:?}",
            lab.notes()
        );
    }

    #[test]
    fn equal_originals_are_found_once_each() {
        let originals: [(&str, &[u8]); 2] = [("a", b"same"), ("b", b"same")];
        let lab = Lab::new(&originals, &[("img1.jpg", b"same")], Stored::Numbered(9));
        let expected = [
            line("a", FileOutcome::Equal, "img1.jpg"),
            line("b", FileOutcome::Missing, ""),
        ];
        assert_eq!(lab.found(), expected);
    }

    fn one_file(originals: &[(&str, &[u8])], bytes: &[u8]) -> Lab {
        let how = Stored::Appended("server1.jpg".parse().unwrap());
        Lab::new(originals, &[("server1.jpg", bytes)], how)
    }

    #[test]
    fn one_file_alone_is_told_whole_or_not() {
        let original: [(&str, &[u8]); 1] = [("a", b"abcdef")];
        for (bytes, outcome) in [
            (&b"abcdef"[..], FileOutcome::Equal),
            (b"abc", FileOutcome::Cut),
            (b"abdef", FileOutcome::Changed),
        ] {
            let found = one_file(&original, bytes).found();
            assert_eq!(found, [line("a", outcome, "server1.jpg")]);
        }
        let lab = one_file(&original, b"abdef");
        assert!(
            lab.notes()[0].starts_with("1 byte did not come"),
            "{:?}",
            lab.notes()
        );
        assert_eq!(
            one_file(&original, b"").found(),
            [line("a", FileOutcome::Missing, "")]
        );
    }

    #[test]
    fn several_files_in_one_cannot_be_told_apart() {
        let originals: [(&str, &[u8]); 2] = [("a", b"abcdef"), ("b", b"123456")];
        let mixed = |name| line(name, FileOutcome::Mixed, "server1.jpg");
        let behind = one_file(&originals, b"123456abcdef");
        assert_eq!(behind.found(), [mixed("a"), mixed("b")]);
        assert!(
            behind.notes()[0].contains("at byte 6 of server1.jpg"),
            "{:?}",
            behind.notes()
        );
        let between = one_file(&originals, b"1a2b3c4d5e6");
        assert_eq!(between.found(), [mixed("a"), mixed("b")]);
        let note = &between.notes()[0];
        assert!(
            note.contains("nothing tells them") && note.ends_with("1 byte of all did not come")
        );
        let only_one = one_file(&originals, b"123456");
        let missing = line("a", FileOutcome::Missing, "");
        let equal = line("b", FileOutcome::Equal, "server1.jpg");
        assert_eq!(only_one.found(), [missing, equal]);
    }
}
