//! The resource limits of a node's programs, and those that were reached.

use serde::{Deserialize, Serialize};

use crate::unit::ByteSize;

/// Resource limits of a node's programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Thousandths of a processor.
    pub milli_cpus: Option<u32>,
    /// Processes and threads.
    pub pids: Option<u32>,
    /// Bytes of files that the node writes.
    pub disk: Option<u64>,
    /// Open files of each process.
    pub open_files: Option<u32>,
}

impl Limits {
    /// The limits of a node whose file gives none: generous, and yet a node that runs wild does not take the machine along.
    pub const USUAL: Self = Self {
        memory: Some(4 << 30),
        milli_cpus: None,
        pids: Some(4096),
        disk: Some(2 << 30),
        open_files: Some(65_536),
    };

    /// Returns these limits, with the usual ones in the place of those that are not given.
    #[must_use]
    pub fn or_usual(self) -> Self {
        let usual = Self::USUAL;
        Self {
            memory: self.memory.or(usual.memory),
            milli_cpus: self.milli_cpus.or(usual.milli_cpus),
            pids: self.pids.or(usual.pids),
            disk: self.disk.or(usual.disk),
            open_files: self.open_files.or(usual.open_files),
        }
    }
}

impl std::fmt::Display for Limits {
    /// Writes those that there are, in words.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = |size: u64| ByteSize(size).to_string();
        let cpus = |milli: u32| format!("{} cpus", f64::from(milli) / 1000.0);
        let words = [
            self.memory.map(|bytes| format!("{} memory", size(bytes))),
            self.milli_cpus.map(cpus),
            self.pids.map(|most| format!("{most} processes")),
            self.disk.map(|bytes| format!("{} disk", size(bytes))),
            self.open_files.map(|most| format!("{most} open files")),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        out.write_str(&words.join(", "))
    }
}

/// The limits that a node has reached since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reached {
    /// Programs that the kernel ended for want of memory.
    pub killed_for_memory: u64,
    /// Processes and threads that were refused.
    pub refused_pids: u64,
    /// There is no room left on its disk.
    pub disk_full: bool,
}
