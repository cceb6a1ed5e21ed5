//! Mounts of the current mount namespace (mount(2)).

use std::ffi::{CString, OsStr};
use std::io;
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

/// Cuts the tie to other mount namespaces: nothing mounted from here on is seen outside, nor the
/// reverse.
///
/// # Errors
/// The system's.
pub fn make_private() -> io::Result<()> {
    Ok(mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )?)
}

/// Shows a folder or file at a second place; with `below`, along with what is mounted below it.
///
/// # Errors
/// `EINVAL` without `below` where a user namespace may not uncover what is under a mount.
pub fn bind(source: &Path, target: &Path, below: Below) -> io::Result<()> {
    let below = match below {
        Below::Included => MsFlags::MS_REC,
        Below::LeftOut => MsFlags::empty(),
    };
    let flags = MsFlags::MS_BIND | below;
    Ok(mount(
        Some(source),
        target,
        None::<&str>,
        flags,
        None::<&str>,
    )?)
}

/// Whether what is mounted below a folder is meant too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// It is.
    Included,
    /// It is not.
    LeftOut,
}

/// Mounts a new file system of a kind that needs no device: `tmpfs`, `proc`, `sysfs`, `devpts`.
///
/// # Errors
/// The system's.
pub fn mount_new(kind: &str, target: &Path, flags: MsFlags, options: &str) -> io::Result<()> {
    Ok(mount(Some(kind), target, Some(kind), flags, Some(options))?)
}

/// Layers of an overlay file system (the kernel's Documentation/filesystems/overlayfs.rst).
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// The folders below, the uppermost first; never written to.
    pub lower: &'a [&'a Path],
    /// The place for everything that is written; without one it is read-only.
    pub written: Option<Written<'a>>,
}

/// The place for what is written to an overlay.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The uppermost layer.
    pub upper: &'a Path,
    /// An empty folder of the same file system.
    pub work: &'a Path,
}

impl Overlay<'_> {
    /// Mounts it; one that is read-only is without devices and set-user-ID programs too. Its bookkeeping is in `user.` attributes where `in_user_namespace`.
    ///
    /// # Errors
    /// `EINVAL` where a user namespace may not uncover what is under a mount in a lower layer.
    pub fn mount(&self, target: &Path, in_user_namespace: bool) -> io::Result<()> {
        let mut options = b"lowerdir=".to_vec();
        for (number, layer) in self.lower.iter().enumerate() {
            if number > 0 {
                options.push(b':');
            }
            push_escaped(&mut options, layer);
        }
        let flags = if let Some(written) = self.written {
            options.extend_from_slice(b",upperdir=");
            push_escaped(&mut options, written.upper);
            options.extend_from_slice(b",workdir=");
            push_escaped(&mut options, written.work);
            MsFlags::empty()
        } else {
            MsFlags::MS_RDONLY | MsFlags::MS_NODEV | MsFlags::MS_NOSUID
        };
        if in_user_namespace {
            options.extend_from_slice(b",userxattr");
        }
        let kind = Some("overlay");
        let options = OsStr::from_bytes(&options);
        Ok(mount(kind, target, kind, flags, Some(options))?)
    }
}

/// Makes a mount read-only; with `below`, along with what is mounted below it.
///
/// # Errors
/// `ENOSYS` before Linux 5.12.
pub fn make_read_only(target: &Path, below: Below) -> io::Result<()> {
    restrict(target, below, libc::MOUNT_ATTR_RDONLY)
}

/// Makes a mount read-only, and its devices and set-user-ID programs plain files.
///
/// # Errors
/// `ENOSYS` before Linux 5.12.
pub fn seal(target: &Path, below: Below) -> io::Result<()> {
    let without = libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID;
    restrict(target, below, libc::MOUNT_ATTR_RDONLY | without)
}

fn restrict(target: &Path, below: Below, attributes_to_set: u64) -> io::Result<()> {
    let path = CString::new(target.as_os_str().as_bytes())?;
    // SAFETY: all-zero bytes are a valid mount_attr, a struct of integers.
    let mut attributes: libc::mount_attr = unsafe { mem::zeroed() };
    attributes.attr_set = attributes_to_set;
    let flags = match below {
        Below::Included => libc::AT_RECURSIVE,
        Below::LeftOut => 0,
    };
    // SAFETY: the path is terminated by a zero byte and the attributes have the size given; both
    // live beyond the call, and the kernel only reads them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes `new_root` the root of the mount namespace and lets go of all that was mounted before. The
/// working directory becomes the new root.
///
/// # Errors
/// `EINVAL` if `new_root` is not a mount.
pub fn change_root(new_root: &Path) -> io::Result<()> {
    chdir(new_root)?;
    // The old root is stacked under the new one's own mount point, so it needs no folder of its own
    // (pivot_root(2), `pivot_root(".", ".")`).
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}

/// Lets a folder of an overlay's layer hide what the layers below have in its place. For an overlay
/// that is mounted outside user namespaces.
///
/// # Errors
/// `EOPNOTSUPP` where the layer's file system keeps no `trusted.` attributes.
pub fn hide_lower_layers(folder: &Path) -> io::Result<()> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: both texts are terminated by a zero byte, the value has the length given, and all live
    // beyond the call, which only reads them.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            c"trusted.overlay.opaque".as_ptr(),
            c"y".as_ptr().cast(),
            1,
            0,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// A comma ends an option and a colon a layer, unless a backslash stands before it.
fn push_escaped(options: &mut Vec<u8>, path: &Path) {
    for &byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'\\' | b':' | b',') {
            options.push(b'\\');
        }
        options.push(byte);
    }
}
