//! Folders held by their descriptors (openat(2)). No link is followed, only regular files are read, and the thing
//! that is removed is the thing that was looked at.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

/// A folder held by its descriptor.
#[derive(Debug)]
pub struct Folder(OwnedFd);

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name.
    pub name: OsString,
    /// Whether it is a folder, and not a link to one.
    pub is_folder: bool,
}

impl Folder {
    /// Opens the folder at `path`. Links on the way are followed, but not a link at its end.
    ///
    /// # Errors
    /// `ENOTDIR` or `ELOOP` if the entry is not a folder. The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(open(path, FOLDER, Mode::empty())?))
    }

    /// Opens a folder in this one.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn folder(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self(openat(&self.0, name.as_ref(), FOLDER, Mode::empty())?))
    }

    /// Returns its owner, mode and place.
    ///
    /// # Errors
    /// The system's.
    pub fn stat(&self) -> io::Result<FileStat> {
        Ok(fstat(&self.0)?)
    }

    /// Whether it belongs to this user.
    ///
    /// # Errors
    /// The system's.
    pub fn is_own(&self) -> io::Result<bool> {
        Ok(self.stat()?.st_uid == geteuid().as_raw())
    }

    /// Lists its entries, sorted by name.
    ///
    /// # Errors
    /// The system's.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        // It is read by another descriptor, since reading moves the position in the folder.
        let mut dir = Dir::openat(&self.0, ".", FOLDER, Mode::empty())?;
        let mut entries = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            let is_folder = match entry.file_type() {
                Some(kind) => kind == Type::Directory,
                // Some file systems do not tell the kind of an entry.
                None => self.folder(&name).is_ok(),
            };
            entries.push(Entry { name, is_folder });
        }
        entries.sort();
        Ok(entries)
    }

    /// Reads a regular file of this user, up to `most` bytes. It never blocks, whatever the entry is.
    ///
    /// # Errors
    /// `EINVAL` if it is not a regular file, `EPERM` if it is another user's, `EFBIG` if it is longer.
    pub fn read(&self, name: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = openat(&self.0, name.as_ref(), flags, Mode::empty())?;
        let stat = fstat(&file)?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(Errno::EINVAL.into());
        }
        if stat.st_uid != geteuid().as_raw() {
            return Err(Errno::EPERM.into());
        }
        let mut bytes = Vec::new();
        File::from(file).take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(Errno::EFBIG.into());
        }
        Ok(bytes)
    }

    /// Renames an entry within this folder. An entry that has the new name already is replaced.
    ///
    /// # Errors
    /// The system's.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        Ok(renameat(&self.0, from.as_ref(), &self.0, to.as_ref())?)
    }

    /// Removes an entry that is not a folder. A link itself is removed, not its target.
    ///
    /// # Errors
    /// The system's.
    pub fn remove_file(&self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(unlinkat(
            &self.0,
            name.as_ref(),
            UnlinkatFlags::NoRemoveDir,
        )?)
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `ENOTEMPTY` if it is not empty. The system's.
    pub fn remove_folder(&self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(unlinkat(&self.0, name.as_ref(), UnlinkatFlags::RemoveDir)?)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<Folder> for File {
    fn from(folder: Folder) -> Self {
        folder.0.into()
    }
}

const FOLDER: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn links_are_not_followed_and_pipes_are_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::create_dir(&precious).unwrap();
        fs::write(precious.join("file"), "x").unwrap();
        symlink(&precious, dir.path().join("link")).unwrap();
        symlink(precious.join("file"), dir.path().join("linked")).unwrap();
        mkfifo(&dir.path().join("fifo"), Mode::S_IRWXU).unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(Folder::open(&dir.path().join("link")).is_err());
        folder.folder("link").unwrap_err();
        folder.read("linked", 10).unwrap_err();
        let refused = folder.read("fifo", 10).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(Errno::EINVAL as i32));
        folder.remove_file("link").unwrap();
        let precious = folder.folder("precious").unwrap();
        assert_eq!(precious.read("file", 1).unwrap(), b"x");
        precious.read("file", 0).unwrap_err();
        assert!(folder.remove_folder("precious").is_err());
        let names = folder.entries().unwrap();
        let names: Vec<_> = names.iter().map(|e| (&*e.name, e.is_folder)).collect();
        assert_eq!(
            names
                .iter()
                .map(|(n, f)| (n.to_str().unwrap(), *f))
                .collect::<Vec<_>>(),
            [("fifo", false), ("linked", false), ("precious", true)]
        );
    }
}
