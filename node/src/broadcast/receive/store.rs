//! Where a receiver keeps files: under a temporary name until their hash is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use protocol::broadcast::FileEntry;

use super::receiver::SessionId;

/// The receive directory. All names are opened beneath it, none through a symbolic link; what was not
/// finished is removed when its session ends.
#[derive(Debug)]
pub struct Store {
    directory: File,
    sessions: BTreeMap<SessionId, Kept>,
}

/// What is kept of a session.
#[derive(Debug)]
struct Kept {
    number: u32,
    files: Vec<FileEntry>,
    /// Files that exist under their temporary names.
    partial: BTreeSet<usize>,
    /// The file written to last: blocks mostly come in order.
    open: Option<(usize, File)>,
}

impl Store {
    /// Keeps files in a directory, which is made if it is not there, and is this receiver's alone: what
    /// an earlier one that was killed left unfinished is removed.
    ///
    /// # Errors
    /// The system's.
    pub fn new(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if is_partial(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self {
            directory: File::open(directory)?,
            sessions: BTreeMap::new(),
        })
    }

    /// Expects a session's files.
    pub fn begin(&mut self, id: SessionId, files: Vec<FileEntry>) {
        let kept = Kept {
            number: id.1,
            files,
            partial: BTreeSet::new(),
            open: None,
        };
        self.sessions.insert(id, kept);
    }

    /// Stores bytes of a file.
    ///
    /// # Errors
    /// The system's.
    pub fn write(
        &mut self,
        id: SessionId,
        file: usize,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let kept = self.sessions.get_mut(&id).ok_or_else(unknown)?;
        kept.opened(&self.directory, file)?
            .write_all_at(bytes, offset)
    }

    /// Gives a file its name.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(&mut self, id: SessionId, file: usize) -> io::Result<()> {
        let kept = self.sessions.get_mut(&id).ok_or_else(unknown)?;
        kept.opened(&self.directory, file)?;
        kept.open = None;
        let entry = kept.files.get(file).ok_or_else(unknown)?;
        let partial = kept.partial_name(file);
        renameat(
            &self.directory,
            partial.as_str(),
            &self.directory,
            entry.name.as_str(),
        )?;
        kept.partial.remove(&file);
        Ok(())
    }

    /// Removes what was not finished of a session.
    pub fn end(&mut self, id: SessionId) {
        let Some(kept) = self.sessions.remove(&id) else {
            return;
        };
        for &file in &kept.partial {
            // Nothing better can be done with a file that cannot be removed.
            let name = kept.partial_name(file);
            let _ = unlinkat(&self.directory, name.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

impl Kept {
    fn opened(&mut self, directory: &File, number: usize) -> io::Result<&File> {
        let file = match self.open.take() {
            Some((open, file)) if open == number => file,
            _ => self.open(directory, number)?,
        };
        Ok(&self.open.insert((number, file)).1)
    }

    fn open(&mut self, directory: &File, number: usize) -> io::Result<File> {
        let entry = self.files.get(number).ok_or_else(unknown)?;
        let known = self.partial.contains(&number);
        let mut flags = OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        flags.set(OFlag::O_CREAT | OFlag::O_EXCL, !known);
        let mode = Mode::from_bits_truncate(0o644);
        let name = self.partial_name(number);
        let file: OwnedFd = openat(directory, name.as_str(), flags, mode)?;
        let file = File::from(file);
        if !known {
            self.partial.insert(number);
            file.set_len(entry.length)?;
        }
        Ok(file)
    }

    fn partial_name(&self, file: usize) -> String {
        format!("{PARTIAL}{:08x}-{file}{PART}", self.number)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let open: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in open {
            self.end(id);
        }
    }
}

fn unknown() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "no file of this session has that number",
    )
}

fn is_partial(name: &str) -> bool {
    name.starts_with(PARTIAL) && name.ends_with(PART)
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
        };
        let id = ("10.0.0.1:5005".parse().unwrap(), 7);
        // As SIGKILL does it: what was not finished is not removed.
        let mut killed = ManuallyDrop::new(Store::new(folder.path()).unwrap());
        killed.begin(id, vec![entry("image")]);
        killed.write(id, 0, 0, b"abc").unwrap();
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
