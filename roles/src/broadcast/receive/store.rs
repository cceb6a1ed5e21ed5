//! Where a receiver keeps files: under a temporary name until their hash is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use protocol::broadcast::hash::{self, Hash};
use protocol::broadcast::{FileEntry, Layout, Object};

use super::journal::{Journal, Record};
use super::receiver::{Contents, SessionId};

/// The receive directory, which is this receiver's alone. All names are opened beneath it, none through
/// a symbolic link. What was not finished is removed when its session ends, and what an earlier
/// receiver left that was killed when its session does not go on.
#[derive(Debug)]
pub struct Store {
    directory: File,
    sessions: BTreeMap<SessionId, Kept>,
    /// Temporary names of an earlier receiver.
    left: BTreeSet<String>,
}

/// The part of a session that is kept.
#[derive(Debug)]
struct Kept {
    number: u32,
    files: Vec<FileEntry>,
    journal: Journal,
    /// Files that exist under their temporary names.
    partial: BTreeSet<usize>,
    /// The file written to last: blocks mostly come in order.
    open: Option<(usize, File)>,
}

impl Store {
    /// Keeps files in a directory, which is made if it is not there.
    ///
    /// # Errors
    /// The system's.
    pub fn new(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let mut left = BTreeSet::new();
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with(PREFIX) && (name.ends_with(PART) || name.ends_with(JOURNAL)) {
                left.insert(name);
            }
        }
        Ok(Self {
            directory: File::open(directory)?,
            sessions: BTreeMap::new(),
            left,
        })
    }

    /// Expects a session's files; returns what an earlier receiver has stored of them.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&mut self, id: SessionId, contents: Contents) -> io::Result<Vec<Record>> {
        let journal = journal_name(id.1);
        let known = self.left.remove(&journal);
        let (journal, records) = match self.resume(known, &journal, &contents.manifest)? {
            Some(resumed) => resumed,
            None => (
                self.begin_journal(&journal, &contents.manifest)?,
                Vec::new(),
            ),
        };
        let mut kept = Kept {
            number: id.1,
            files: contents.files,
            journal,
            partial: BTreeSet::new(),
            open: None,
        };
        for file in 0..kept.files.len() {
            if self.left.remove(&kept.partial_name(file)) {
                kept.partial.insert(file);
            }
        }
        let stored = |record: &Record| kept.has(&self.directory, &contents.layout, *record);
        let restored: Vec<Record> = records.into_iter().filter(stored).collect();
        self.sessions.insert(id, kept);
        self.remove_left();
        Ok(restored)
    }

    /// Stores bytes of a file, which make up this block.
    ///
    /// # Errors
    /// The system's.
    pub fn write(
        &mut self,
        id: SessionId,
        (file, offset): (usize, u64),
        bytes: &[u8],
        block: Record,
    ) -> io::Result<()> {
        let kept = self.sessions.get_mut(&id).ok_or_else(unknown)?;
        kept.opened(&self.directory, file)?
            .write_all_at(bytes, offset)?;
        kept.journal.add(block)
    }

    /// Gives a file its name.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(&mut self, id: SessionId, file: usize, hash: Hash) -> io::Result<()> {
        let kept = self.sessions.get_mut(&id).ok_or_else(unknown)?;
        kept.opened(&self.directory, file)?;
        kept.open = None;
        let entry = kept.files.get(file).ok_or_else(unknown)?;
        let (partial, name) = (kept.partial_name(file), entry.name.as_str());
        let directory = &self.directory;
        renameat(directory, partial.as_str(), directory, name)?;
        kept.partial.remove(&file);
        let number = u32::try_from(file).map_err(io::Error::other)?;
        kept.journal.add(Record::File(number, hash))
    }

    /// Removes what was not finished of a session.
    pub fn end(&mut self, id: SessionId) {
        let Some(kept) = self.sessions.remove(&id) else {
            return;
        };
        let partial = kept.partial.iter().map(|&file| kept.partial_name(file));
        for name in partial.chain([journal_name(kept.number)]) {
            self.remove(&name);
        }
    }

    fn resume(
        &self,
        known: bool,
        name: &str,
        manifest: &Hash,
    ) -> io::Result<Option<(Journal, Vec<Record>)>> {
        if !known {
            return Ok(None);
        }
        let file = open(&self.directory, name, OFlag::O_RDWR)?;
        Journal::resume(file, manifest)
    }

    fn begin_journal(&self, name: &str, manifest: &Hash) -> io::Result<Journal> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_TRUNC;
        Journal::begin(open(&self.directory, name, flags)?, manifest)
    }

    /// Removes what an earlier receiver left.
    fn remove_left(&mut self) {
        for name in std::mem::take(&mut self.left) {
            self.remove(&name);
        }
    }

    fn remove(&self, name: &str) {
        // Nothing better can be done with a file that cannot be removed.
        let _ = unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir);
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
        let mut flags = OFlag::O_RDWR;
        flags.set(OFlag::O_CREAT | OFlag::O_EXCL, !known);
        let file = open(directory, &self.partial_name(number), flags)?;
        if !known {
            self.partial.insert(number);
            file.set_len(entry.length)?;
        }
        Ok(file)
    }

    /// Whether what a record says is on disk.
    fn has(&self, directory: &File, layout: &Layout, record: Record) -> bool {
        let found = match record {
            Record::Block(number, hash) => self.read_block(directory, layout, number, hash),
            Record::File(number, hash) => self.read_file(directory, number as usize, hash),
        };
        found.unwrap_or(false)
    }

    fn read_block(
        &self,
        directory: &File,
        layout: &Layout,
        number: u32,
        hash: Hash,
    ) -> io::Result<bool> {
        let block = layout.block(number).ok_or_else(unknown)?;
        let Object::File(file) = block.object else {
            return Ok(false);
        };
        let file = open(directory, &self.partial_name(file), OFlag::O_RDONLY)?;
        let mut bytes = vec![0; block.length as usize];
        file.read_exact_at(&mut bytes, block.offset())?;
        Ok(hash::block_hash(&bytes, block.offset(), block.is_alone()) == hash)
    }

    fn read_file(&self, directory: &File, number: usize, hash: Hash) -> io::Result<bool> {
        let entry = self.files.get(number).ok_or_else(unknown)?;
        let file = open(directory, entry.name.as_str(), OFlag::O_RDONLY)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(hasher.count() == entry.length && *hasher.finalize().as_bytes() == hash)
    }

    fn partial_name(&self, file: usize) -> String {
        format!("{PREFIX}{:08x}-{file}{PART}", self.number)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let open: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in open {
            self.end(id);
        }
        self.remove_left();
    }
}

fn open(directory: &File, name: &str, flags: OFlag) -> Result<File, Errno> {
    let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    openat(directory, name, flags, Mode::from_bits_truncate(0o644)).map(File::from)
}

fn journal_name(session: u32) -> String {
    format!("{PREFIX}{session:08x}{JOURNAL}")
}

fn unknown() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "no file of this session has that number",
    )
}

/// The beginning of temporary names, and their end.
const PREFIX: &str = ".broadcast-";
const PART: &str = ".part";
const JOURNAL: &str = ".blocks";

#[cfg(test)]
mod tests {
    use std::mem::ManuallyDrop;

    use super::*;

    fn session(folder: &Path) -> (Store, Vec<Record>) {
        let files = vec![FileEntry {
            name: "image".parse().unwrap(),
            length: 2_500_000,
        }];
        let contents = Contents {
            manifest: [7; 32],
            layout: Layout::new(1456, 9, &files).unwrap(),
            files,
        };
        let mut store = Store::new(folder).unwrap();
        let restored = store.begin(id(), contents).unwrap();
        (store, restored)
    }

    fn id() -> SessionId {
        ("10.0.0.1:5005".parse().unwrap(), 7)
    }

    /// Stores the first block of the file; as SIGKILL does it, nothing is removed.
    fn killed(folder: &Path) -> Record {
        let (store, restored) = session(folder);
        assert_eq!(restored, []);
        let mut store = ManuallyDrop::new(store);
        let bytes = vec![3; 1 << 20];
        let block = Record::Block(1, hash::block_hash(&bytes, 0, false));
        store.write(id(), (0, 0), &bytes, block).unwrap();
        block
    }

    #[test]
    fn what_a_killed_receiver_left_goes_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        killed(folder.path());
        for name in ["image", ".broadcast-notes", "x.part"] {
            fs::write(folder.path().join(name), b"kept").unwrap();
        }
        drop(Store::new(folder.path()).unwrap());
        let left = fs::read_dir(folder.path()).unwrap();
        let left: BTreeSet<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        let kept = [".broadcast-notes", "image", "x.part"].map(std::ffi::OsString::from);
        assert_eq!(left, BTreeSet::from(kept));
    }

    #[test]
    fn a_session_goes_on_with_what_was_stored_and_is_still_so() {
        let folder = tempfile::tempdir().unwrap();
        let block = killed(folder.path());
        let (store, restored) = session(folder.path());
        assert_eq!(restored, [block]);
        let _killed_again = ManuallyDrop::new(store);
        let part = folder.path().join(".broadcast-00000007-0.part");
        let mut bytes = fs::read(&part).unwrap();
        bytes[1000] ^= 1;
        fs::write(&part, bytes).unwrap();
        let (store, restored) = session(folder.path());
        assert_eq!(restored, []);
        drop(store);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
