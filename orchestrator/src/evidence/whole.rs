//! Files that appear under their name only when they are complete, and that leave nothing behind otherwise.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::libc::O_TMPFILE;
use nix::unistd::linkat;

/// Writes `content` to the file at `path`, with these permission bits less those of the umask. A reader sees either
/// the old content or the new, never a part.
///
/// # Errors
/// The system's.
pub fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // A file without a name is removed with this process, however that ends (open(2)).
    let mut options = OpenOptions::new();
    let nameless = options
        .write(true)
        .mode(mode)
        .custom_flags(O_TMPFILE)
        .open(folder);
    match nameless {
        Ok(mut file) => {
            file.write_all(content)?;
            name(&file, path)
        }
        Err(_) => write_named(folder, path, content, mode),
    }
}

/// Gives a file without a name the name `path`.
fn name(file: &File, path: &Path) -> io::Result<()> {
    let own = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let link = |to: &Path| {
        let linked = linkat(AT_FDCWD, &own, AT_FDCWD, to, AtFlags::AT_SYMLINK_FOLLOW);
        linked.map_err(io::Error::from)
    };
    match link(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => return other,
    }
    // Only a file with a name can replace another.
    let part = part(path);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => link(&part)?,
    }
    fs::rename(&part, path)
}

/// Does the same on a file system that has no files without names.
fn write_named(folder: &Path, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

/// Returns the temporary name of a file that is about to replace `path`.
pub(super) fn part(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_and_replaced_without_a_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report");
        fs::write(part(&path), "left").unwrap();
        for content in ["first", "second", ""] {
            write_whole(&path, content.as_bytes(), 0o644).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        write_named(dir.path(), &path, b"third", 0o644).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
