//! The write-ahead list of what must be removed: one JSON line a resource, on disk before the
//! resource exists.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::backend::{BackendError, BackendErrorKind, BackendKind, Ledger, Resource};

use super::LabError;

/// A ledger in a file.
#[derive(Debug)]
pub struct FileLedger {
    backend: BackendKind,
    path: PathBuf,
    file: Mutex<File>,
}

impl FileLedger {
    /// Opens the ledger at `path` to add to it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(backend: BackendKind, path: PathBuf) -> Result<Self, LabError> {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        match file {
            Ok(file) => Ok(Self {
                backend,
                path,
                file: Mutex::new(file),
            }),
            Err(source) => Err(LabError::State {
                action: "making",
                path,
                source,
            }),
        }
    }

    /// Every resource in the ledger at `path`, in the order they were recorded; none if there is no
    /// ledger. A torn last line is a resource that was not made yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Vec<Resource>, LabError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(text
                .lines()
                .map_while(|line| serde_json::from_str(line).ok())
                .collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(LabError::State {
                action: "reading",
                path: path.to_owned(),
                source,
            }),
        }
    }
}

impl Ledger for FileLedger {
    fn record(&self, resource: &Resource) -> Result<(), BackendError> {
        let action = || format!("recording {resource} in {}", self.path.display());
        let system =
            |error: std::io::Error| BackendErrorKind::system(error).at(self.backend, action());
        let mut line = serde_json::to_vec(resource).map_err(|error| system(error.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)
            .and_then(|()| file.sync_data())
            .map_err(system)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_a_resource_that_was_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.ndjson");
        assert_eq!(FileLedger::read(&path).unwrap(), []);
        let ledger = FileLedger::open(BackendKind::Fake, path.clone()).unwrap();
        let resources = ["a", "b"].map(|name| Resource::Fake(name.to_owned()));
        for resource in &resources {
            ledger.record(resource).unwrap();
        }
        assert_eq!(FileLedger::read(&path).unwrap(), resources);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert_eq!(FileLedger::read(&path).unwrap(), resources[..1]);
    }
}
