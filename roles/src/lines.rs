//! A role's standard output: one JSON object a line (see [`protocol::role`]).

use std::io::{self, Write};
use std::process::ExitCode;

use protocol::role::RoleEvent;

/// Prints an event.
pub(crate) fn print(event: &RoleEvent) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Prints the reason why a role failed, and returns the exit code of a failure.
pub(crate) fn fail(reason: String) -> ExitCode {
    // If nobody reads, the exit code still tells.
    let _ = print(&RoleEvent::Failed { reason });
    ExitCode::FAILURE
}
