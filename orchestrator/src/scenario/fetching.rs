//! Files out of nodes, read as far as they may be believed: a node that writes without end fills its own
//! disk and not the run directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use protocol::name::FileName;
use tokio::io::AsyncWriteExt;

use crate::control::{Control, Download};
use crate::evidence::EvidenceError;

use super::context::ScenarioError;

/// A copy here of a node's file, or of its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The copy.
    pub copy: PathBuf,
    /// The bytes that were read.
    pub read: u64,
    /// Set if there were more.
    pub goes_on: bool,
}

/// The bytes that may be read of a copy of `original`: enough to see that it goes on beyond it.
///
/// # Errors
/// [`ScenarioError::Original`] if the original cannot be looked at.
async fn bound(original: &Path) -> Result<u64, ScenarioError> {
    let found = tokio::fs::metadata(original).await;
    let found = found.map_err(|source| ScenarioError::Original {
        path: original.to_owned(),
        source,
    })?;
    Ok(found.len() + BEYOND)
}

/// Copies a node's file to one here, `bound` bytes of it at most.
///
/// # Errors
/// If it cannot be read there, or written here.
pub async fn fetch(
    node: &Control,
    path: &str,
    to: &Path,
    bound: u64,
) -> Result<Fetched, ScenarioError> {
    // One more tells whether there is more.
    let download = node.get_at_most(path, bound.saturating_add(1)).await?;
    keep(download, to, bound).await
}

/// Copies a node's copy of `original` to a file here, if it is there.
///
/// # Errors
/// As [`fetch`], and if the original cannot be looked at.
pub async fn fetch_copy(
    node: &Control,
    path: &str,
    to: &Path,
    original: &Path,
) -> Result<Option<Fetched>, ScenarioError> {
    match fetch(node, path, to, bound(original).await?).await {
        Ok(fetched) => Ok(Some(fetched)),
        Err(ScenarioError::Control(error)) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Copies a node's file that others are to equal.
///
/// # Errors
/// As [`fetch`], and [`ScenarioError::TooLong`] where it has more than [`WITHOUT_ORIGINAL`] bytes.
pub async fn fetch_original(node: &Control, path: &str, to: &Path) -> Result<(), ScenarioError> {
    let fetched = fetch(node, path, to, WITHOUT_ORIGINAL).await?;
    if fetched.goes_on {
        return Err(ScenarioError::TooLong {
            node: node.node().clone(),
            path: path.to_owned(),
            read: fetched.read,
        });
    }
    Ok(())
}

/// Writes what a node sends to a file here, `bound` bytes at most, and hears no more then: what the node
/// says of its length is not believed.
///
/// # Errors
/// If it breaks off, or there is no room.
pub async fn keep(mut download: Download, to: &Path, bound: u64) -> Result<Fetched, ScenarioError> {
    let failed = |source| EvidenceError::at(to, source);
    let mut file = tokio::fs::File::create(to).await.map_err(failed)?;
    let (mut read, mut goes_on) = (0, false);
    while let Some(mut bytes) = download.next().await? {
        let room = usize::try_from(bound - read).unwrap_or(usize::MAX);
        goes_on = bytes.len() > room;
        bytes.truncate(room);
        file.write_all(&bytes).await.map_err(failed)?;
        read += bytes.len() as u64;
        if goes_on {
            break;
        }
    }
    file.flush().await.map_err(failed)?;
    let copy = to.to_owned();
    Ok(Fetched {
        copy,
        read,
        goes_on,
    })
}

/// The room for the files of a folder: each that was sent under its name has its own, all others share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    named: BTreeMap<FileName, u64>,
    others: u64,
}

impl Room {
    /// Returns the room for files that were sent under these names, or without one.
    ///
    /// # Errors
    /// [`ScenarioError::Original`] if an original cannot be looked at.
    pub async fn of(sent: &BTreeMap<FileName, PathBuf>) -> Result<Self, ScenarioError> {
        let mut named = BTreeMap::new();
        for (name, original) in sent {
            named.insert(name.clone(), bound(original).await?);
        }
        let all = named.values().sum::<u64>();
        // Files without a name came from the same originals, some of them more than once.
        let others = all.saturating_mul(REPEATED).saturating_add(NOBODY_SENT);
        Ok(Self { named, others })
    }

    /// The bytes that may be read of the next file of this name.
    pub fn of_file(&self, name: &str) -> u64 {
        let named = self.named.iter().find(|(known, _)| known.as_str() == name);
        named.map_or(self.others, |(_, bound)| *bound)
    }

    /// Takes away what was read of a file that has no room of its own.
    pub fn take(&mut self, name: &str, read: u64) {
        if !self.named.keys().any(|known| known.as_str() == name) {
            self.others = self.others.saturating_sub(read);
        }
    }
}

/// Read beyond an original's length, to see that a copy goes on.
const BEYOND: u64 = 64 << 10;

/// Read at most of a file that has no original to be compared with.
const WITHOUT_ORIGINAL: u64 = 1 << 30;

/// The times that all that was sent may have come without a name.
const REPEATED: u64 = 4;

/// Read at most, in each node's folder, of files that nobody sent, where nothing was sent at all.
const NOBODY_SENT: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_that_were_not_sent_share_one_room() {
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("original");
        std::fs::write(&original, vec![1; 1000]).unwrap();
        let sent = [("sent".parse().unwrap(), original)].into();
        let mut room = Room::of(&sent).await.unwrap();
        room.take("sent", 66_536);
        assert_eq!(room.of_file("sent"), 1000 + BEYOND);
        let others = NOBODY_SENT + REPEATED * (1000 + BEYOND);
        assert_eq!(room.of_file("unasked"), others);
        room.take("unasked", others - 1);
        assert_eq!(room.of_file("more"), 1);
        room.take("more", 1);
        assert_eq!(room.of_file("sent"), 1000 + BEYOND);
    }
}
