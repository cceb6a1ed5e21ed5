//! The control group of a node: its counters, and its removal.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::libc;

use crate::process::ProcessHandle;

use super::place::PROCESSES;

/// The group of a node: one in each place.
#[derive(Debug, Default)]
pub struct Group {
    /// Its `cgroup.procs` files, open for writing: a process joins by writing `0`.
    pub joins: Arc<[OwnedFd]>,
    pub(super) counters: Vec<(Counted, File)>,
}

/// A thing that the kernel counts of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Processes that were ended for want of memory.
    KilledForMemory,
    /// Processes and threads that were refused.
    RefusedPids,
}

impl Group {
    /// Returns the count since the group was made; zero where the kernel has none.
    pub fn count(&self, counted: Counted) -> u64 {
        let counters = self.counters.iter().filter(|(of, _)| *of == counted);
        counters.filter_map(|(_, file)| counted.read(file)).sum()
    }
}

impl Counted {
    /// Finds its line in the file of a group, `oom_kill 3` (the kernel's Documentation/admin-guide/cgroup-v1 and -v2.rst).
    fn read(self, mut file: &File) -> Option<u64> {
        let mut text = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        let word = match self {
            Self::KilledForMemory => "oom_kill ",
            Self::RefusedPids => "max ",
        };
        text.lines()
            .find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
    }
}

/// Removes a group, and ends the processes that are still in it: the kernel removes only empty groups.
pub(super) fn remove_group(group: &Path) -> io::Result<()> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(error);
                }
                end_processes(group, left)?;
            }
            other => return other,
        }
    }
}

fn end_processes(group: &Path, within: Duration) -> io::Result<()> {
    let processes = fs::read_to_string(group.join(PROCESSES))?;
    let handles: Vec<_> = processes
        .lines()
        .filter_map(|line| ProcessHandle::open(line.parse().ok()?).ok())
        .collect();
    handles.iter().try_for_each(ProcessHandle::kill)?;
    for handle in handles {
        handle.wait(within)?;
    }
    Ok(())
}

const DEADLINE: Duration = Duration::from_secs(10);
