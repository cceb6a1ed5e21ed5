//! The lowest layer of nodes' roots: the folders and devices that every node has in place of this machine's.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use plumbing::mount::{self, Below};

use super::view::below;
use super::world::{Privilege, base};

/// A folder in the keeper's memory that becomes the lowest layer of nodes' roots.
#[derive(Debug)]
pub(super) struct Template {
    folder: PathBuf,
    /// The user that all in it belongs to.
    owner: u32,
}

impl Template {
    /// Makes it as a folder `name` of the keeper's root, with all that every node has.
    pub(super) fn make(name: &str, owner: u32) -> io::Result<Self> {
        let template = Self {
            folder: base(name),
            owner,
        };
        template.make_folder(Path::new("/"), 0o755)?;
        for (folder, mode) in FOLDERS {
            template.make_folder(Path::new(folder), mode)?;
        }
        for (link, target) in DEVICE_LINKS {
            symlink(target, template.at(Path::new(link)))?;
        }
        Ok(template)
    }

    /// Returns the place in it of a path of nodes.
    pub(super) fn at(&self, path: &Path) -> PathBuf {
        below(&self.folder, path)
    }

    /// Makes a folder in a folder that there is.
    pub(super) fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let made = self.at(path);
        fs::DirBuilder::new().mode(mode).create(&made)?;
        // The umask of whoever started the keeper is not the nodes'.
        fs::set_permissions(&made, fs::Permissions::from_mode(mode))?;
        self.own(&made)
    }

    /// Makes a folder and those above it that are missing.
    pub(super) fn make_folders(&self, path: &Path) -> io::Result<()> {
        let missing = path
            .ancestors()
            .take_while(|above| !self.at(above).exists());
        let missing: Vec<_> = missing.collect();
        let mut from_above = missing.into_iter().rev();
        from_above.try_for_each(|folder| self.make_folder(folder, 0o755))
    }

    /// Gives what was made in it to its owner.
    fn own(&self, made: &Path) -> io::Result<()> {
        lchown(made, Some(self.owner), Some(self.owner))
    }

    /// Gives a file that was made in it, and is open, to its owner.
    pub(super) fn own_file(&self, made: &File) -> io::Result<()> {
        fchown(made, Some(self.owner), Some(self.owner))
    }

    /// Makes the devices. Those that this process may not make are shown from `/devices` in each node; returns their names.
    pub(super) fn make_devices(&self, privilege: Privilege) -> io::Result<Vec<&'static str>> {
        let mut shown = Vec::new();
        for (name, major, minor) in DEVICES {
            let here = Path::new("/dev").join(name);
            if !here.exists() {
                continue;
            }
            let in_template = self.at(&here);
            let mode = Mode::from_bits_truncate(0o666);
            let made = match privilege {
                Privilege::UserNamespace => Err(Errno::EPERM),
                Privilege::Machine => {
                    mknod(&in_template, SFlag::S_IFCHR, mode, makedev(major, minor))
                }
            };
            match made {
                Ok(()) => fs::set_permissions(&in_template, fs::Permissions::from_mode(0o666))?,
                Err(Errno::EPERM) => {
                    fs::write(&in_template, "")?;
                    show_device(&here, name)?;
                    shown.push(name);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(shown)
    }
}

fn show_device(device: &Path, name: &str) -> io::Result<()> {
    let shown = base("devices").join(name.replace('/', "-"));
    if !shown.exists() {
        fs::write(&shown, "")?;
        mount::bind(device, &shown, Below::LeftOut)?;
    }
    Ok(())
}

/// Folders that every node has anew, with their permission bits.
const FOLDERS: [(&str, u32); 10] = [
    ("/proc", 0o555),
    ("/sys", 0o555),
    ("/root", 0o700),
    ("/tmp", 0o1777),
    ("/run", 0o755),
    ("/run/lock", 0o1777),
    ("/dev", 0o755),
    ("/dev/pts", 0o755),
    ("/dev/shm", 0o1777),
    ("/dev/net", 0o755),
];

const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Device files in `/dev`, with their numbers (the kernel's Documentation/admin-guide/devices.txt).
const DEVICES: [(&str, u64, u64); 7] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
    ("net/tun", 10, 200),
];
