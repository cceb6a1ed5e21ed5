//! The remedy for a shortage of processes or threads.

use std::io;

use nix::libc;

/// Returns the remedy for an error, as a clause to put behind it. The system says `EAGAIN` where it makes no
/// process or thread (fork(2), `pthread_create(3)`).
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => {
            "; raise what limits processes: the node's `pids`, or `ulimit -u` where the lab was raised"
        }
        _ => "",
    }
}
