//! The confinement of a node's programs: what they may ask of the kernel, and the rights that root has among them.
//!
//! It is that of container engines: their capabilities ([`Rights`] has the difference) and their system calls (seccomp(2)). A program always has fewer rights than the agent that started it, so the kernel refuses it
//! the agent's memory and descriptors (ptrace(2), "Ptrace access mode checking").

use std::collections::BTreeMap;
use std::io;

use nix::errno::Errno;
use nix::libc::{self, c_long};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::capability::{self, Rights};
use super::system_calls::{EVERYWHERE, HERE};

/// The confinement of a program that is not trusted, made ready.
#[derive(Debug)]
pub struct Confinement {
    filters: Vec<BpfProgram>,
}

impl Confinement {
    /// Makes ready what [`Self::enter`] needs, so that it needs no memory. A kernel without filters of system calls is left
    /// without them.
    ///
    /// # Errors
    /// If there are no filters for processors of this kind.
    pub fn new() -> io::Result<Self> {
        let filters = if kernel_has_filters() {
            // The later one has the last word on a call that both deny.
            vec![filter(), filter_of_clone3()]
        } else {
            Vec::new()
        };
        let filters: Result<Vec<_>, Error> = filters.into_iter().collect();
        Ok(Self {
            filters: filters.map_err(io::Error::other)?,
        })
    }

    /// Confines the calling process and its children for good. It has one thread, and is to execute a program.
    ///
    /// # Errors
    /// The system's.
    pub fn enter(&self, rights: Rights) -> io::Result<()> {
        capability::keep(rights)?;
        for filter in &self.filters {
            match seccompiler::apply_filter(filter) {
                Ok(()) => {}
                Err(Error::Prctl(error) | Error::Seccomp(error)) => return Err(error),
                Err(_) => return Err(Errno::EINVAL.into()),
            }
        }
        Ok(())
    }
}

/// Allows what is listed, some of it with certain arguments only. System calls of another architecture, as programs of 32
/// bits make them, end the program.
fn filter() -> Result<BpfProgram, Error> {
    let always = EVERYWHERE.iter().chain(HERE);
    let mut rules: BTreeMap<_, _> = always.map(|&number| (number, Vec::new())).collect();
    // No limits of other processes, such as the agent's.
    let own = [when(0, Eq, 0)?];
    rules.insert(libc::SYS_prlimit64, own.into());
    // A socket of this family reaches the host of a virtual machine.
    let family = u64::try_from(libc::AF_VSOCK).unwrap_or_default();
    rules.insert(libc::SYS_socket, [when(0, Ne, family)?].into());
    // New threads and processes, without namespaces of their own.
    rules.insert(libc::SYS_clone, [when(0, MaskedEq(NAMESPACES), 0)?].into());
    let personalities = PERSONALITIES.iter().map(|&value| when(0, Eq, value));
    let personalities: Result<Vec<_>, Error> = personalities.collect();
    rules.insert(libc::SYS_personality, personalities?);
    let denied = SeccompAction::Errno(Errno::EPERM as u32);
    compile(rules, denied, SeccompAction::Allow)
}

/// Has clone3(2) seem to be missing: a filter cannot read its arguments, and libraries use clone(2) in its place.
fn filter_of_clone3() -> Result<BpfProgram, Error> {
    let missing = SeccompAction::Errno(Errno::ENOSYS as u32);
    let rules = [(libc::SYS_clone3, Vec::new())].into();
    compile(rules, SeccompAction::Allow, missing)
}

fn compile(
    rules: BTreeMap<c_long, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    listed: SeccompAction,
) -> Result<BpfProgram, Error> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = SeccompFilter::new(rules, otherwise, listed, architecture)?;
    Ok(filter.try_into()?)
}

fn when(argument: u8, operation: SeccompCmpOp, value: u64) -> Result<SeccompRule, Error> {
    let width = SeccompCmpArgLen::Dword;
    let condition = SeccompCondition::new(argument, width, operation, value)?;
    Ok(SeccompRule::new(vec![condition])?)
}

/// Returns whether the kernel has filters of system calls that refuse with an error (Linux 4.14).
pub fn kernel_has_filters() -> bool {
    let refusal = libc::SECCOMP_RET_ERRNO;
    let operation = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: the kernel reads one number from the pointer, which is valid for the call.
    unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const refusal) == 0 }
}

/// The flags of clone(2) that make namespaces.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

/// Execution domains that engines allow (personality(2)): Linux, with 32 bits or an old uname(2); and the question.
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];
