//! Limits that a process takes upon itself and hands down to its children, where no control group can
//! be made. They are coarser than a group's.

use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// Limits of a program and its children that the kernel enforces for each process (getrlimit(2)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnLimits {
    /// Bytes of memory of its own (`RLIMIT_DATA`).
    pub memory: Option<u64>,
    /// Processes and threads of this user in this user namespace beyond which there are no more (`RLIMIT_NPROC`). It does not
    /// bind whoever administers the machine.
    pub processes: Option<u64>,
    /// Open files (`RLIMIT_NOFILE`).
    pub open_files: Option<u64>,
}

impl OwnLimits {
    /// Takes them upon this process. Makes system calls only.
    ///
    /// # Errors
    /// The system's.
    pub fn take(&self) -> io::Result<()> {
        let limits = [
            (Resource::RLIMIT_DATA, self.memory),
            (Resource::RLIMIT_NPROC, self.processes),
            (Resource::RLIMIT_NOFILE, self.open_files),
        ];
        limits
            .into_iter()
            .try_for_each(|(resource, most)| match most {
                Some(most) => lower(resource, most),
                None => Ok(()),
            })
    }
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
