//! A copy of this machine's settings, `/etc`, that belongs to the root of nodes, so that it can change them for itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use super::template::Template;

/// Copies what everybody may read of `folder` into the template, at the same place. What is `hidden` is left out.
pub(super) fn copy(folder: &Path, template: &Template, hidden: &[PathBuf]) -> io::Result<()> {
    Copy {
        template,
        hidden,
        buffer: Vec::new(),
    }
    .folder(folder)
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
            let path = entry.path();
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if self.hidden.contains(&path) {
                continue;
            }
            let everybody = metadata.mode() & 0o7;
            let copied = if metadata.is_symlink() {
                self.link(&path)
            } else if metadata.is_dir() && everybody & 0o5 == 0o5 {
                self.folder(&path)
            } else if metadata.is_file() && everybody & 0o4 != 0 && metadata.len() <= LARGEST {
                self.file(&path, metadata.mode() & 0o777)
            } else {
                Ok(())
            };
            copied?;
        }
        Ok(())
    }

    fn link(&self, path: &Path) -> io::Result<()> {
        match fs::read_link(path) {
            Ok(target) => symlink(target, self.template.at(path)),
            Err(_) => Ok(()),
        }
    }

    fn file(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        self.buffer.clear();
        let read =
            File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut self.buffer));
        if read.is_err() {
            return Ok(());
        }
        let copy = self.template.at(path);
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&copy)?;
        file.write_all(&self.buffer)?;
        self.template.own(&copy)
    }
}

/// The most bytes of a file that is copied: settings that people write are smaller, databases that are made of them are not.
const LARGEST: u64 = 2 << 20;
