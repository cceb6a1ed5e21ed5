//! The remedy for a shortage of processes or threads.

use std::io;

/// Returns the remedy for an error, as a clause to put behind it. The system says `EAGAIN` where it makes no
/// process or thread (fork(2), `pthread_create(3)`).
pub fn remedy(error: &io::Error) -> &'static str {
    match (error.kind(), error.raw_os_error()) {
        // Linux has one number for both, and only an error of the system's has one.
        (io::ErrorKind::WouldBlock, Some(_)) => {
            "; raise what limits processes: the node's `pids`, or `ulimit -u` where the lab was raised"
        }
        _ => "",
    }
}
