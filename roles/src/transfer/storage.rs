//! Where nameless datagrams go: each into a file of its own, or all into one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use protocol::name::FileName;
use protocol::task::Framing;

/// A server's folder.
#[derive(Debug)]
pub(super) enum Storage {
    /// A file a datagram: img1.jpg, img2.jpg and so on, whatever it holds.
    Numbered {
        /// The folder.
        directory: PathBuf,
        /// Files so far.
        count: u64,
    },
    /// One file, to which everything is appended.
    Appended(File),
}

impl Storage {
    /// Makes the folder, if it is not there, and the one file.
    pub(super) fn new(directory: &Path, framing: Framing, name: &FileName) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        if framing != Framing::Byte {
            return Ok(Self::Numbered {
                directory: directory.to_owned(),
                count: 0,
            });
        }
        let path = directory.join(name.as_str());
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self::Appended(file))
    }

    /// Stores what a datagram brought; the new file's name, if it is one of its own.
    pub(super) fn store(&mut self, bytes: &[u8]) -> io::Result<Option<FileName>> {
        match self {
            Self::Numbered { directory, count } => {
                *count += 1;
                let name = format!("img{count}.jpg");
                let part = directory.join(format!(".{name}.part"));
                fs::write(&part, bytes)?;
                fs::rename(part, directory.join(&name))?;
                name.parse().map(Some).map_err(io::Error::other)
            }
            Self::Appended(file) => file.write_all(bytes).map(|()| None),
        }
    }
}
