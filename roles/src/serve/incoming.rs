//! A file that is being uploaded: under a temporary name until it is whole.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use blake3::Hasher;
use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};
use protocol::name::FileName;
use protocol::stress::StoredFile;

use super::options::Sync;
use super::storage::{Storage, StorageError, system};

/// An unfinished file. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Incoming {
    storage: Arc<Storage>,
    file: File,
    temporary: String,
    hasher: Option<Box<Hasher>>,
    bytes: u64,
}

impl Incoming {
    pub(super) fn new(storage: Arc<Storage>, file: File, temporary: String) -> Self {
        let hasher = storage.hashing.then(Box::default);
        Self {
            storage,
            file,
            temporary,
            hasher,
            bytes: 0,
        }
    }

    /// Appends to it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let length = self.bytes + bytes.len() as u64;
        if length > self.storage.longest {
            return Err(StorageError::TooLong(self.storage.longest));
        }
        self.file.write_all(bytes).map_err(StorageError::Store)?;
        self.bytes = length;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        Ok(())
    }

    /// Gives it its name, in one step: whoever reads the name sees all of this file or all of the one
    /// before. Returns its length, and what is to be reported of it.
    pub(super) fn commit(
        mut self,
        name: &FileName,
    ) -> Result<(u64, Option<StoredFile>), StorageError> {
        let sync = self.storage.sync;
        if sync != Sync::None {
            self.file.sync_all().map_err(StorageError::Store)?;
        }
        let directory = &self.storage.directory;
        renameat(directory, self.temporary.as_str(), directory, name.as_str()).map_err(
            // A directory has that name, and not the temporary one.
            |error| match error {
                Errno::ENOTDIR | Errno::EISDIR => StorageError::NotAFile(name.clone()),
                error => system(name, error.into()),
            },
        )?;
        self.temporary.clear();
        if sync == Sync::All {
            fsync(directory).map_err(|error| StorageError::Store(error.into()))?;
        }
        let report = self.hasher.take().map(|hasher| StoredFile {
            name: name.clone(),
            bytes: self.bytes,
            blake3: hasher.finalize().to_string(),
        });
        Ok((self.bytes, report))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.temporary.is_empty() {
            let kind = UnlinkatFlags::NoRemoveDir;
            // Nothing better can be done with a file that cannot be removed.
            let _ = unlinkat(&self.storage.directory, self.temporary.as_str(), kind);
        }
    }
}
