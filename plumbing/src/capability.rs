//! Capabilities of the process (capabilities(7)).

use std::fs;
use std::io;

use nix::errno::Errno;
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
    BEYOND_NAMESPACES.into_iter().try_for_each(leave_out)
}

/// The rights that a program has beside those that container engines give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// None. The right to take rights away (`SETPCAP`), which engines give, is left out, so that these programs have
    /// fewer rights than the process that starts them on any engine.
    Few,
    /// The same, and the right over the network (`NET_ADMIN`).
    OverNetwork,
    /// The rights over the network and to take rights away: the kernel lets no other program attach to this one.
    Trusted,
}

impl Rights {
    fn bits(self) -> u64 {
        OF_CONTAINERS
            | match self {
                Self::Few => 0,
                Self::OverNetwork => 1 << CAP_NET_ADMIN,
                Self::Trusted => 1 << CAP_NET_ADMIN | 1 << CAP_SETPCAP,
            }
    }
}

/// Takes from all programs that the process will start every right but these, and lets none of the process's own rights be
/// inherited.
///
/// # Errors
/// `EPERM` if the process may not change its own capabilities.
pub fn keep(rights_of_programs: Rights) -> io::Result<()> {
    let header = Header {
        version: VERSION_3,
        process: 0,
    };
    let mut rights = [Half::default(); 2];
    // SAFETY: the kernel reads the header and, for this version, writes two such records.
    let read = unsafe { libc::syscall(libc::SYS_capget, &raw const header, &raw mut rights) };
    Errno::result(read)?;
    if rights.iter().all(|half| half.effective == 0) {
        // An ordinary user's process has none, and so have its programs.
        return Ok(());
    }
    for capability in 0..=LAST {
        if rights_of_programs.bits() & 1 << capability == 0 {
            leave_out(capability)?;
        }
    }
    // Root's programs get what may be inherited even if it is left out above.
    for half in &mut rights {
        half.inheritable = 0;
    }
    // SAFETY: the kernel reads the header and two such records.
    let written = unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const rights) };
    Errno::result(written)?;
    Ok(())
}

/// Takes a right from all programs that the process will start.
fn leave_out(capability: libc::c_ulong) -> io::Result<()> {
    // SAFETY: this prctl takes integers only and touches no memory.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    match Errno::result(result) {
        // A kernel that does not know a capability answers EINVAL: there is nothing to give up.
        Ok(_) | Err(Errno::EINVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// `struct __user_cap_header_struct`, linux/capability.h.
#[repr(C)]
struct Header {
    version: u32,
    process: libc::c_int,
}

/// `struct __user_cap_data_struct`, linux/capability.h: 32 capabilities.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

// Numbers from linux/capability.h.
const VERSION_3: u32 = 0x2008_0522;
pub(super) const CAP_SETPCAP: u64 = 8;
const CAP_NET_ADMIN: u64 = 12;
const CAP_SYS_ADMIN: u64 = 21;
/// No kernel has more.
const LAST: libc::c_ulong = 63;
const OF_CONTAINERS: u64 = 1 // CAP_CHOWN
    | 1 << 1 // CAP_DAC_OVERRIDE
    | 1 << 3 // CAP_FOWNER
    | 1 << 4 // CAP_FSETID
    | 1 << 5 // CAP_KILL
    | 1 << 6 // CAP_SETGID
    | 1 << 7 // CAP_SETUID
    | 1 << 10 // CAP_NET_BIND_SERVICE
    | 1 << 13 // CAP_NET_RAW
    | 1 << 18 // CAP_SYS_CHROOT
    | 1 << 29 // CAP_AUDIT_WRITE
    | 1 << 31; // CAP_SETFCAP
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
