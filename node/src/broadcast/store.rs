//! Where a receiver keeps files: under a temporary name until their hash is right.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use protocol::manifest::FileEntry;
use sha2::{Digest, Sha256};

/// The receive directory. What was not finished is removed when it is dropped.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    session: u32,
    files: Vec<FileEntry>,
    /// Files that exist under their temporary names.
    partial: BTreeSet<usize>,
    /// The file written to last: blocks mostly come in order.
    open: Option<(usize, File)>,
}

impl Store {
    /// Keeps files in a directory, which is made if it is not there, and is this receiver's alone: what
    /// an earlier one that was killed left unfinished is removed.
    pub fn new(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if is_partial(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            session: 0,
            files: Vec::new(),
            partial: BTreeSet::new(),
            open: None,
        })
    }

    /// Expects a session's files.
    pub fn begin(&mut self, session: u32, files: Vec<FileEntry>) {
        self.abandon();
        self.session = session;
        self.files = files;
    }

    /// Stores bytes of a file.
    pub fn write(&mut self, number: usize, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.opened(number)?.write_all_at(bytes, offset)
    }

    /// Gives a file its name if what was stored has the right hash; says whether it had.
    pub fn finish(&mut self, number: usize) -> io::Result<bool> {
        self.opened(number)?;
        self.open = None;
        let Some(entry) = self.files.get(number) else {
            return Err(unknown());
        };
        let partial = self.partial_path(number);
        let (length, sha256) = digest(&partial)?;
        if (length, sha256) != (entry.length, entry.sha256) {
            return Ok(false);
        }
        fs::rename(&partial, self.directory.join(entry.name.as_str()))?;
        self.partial.remove(&number);
        Ok(true)
    }

    /// Removes what was not finished.
    pub fn abandon(&mut self) {
        self.open = None;
        for number in std::mem::take(&mut self.partial) {
            // Nothing better can be done with a file that cannot be removed.
            let _ = fs::remove_file(self.partial_path(number));
        }
    }

    fn opened(&mut self, number: usize) -> io::Result<&File> {
        let file = match self.open.take() {
            Some((open, file)) if open == number => file,
            _ => self.open(number)?,
        };
        Ok(&self.open.insert((number, file)).1)
    }

    fn open(&mut self, number: usize) -> io::Result<File> {
        let entry = self.files.get(number).ok_or_else(unknown)?;
        let known = self.partial.contains(&number);
        let file = OpenOptions::new()
            .write(true)
            .create_new(!known)
            .open(self.partial_path(number))?;
        if !known {
            file.set_len(entry.length)?;
            self.partial.insert(number);
        }
        Ok(file)
    }

    fn partial_path(&self, number: usize) -> PathBuf {
        self.directory
            .join(format!("{PARTIAL}{:08x}-{number}{PART}", self.session))
    }
}

fn is_partial(name: &str) -> bool {
    name.starts_with(PARTIAL) && name.ends_with(PART)
}

impl Drop for Store {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Length and SHA-256 of a file's content.
pub(super) fn digest(path: &Path) -> io::Result<(u64, [u8; 32])> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut length = 0;
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok((length, hasher.finalize().into())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.write_all(&buffer[..count])?;
        length += count as u64;
    }
}

fn unknown() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "no file of this session has that number",
    )
}

/// What temporary names begin and end with.
const PARTIAL: &str = ".broadcast-";
const PART: &str = ".part";

#[cfg(test)]
mod tests {
    use std::mem::ManuallyDrop;

    use super::*;

    #[test]
    fn what_a_killed_receiver_left_goes_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let entry = |name: &str| FileEntry {
            name: name.parse().unwrap(),
            length: 3,
            sha256: [0; 32],
        };
        // As SIGKILL does it: what was not finished is not removed.
        let mut killed = ManuallyDrop::new(Store::new(folder.path()).unwrap());
        killed.begin(7, vec![entry("image")]);
        killed.write(0, 0, b"abc").unwrap();
        for name in ["image", ".broadcast-notes", "x.part"] {
            fs::write(folder.path().join(name), b"kept").unwrap();
        }
        Store::new(folder.path()).unwrap();
        let left = fs::read_dir(folder.path()).unwrap();
        let left: BTreeSet<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        let kept = [".broadcast-notes", "image", "x.part"].map(std::ffi::OsString::from);
        assert_eq!(left, BTreeSet::from(kept));
    }
}
