//! The files on this machine that a transfer begins with. What arrives is compared with them after the
//! nodes were given theirs: one whose content has changed meanwhile proves nothing.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::scenario::context::ScenarioError;

/// Originals as they were when nodes were given them.
#[derive(Debug, Clone, Default)]
pub struct Originals(BTreeMap<PathBuf, Noted>);

/// The recorded state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Noted {
    version: Version,
    content: blake3::Hash,
}

/// The metadata that change with a file's content, by whatever means it is written. They also change where
/// somebody writes the same content again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    /// Device and inode: another file may have taken the name.
    file: (u64, u64),
    bytes: u64,
    /// Seconds and nanoseconds of the last change of the content.
    written: (i64, i64),
}

impl Originals {
    /// Takes note of files, before anybody is given them. Whoever puts them into nodes names those that
    /// are not there.
    ///
    /// # Errors
    /// [`ScenarioError::Verifier`] if the reading breaks off.
    pub async fn note(files: impl IntoIterator<Item = &PathBuf>) -> Result<Self, ScenarioError> {
        let files: Vec<PathBuf> = files.into_iter().cloned().collect();
        let note = move || {
            let noted = files.into_iter().filter_map(|file| {
                let noted = Noted::of(&file).ok()?;
                Some((file, noted))
            });
            Self(noted.collect())
        };
        let noted = tokio::task::spawn_blocking(note).await;
        noted.map_err(|broken| ScenarioError::Verifier(broken.to_string()))
    }

    /// Makes sure that all hold what they held. One that was written is read again.
    ///
    /// # Errors
    /// [`ScenarioError::OriginalChanged`] with the first that does not, or
    /// [`ScenarioError::Original`] if one cannot be looked at.
    pub async fn unchanged(&self) -> Result<(), ScenarioError> {
        let originals = self.clone();
        let checked = tokio::task::spawn_blocking(move || originals.check()).await;
        checked.map_err(|broken| ScenarioError::Verifier(broken.to_string()))?
    }

    fn check(&self) -> Result<(), ScenarioError> {
        for (file, noted) in &self.0 {
            let same = noted.is_still(file);
            let same = same.map_err(|source| ScenarioError::Original {
                path: file.clone(),
                source,
            })?;
            if !same {
                return Err(ScenarioError::OriginalChanged(file.clone()));
            }
        }
        Ok(())
    }
}

impl Noted {
    /// The version is looked at first: what is written while the content is read makes another.
    fn of(file: &Path) -> io::Result<Self> {
        Ok(Self {
            version: version(file)?,
            content: content(file)?,
        })
    }

    fn is_still(&self, file: &Path) -> io::Result<bool> {
        let found = version(file)?;
        let same = found == self.version;
        Ok(same || found.bytes == self.version.bytes && content(file)? == self.content)
    }
}

fn version(file: &Path) -> io::Result<Version> {
    fs::metadata(file).map(|found| Version::from(&found))
}

fn content(file: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(file)?)?;
    Ok(hasher.finalize())
}

impl From<&Metadata> for Version {
    fn from(found: &Metadata) -> Self {
        Self {
            file: (found.dev(), found.ino()),
            bytes: found.size(),
            written: (found.mtime(), found.mtime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn changed(change: impl FnOnce(&Path)) -> Result<(), ScenarioError> {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|name| folder.path().join(name));
        for file in &files {
            fs::write(file, b"bytes").unwrap();
        }
        let originals = Originals::note(&files).await.unwrap();
        originals.unchanged().await.unwrap();
        change(&files[1]);
        originals.unchanged().await
    }

    fn written_at_another_time(file: &Path) {
        let file = File::options().write(true).open(file).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }

    fn replaced(file: &Path, content: &[u8]) {
        let other = file.with_extension("new");
        fs::write(&other, content).unwrap();
        fs::rename(other, file).unwrap();
    }

    #[tokio::test]
    async fn what_is_longer_other_or_gone_is_named() {
        let longer = changed(|file| fs::write(file, b"more bytes").unwrap()).await;
        let message = longer.unwrap_err().to_string();
        assert!(message.contains("/b was changed"), "{message}");
        let other = changed(|file| {
            fs::write(file, b"BYTES").unwrap();
            written_at_another_time(file);
        });
        assert!(matches!(
            other.await,
            Err(ScenarioError::OriginalChanged(_))
        ));
        let another = changed(|file| replaced(file, b"Bytes")).await;
        assert!(matches!(another, Err(ScenarioError::OriginalChanged(_))));
        let gone = changed(|file| fs::remove_file(file).unwrap()).await;
        assert!(matches!(gone, Err(ScenarioError::Original { .. })));
    }

    #[tokio::test]
    async fn what_holds_the_same_is_unchanged() {
        changed(|file| drop(fs::read(file).unwrap())).await.unwrap();
        changed(written_at_another_time).await.unwrap();
        changed(|file| replaced(file, b"bytes")).await.unwrap();
    }
}
