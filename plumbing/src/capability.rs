//! Capabilities of the process (capabilities(7)).

use std::fs;
use std::io;

use nix::libc;

use crate::namespace;

/// Whether the process may administer the system: make namespaces and mounts without a user
/// namespace of its own (`CAP_SYS_ADMIN`). Root of a user namespace may not: it can show no folder
/// without what is mounted below, and no mark of an overlay is its to set.
///
/// # Errors
/// If `/proc` is not mounted.
pub fn may_administer() -> io::Result<bool> {
    if !namespace::is_in_the_first_user_namespace()? {
        return Ok(false);
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
        .unwrap_or(0);
    Ok(effective & 1 << CAP_SYS_ADMIN != 0)
}

/// Takes from all programs that the process will start, root's too, what would reach beyond the
/// namespaces that they are in: loading kernel modules, setting the clock, raw device access,
/// restarting the machine, its logs and its security policy.
///
/// # Errors
/// `EPERM` if the process may not change its own capabilities.
pub fn give_up_the_machine() -> io::Result<()> {
    for capability in BEYOND_NAMESPACES {
        // SAFETY: this prctl takes integers only and touches no memory.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        let error = io::Error::last_os_error();
        // A kernel that does not know a capability answers EINVAL: there is nothing to give up.
        if result < 0 && error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
    }
    Ok(())
}

// Numbers from linux/capability.h.
const CAP_SYS_ADMIN: u64 = 21;
const BEYOND_NAMESPACES: [libc::c_ulong; 10] = [
    16, // CAP_SYS_MODULE
    17, // CAP_SYS_RAWIO
    22, // CAP_SYS_BOOT
    25, // CAP_SYS_TIME
    30, // CAP_AUDIT_CONTROL
    32, // CAP_MAC_OVERRIDE
    33, // CAP_MAC_ADMIN
    34, // CAP_SYSLOG
    35, // CAP_WAKE_ALARM
    36, // CAP_BLOCK_SUSPEND
];
