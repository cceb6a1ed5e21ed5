//! Tells workers that wait for a request that none is wanted any more.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Held by who tells.
#[derive(Debug)]
pub(super) struct Drain {
    /// Its end is what is told.
    writer: Option<PipeWriter>,
    reader: PipeReader,
}

impl Drain {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self {
            writer: Some(writer),
            reader,
        })
    }

    /// Tells all that listen.
    pub(super) fn begin(&mut self) {
        self.writer = None;
    }

    /// Returns a pipe that becomes readable, and stays so, once the server is to end.
    pub(super) fn listen(&self) -> io::Result<PipeReader> {
        self.reader.try_clone()
    }
}

/// The outcome of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitOutcome {
    /// The connection can be read from, or written to.
    Able,
    /// The server is to end.
    Draining,
    /// Nothing happened in time.
    Lapsed,
}

/// Waits until a connection can do what is asked for, or, if one is given, `drain` is readable.
pub(super) fn wait(
    (connection, ability): (BorrowedFd<'_>, PollFlags),
    drain: Option<BorrowedFd<'_>>,
    within: Duration,
) -> io::Result<WaitOutcome> {
    let deadline = Instant::now() + within;
    let mut watched = vec![PollFd::new(connection.as_fd(), ability)];
    watched.extend(drain.map(|drain| PollFd::new(drain, PollFlags::POLLIN)));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up: a wait that ends too soon would be a lapse too early.
        let milliseconds = left.as_micros().div_ceil(1000);
        let timeout = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
        match poll(&mut watched, timeout) {
            Ok(0) if Instant::now() >= deadline => return Ok(WaitOutcome::Lapsed),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) if watched[0].any() == Some(true) => return Ok(WaitOutcome::Able),
            Ok(_) => return Ok(WaitOutcome::Draining),
            Err(error) => return Err(error.into()),
        }
    }
}
