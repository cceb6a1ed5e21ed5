//! What is said where the system lacks processes or threads.

use std::io;

use nix::libc;

/// What to do about an error, as a clause to put behind it: the system says `EAGAIN` where it makes no
/// process or thread (fork(2), `pthread_create(3)`).
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => {
            "; raise what limits processes: the node's `pids`, or `ulimit -u` where the lab was raised"
        }
        _ => "",
    }
}
