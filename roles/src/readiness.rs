//! Waits for descriptors.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// Waits until one of the descriptors is ready or the time has come. Returns which are ready.
pub(crate) fn wait(
    descriptors: &[(BorrowedFd<'_>, PollFlags)],
    until: Option<Instant>,
) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> = descriptors
        .iter()
        .map(|(descriptor, events)| PollFd::new(*descriptor, *events))
        .collect();
    let timeout = until.map(|at| TimeSpec::from(at.saturating_duration_since(Instant::now())));
    match ppoll(&mut polled, timeout, None) {
        Ok(_) => Ok(polled.iter().map(|one| one.any().unwrap_or(true)).collect()),
        Err(Errno::EINTR) => Ok(vec![false; polled.len()]),
        Err(error) => Err(error.into()),
    }
}
