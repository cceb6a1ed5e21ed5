//! The write-ahead list of a lab's resources. Its first line says where the lab was raised. One JSON line for each
//! resource follows, which is on disk before the resource exists.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use plumbing::folder::Folder;
use serde::{Deserialize, Serialize};

use crate::backend::{BackendError, BackendErrorKind, BackendKind, Ledger, Origin, Resource};

use super::LabError;
use super::state::failed;

/// A ledger in a file.
#[derive(Debug)]
pub struct FileLedger {
    backend: BackendKind,
    path: PathBuf,
    file: Mutex<File>,
}

/// The content of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The place where the lab was raised.
    pub origin: Origin,
    /// The resources, in the order in which they were recorded.
    pub resources: Vec<Resource>,
}

/// A ledger's first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    origin: Origin,
}

/// Makes the ledger at `path`, of a lab of which nothing exists yet.
pub(super) fn begin(path: &Path, origin: &Origin) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Head {
        origin: origin.clone(),
    })?;
    line.push(b'\n');
    let mut file = OpenOptions::new().create_new(true).write(true).open(path)?;
    file.write_all(&line)?;
    file.sync_data()
}

/// Reads the ledger at `path`. A torn last line stands for a resource that was not made yet.
///
/// # Errors
/// If it cannot be read, does not begin as our ledgers do, or has a line that is not understood.
pub fn read(path: &Path) -> Result<Listed, LabError> {
    let (head, lines) = open(path)?;
    let lines = lines.lines().map(serde_json::from_str);
    let resources = lines.collect::<Result<_, _>>();
    Ok(Listed {
        origin: head.origin,
        resources: resources.map_err(|error| failed("reading", path, error.into()))?,
    })
}

/// Whether the file at `path` begins as our ledgers do.
pub(super) fn is_ours(path: &Path) -> bool {
    open(path).is_ok()
}

/// Returns a ledger's first line, and the other lines that are complete.
fn open(path: &Path) -> Result<(Head, String), LabError> {
    let reading = |error| failed("reading", path, error);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(reading(ErrorKind::NotFound.into()));
    };
    let bytes = Folder::open(folder).and_then(|folder| folder.read(name, LONGEST));
    let text = String::from_utf8(bytes.map_err(reading)?);
    let text = text.map_err(|error| reading(io::Error::new(ErrorKind::InvalidData, error)))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let (head, lines) = whole.split_once('\n').unwrap_or_default();
    let head = serde_json::from_str(head).map_err(|error| reading(error.into()))?;
    Ok((head, lines.to_owned()))
}

impl FileLedger {
    /// Opens the ledger at `path` to add to it.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(backend: BackendKind, path: PathBuf) -> Result<Self, LabError> {
        match OpenOptions::new().append(true).open(&path) {
            Ok(file) => Ok(Self {
                backend,
                path,
                file: Mutex::new(file),
            }),
            Err(error) => Err(failed("opening", &path, error)),
        }
    }
}

impl Ledger for FileLedger {
    fn record(&self, resource: &Resource) -> Result<(), BackendError> {
        let action = || format!("recording {resource} in {}", self.path.display());
        let system = |error: io::Error| BackendErrorKind::system(error).at(self.backend, action());
        let mut line = serde_json::to_vec(resource).map_err(|error| system(error.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.metadata().map_err(system)?.len();
        file.write_all(&line)
            .and_then(|()| file.sync_data())
            .map_err(|error| {
                // The next record must not follow a part of a line.
                let _ = file.set_len(before);
                system(error)
            })
    }
}

/// The most bytes of a ledger. A thousand nodes take some hundred thousand.
const LONGEST: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_torn_line_is_a_resource_that_was_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.ndjson");
        read(&path).unwrap_err();
        begin(&path, &Origin::here(dir.path()).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap().resources, []);
        let ledger = FileLedger::open(BackendKind::Fake, path.clone()).unwrap();
        let resources = ["a", "b"].map(|name| Resource::Fake(name.to_owned()));
        for resource in &resources {
            ledger.record(resource).unwrap();
        }
        assert_eq!(read(&path).unwrap().resources, resources);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert_eq!(read(&path).unwrap().resources, resources[..1]);
    }

    #[test]
    fn a_line_that_is_not_understood_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.ndjson");
        begin(&path, &Origin::here(dir.path()).unwrap()).unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"thing\":1}\n{\"fake\":\"a\"}\n");
        fs::write(&path, text).unwrap();
        read(&path).unwrap_err();
        assert!(is_ours(&path));
    }
}
