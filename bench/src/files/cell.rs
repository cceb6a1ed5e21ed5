//! What is done in a turn.

use std::fmt;

use protocol::stress::Operation;

/// So many clients at once, each with a file of its own or the same for all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) operation: Operation,
    /// MiB.
    pub(super) size: u64,
    pub(super) clients: u32,
    pub(super) workers: u32,
}

impl Cell {
    /// Bytes of each file.
    pub(super) fn bytes(&self) -> u64 {
        self.size << 20
    }

    /// Bytes of all files that are moved.
    pub(super) fn all_bytes(&self) -> u64 {
        self.bytes() * u64::from(self.clients)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count| if count == 1 { "" } else { "s" };
        write!(
            out,
            "{} of {} MiB by {} client{} from {} worker{}",
            self.operation,
            self.size,
            self.clients,
            plural(self.clients),
            self.workers,
            plural(self.workers),
        )
    }
}
