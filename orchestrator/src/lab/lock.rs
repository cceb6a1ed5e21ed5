//! Locks: one process at a time acts on a lab, or raises a lab of some name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::{FileStat, major, minor};
use plumbing::folder::Folder;

use super::LabError;
use super::folder::PART;
use super::state::failed;

/// The right to act on a lab. It ends with this value, or with the process. It is a lock on the lab's folder itself,
/// so it writes nothing and leaves nothing behind.
#[derive(Debug)]
pub struct LabLock {
    _folder: Flock<File>,
}

impl LabLock {
    /// Locks the lab's folder at `path`.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process has it. Fails too if the folder is gone.
    pub(super) fn of(path: &Path) -> Result<Self, LabError> {
        let locking = |error| failed("locking", path, error);
        let folder = Folder::open(path).map_err(locking)?;
        let about = folder.stat().map_err(locking)?;
        match Flock::lock(File::from(folder), FlockArg::LockExclusiveNonblock) {
            // The process that held it may have removed it in between.
            Ok(held) if is_at(&held, path) => Ok(Self { _folder: held }),
            Ok(_) => Err(locking(Errno::ENOENT.into())),
            Err((_, Errno::EWOULDBLOCK)) => Err(LabError::Busy {
                lab: name_of(path),
                pid: holder(&about).unwrap_or_else(|| "unknown".to_owned()),
            }),
            Err((_, error)) => Err(locking(error.into())),
        }
    }

    /// Locks the lab's folder at `path` once no other process has it, which is for a moment only.
    ///
    /// # Errors
    /// If the folder is gone then.
    pub(super) fn after(path: &Path) -> Result<Self, LabError> {
        let locking = |error| failed("locking", path, error);
        let folder = Folder::open(path).map_err(locking)?;
        let held = Flock::lock(File::from(folder), FlockArg::LockExclusive);
        match held.map_err(|(_, error)| locking(error.into()))? {
            held if is_at(&held, path) => Ok(Self { _folder: held }),
            _ => Err(locking(Errno::ENOENT.into())),
        }
    }
}

/// The right to raise a lab of some name that stays up. Its file gets its final name only once it is complete and
/// locked, and is removed with this value.
#[derive(Debug)]
pub struct NameLock {
    path: PathBuf,
    _file: Flock<File>,
}

impl NameLock {
    /// Takes the name that the file at `path` stands for. The file is made at `part`.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process has it.
    pub(super) fn take(path: PathBuf, part: &Path, name: &str) -> Result<Self, LabError> {
        loop {
            let made = make(part).and_then(|file| {
                let linked = fs::hard_link(part, &path);
                fs::remove_file(part)?;
                linked.map(|()| file)
            });
            match made {
                Ok(file) => return Ok(Self { path, _file: file }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // A `clean` took it for a leftover of a killed process.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed("making", &path, error)),
            }
            match forget(&path) {
                Ok(Some(pid)) => {
                    return Err(LabError::Busy {
                        lab: name.to_owned(),
                        pid,
                    });
                }
                Ok(None) => {}
                Err(error) => return Err(failed("taking", &path, error)),
            }
        }
    }
}

impl Drop for NameLock {
    fn drop(&mut self) {
        // The lock is still held. A file that cannot be removed now goes when the name is next taken.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes a file with this process's number in it, and locks it.
fn make(path: &Path) -> io::Result<Flock<File>> {
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    let file = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let mut file =
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| error)?;
    if let Err(error) = write!(*file, "{}", std::process::id()) {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}

/// Removes a lock's file that nobody holds, or returns the number of the process that holds it. A file that is no
/// lock of ours stays.
///
/// # Errors
/// If something other than a lock's file is there.
pub(super) fn forget(path: &Path) -> io::Result<Option<String>> {
    let mut options = OpenOptions::new();
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            let text = "it is no file, and so no lock of ours; move it away";
            return Err(io::Error::other(text));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.map(drop)?,
    }
    let file = match options.read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let about = file.metadata()?;
    let text = io::read_to_string(io::Read::take(&file, LONGEST))?;
    let is_own = about.uid() == nix::unistd::geteuid().as_raw();
    // One that is being made may still be empty.
    let is_part = name_of(path).starts_with(PART) && text.is_empty();
    let is_lock = text.parse::<u32>().is_ok() || is_part;
    if !about.is_file() || !is_own || !is_lock {
        return Err(io::Error::other("it is no lock of ours; move it away"));
    }
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(held) if is_at(&held, path) => fs::remove_file(path).map(|()| None),
        Ok(_) => Ok(None),
        Err((_, Errno::EWOULDBLOCK)) => Ok(Some(text)),
        Err((_, error)) => Err(error.into()),
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(held), Ok(found)) => (held.dev(), held.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

/// Returns the number of the process that holds a lock on the file with this inode (`proc_locks(5)`). It serves
/// only for a message.
fn holder(about: &FileStat) -> Option<String> {
    let table = fs::read_to_string("/proc/locks").ok()?;
    holder_in(&table, (about.st_dev, about.st_ino))
}

fn holder_in(table: &str, (device, number): (u64, u64)) -> Option<String> {
    let file = format!("{:02x}:{:02x}:{number}", major(device), minor(device));
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, locked, ..] = words.as_slice() else {
            return None;
        };
        (*locked == file).then(|| (*pid).to_owned())
    };
    table.lines().find_map(line)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The most bytes of a process's number.
const LONGEST: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_told_by_device_and_number() {
        let table = "1: POSIX  ADVISORY  WRITE 11 08:01:42 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12 08:02:42 0 EOF\n\
                     3: FLOCK  ADVISORY  READ 13 08:01:42 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 14 08:01:42 0 EOF\n\
                     4: -> FLOCK  ADVISORY  WRITE 15 08:01:42 0 EOF\n";
        let file = |minor, number| (nix::sys::stat::makedev(8, minor), number);
        assert_eq!(holder_in(table, file(1, 42)).as_deref(), Some("14"));
        assert_eq!(holder_in(table, file(2, 42)).as_deref(), Some("12"));
        assert_eq!(holder_in(table, file(3, 42)), None);
        assert_eq!(holder_in(table, file(1, 43)), None);
    }
}
