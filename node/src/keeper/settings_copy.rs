//! A copy of this machine's settings, `/etc`, that belongs to the root of nodes, so that it can change them for itself.
//!
//! It is made once for a lab, of a thousand files and links: each system call for one of them counts.

use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::libc::O_NONBLOCK;
use nix::sys::stat::{Mode, umask};

use super::template::Template;

/// Copies what everybody may read of `folder` into the template, at the same place. What is `hidden` is left out.
pub(super) fn copy(folder: &Path, template: &Template, hidden: &[PathBuf]) -> io::Result<()> {
    let mut copy = Copy {
        template,
        hidden,
        buffer: Vec::new(),
    };
    // The modes are those of the originals.
    let usual = umask(Mode::empty());
    let copied = copy.folder(folder);
    umask(usual);
    copied
}

struct Copy<'a> {
    template: &'a Template,
    hidden: &'a [PathBuf],
    buffer: Vec<u8>,
}

impl Copy<'_> {
    /// Leaves out what cannot be read, or goes away meanwhile.
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        self.template.make_folder(folder, 0o755)?;
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !self.hidden.contains(&entry.path()) {
                self.entry(&entry)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry) -> io::Result<()> {
        let path = entry.path();
        // As the folder lists it: no system call.
        let Ok(kind) = entry.file_type() else {
            return Ok(());
        };
        if kind.is_symlink() {
            let target = fs::read_link(&path);
            return target.map_or(Ok(()), |target| symlink(target, self.template.at(&path)));
        }
        if kind.is_dir() {
            let may_enter = entry
                .metadata()
                .is_ok_and(|folder| folder.mode() & 0o5 == 0o5);
            return if may_enter {
                self.folder(&path)
            } else {
                Ok(())
            };
        }
        if kind.is_fifo() || kind.is_socket() {
            return Ok(());
        }
        match self.read(&path) {
            Ok(Some(mode)) => self.write(&path, mode),
            _ => Ok(()),
        }
    }

    /// Fills the buffer with a file's bytes and returns its mode; `None` if not everybody may read it, or nobody writes such
    /// files by hand.
    fn read(&mut self, path: &Path) -> io::Result<Option<u32>> {
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        let copied = metadata.is_file() && metadata.mode() & 0o4 != 0 && metadata.len() <= LARGEST;
        if !copied {
            return Ok(None);
        }
        self.buffer
            .resize(usize::try_from(metadata.len()).unwrap_or_default(), 0);
        file.read_exact(&mut self.buffer)?;
        Ok(Some(metadata.mode() & 0o777))
    }

    fn write(&self, path: &Path, mode: u32) -> io::Result<()> {
        let copy = self.template.at(path);
        let mut options = OpenOptions::new();
        let mut file: File = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&copy)?;
        file.write_all(&self.buffer)?;
        self.template.own_file(&file)
    }
}

/// The most bytes of a file that is copied: settings that people write are smaller, databases that are made of them are not.
const LARGEST: u64 = 2 << 20;
