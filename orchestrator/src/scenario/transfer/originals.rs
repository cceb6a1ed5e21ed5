//! The files on this machine that a transfer begins with. What arrives is compared with them after the
//! nodes were given theirs: one that has changed meanwhile proves nothing.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::scenario::context::ScenarioError;

/// Originals as they were when nodes were given them.
#[derive(Debug, Default)]
pub struct Originals(BTreeMap<PathBuf, Version>);

/// What changes with a file's content, whoever writes it and however.
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
    pub fn note<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let noted = files
            .into_iter()
            .filter_map(|file| Some((file.clone(), version(file).ok()?)));
        Self(noted.collect())
    }

    /// Makes sure that all are as they were.
    ///
    /// # Errors
    /// [`ScenarioError::OriginalChanged`] with the first that is not, or
    /// [`ScenarioError::Original`] if one cannot be looked at.
    pub fn unchanged(&self) -> Result<(), ScenarioError> {
        for (file, noted) in &self.0 {
            let found = version(file).map_err(|source| ScenarioError::Original {
                path: file.clone(),
                source,
            })?;
            if found != *noted {
                return Err(ScenarioError::OriginalChanged(file.clone()));
            }
        }
        Ok(())
    }
}

fn version(file: &Path) -> io::Result<Version> {
    fs::metadata(file).map(|found| Version::from(&found))
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

    fn changed(what: impl FnOnce(&Path)) -> Result<(), ScenarioError> {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|name| folder.path().join(name));
        for file in &files {
            fs::write(file, b"bytes").unwrap();
        }
        let originals = Originals::note(&files);
        originals.unchanged().unwrap();
        what(&files[1]);
        originals.unchanged()
    }

    #[test]
    fn what_is_longer_other_or_gone_is_named() {
        let longer = changed(|file| fs::write(file, b"more bytes").unwrap());
        let message = longer.unwrap_err().to_string();
        assert!(message.contains("/b was changed"), "{message}");
        let another = changed(|file| {
            let other = file.with_extension("new");
            fs::write(&other, b"bytes").unwrap();
            fs::rename(other, file).unwrap();
        });
        assert!(matches!(another, Err(ScenarioError::OriginalChanged(_))));
        let written = changed(|file| {
            let file = fs::File::options().write(true).open(file).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        });
        assert!(matches!(written, Err(ScenarioError::OriginalChanged(_))));
        let gone = changed(|file| fs::remove_file(file).unwrap());
        assert!(matches!(gone, Err(ScenarioError::Original { .. })));
    }

    #[test]
    fn what_is_only_read_is_unchanged() {
        changed(|file| drop(fs::read(file).unwrap())).unwrap();
    }
}
