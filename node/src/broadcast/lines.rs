//! A role's standard output: one JSON object a line (see [`protocol::role`]).

use std::io::{self, Write};
use std::time::{Duration, Instant};

use protocol::role::RoleEvent;

/// Prints an event.
pub(crate) fn print(event: &RoleEvent) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// The progress printed last: when, and how many bytes.
#[derive(Debug, Default)]
pub(super) struct Progress(Option<(Instant, u64)>);

impl Progress {
    /// Prints progress, unless nothing moved or it was printed less than a tenth of a second ago.
    pub(super) fn print(&mut self, now: Instant, bytes: u64, total: u64) -> io::Result<()> {
        if self
            .0
            .is_some_and(|(at, last)| now - at < INTERVAL || bytes == last)
        {
            return Ok(());
        }
        self.0 = Some((now, bytes));
        print(&RoleEvent::Progress { bytes, total })
    }
}

const INTERVAL: Duration = Duration::from_millis(100);
