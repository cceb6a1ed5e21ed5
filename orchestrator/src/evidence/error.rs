//! Why evidence could not be kept.

use std::io;
use std::path::{Path, PathBuf};

use crate::number;
use nix::sys::statvfs::statvfs;

/// Why evidence could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The folder holds something that is not an earlier run's.
    #[error(
        "{path} is not empty and holds no report.json; name a new folder with --out, or empty it"
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Another run writes there at this time.
    #[error("another run writes to {path}; wait for it to end, or name another folder with --out")]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The disk is full.
    #[error(
        "{path}: the disk is full ({} free{}); make room, or name a folder elsewhere with --out",
        number::bytes(*free),
        if *without_inodes { ", and no inodes" } else { "" }
    )]
    Full {
        /// The file or folder being written.
        path: PathBuf,
        /// Bytes that an ordinary user may still write there.
        free: u64,
        /// Set if no files or folders can be made there, for the inodes are used up.
        without_inodes: bool,
    },
    /// The system said no.
    #[error("{path}: {source}; name a folder that can be written to with --out")]
    System {
        /// The file or folder being made or written.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl EvidenceError {
    /// An error of the system about `path`. Whoever writes evidence by other means than this module
    /// wraps its errors with this, so that a full disk is named as one.
    pub fn at(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let (free, without_inodes) = room(&path);
                Self::Full {
                    path,
                    free,
                    without_inodes,
                }
            }
            _ => Self::System { path, source },
        }
    }
}

/// Returns the bytes free on the file system of `path`, or of the nearest folder above it that exists, and whether its
/// inodes are used up. Some file systems do not count them.
fn room(path: &Path) -> (u64, bool) {
    let found = path.ancestors().find_map(|above| statvfs(above).ok());
    found.map_or((0, false), |s| {
        let bytes = s.blocks_available() * s.fragment_size();
        (bytes, s.files() > 0 && s.files_available() == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_with_the_room_there_is() {
        // Writing to /dev/full always fails with ENOSPC (full(4)).
        let source = std::fs::write("/dev/full", b"x").unwrap_err();
        let error = EvidenceError::at(Path::new("/dev/shm/none/such"), source);
        let EvidenceError::Full { free, .. } = &error else {
            panic!("{error}");
        };
        let text = error.to_string();
        assert!(
            text.starts_with("/dev/shm/none/such: the disk is full"),
            "{text}"
        );
        assert!(text.contains(&number::bytes(*free)), "{text}");
    }
}
