//! Namespaces that a process enters: user, process, network, mount, UTS and IPC (namespaces(7)).

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::unistd::{getegid, geteuid};

/// Moves the process into a new user namespace, in which it is root and may make every other kind
/// of namespace. Outside, it still is who it was. The process must have one thread only.
///
/// # Errors
/// `EPERM` or `ENOSPC` where user namespaces are forbidden, `EINVAL` with several threads.
pub fn enter_user_namespace() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // A process may map only itself, and its group only once it can no longer drop groups
    // (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    stay_readable()
}

/// Lets processes of the same user go on reading this one's `/proc/PID/environ`, which a change of
/// credentials forbids: the mark of ownership is in it.
///
/// # Errors
/// The system's.
pub fn stay_readable() -> io::Result<()> {
    Ok(prctl::set_dumpable(true)?)
}

/// Returns the numbers of the namespaces that give processes, users and times their meaning here: no two that live
/// share one (`ioctl_ns(2)`).
///
/// # Errors
/// If `/proc` is closed.
pub fn own_namespaces() -> io::Result<[u64; 3]> {
    let number =
        |kind: &str| Ok::<_, io::Error>(fs::metadata(format!("/proc/self/ns/{kind}"))?.ino());
    // Kernels before 5.6 have one time for all.
    Ok([number("pid")?, number("user")?, number("time").unwrap_or(0)])
}

/// Returns whether the process is in the user namespace that the machine started with.
///
/// # Errors
/// If `/proc` is not mounted.
pub fn is_in_the_first_user_namespace() -> io::Result<bool> {
    Ok(fs::metadata("/proc/self/ns/user")?.ino() == FIRST_USER_NAMESPACE)
}

/// `PROC_USER_INIT_INO` of `linux/proc_ns.h`.
const FIRST_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// Makes new namespaces, of the kinds given, for this process; new process name spaces are for its
/// next child.
///
/// # Errors
/// The system's.
pub fn enter_new(kinds: CloneFlags) -> io::Result<()> {
    Ok(unshare(kinds)?)
}
