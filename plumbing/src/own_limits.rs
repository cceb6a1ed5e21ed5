//! Limits that a process takes upon itself and hands down to its children, where no control group can
//! be made. They are coarser than a group's.

use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// Allows each process by itself at most so many bytes of memory of its own (`RLIMIT_DATA`).
///
/// # Errors
/// The system's.
pub fn memory(bytes: u64) -> io::Result<()> {
    lower(Resource::RLIMIT_DATA, bytes)
}

/// Allows no more processes once this user has so many in this user namespace (`RLIMIT_NPROC`). It does
/// not bind whoever administers the machine.
///
/// # Errors
/// The system's.
pub fn processes(most: u64) -> io::Result<()> {
    lower(Resource::RLIMIT_NPROC, most)
}

/// Runs on at most `most` of the processors that the process may run on, at least one; on which ones
/// depends on `turn`, so that many such processes are spread out.
///
/// # Errors
/// The system's.
pub fn processors(most: usize, turn: usize) -> io::Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let allowed: Vec<_> = (0..CpuSet::count())
        .filter(|&processor| allowed.is_set(processor).unwrap_or(false))
        .collect();
    let mut chosen = CpuSet::new();
    let first = turn * most.max(1);
    for step in 0..most.clamp(1, allowed.len().max(1)) {
        if let Some(&processor) = allowed.get((first + step) % allowed.len().max(1)) {
            chosen.set(processor)?;
        }
    }
    Ok(sched_setaffinity(this, &chosen)?)
}

fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let (_, hard) = getrlimit(resource)?;
    let most = most.min(hard);
    Ok(setrlimit(resource, most, most)?)
}
