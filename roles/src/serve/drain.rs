//! Tells workers that wait for a request that none is wanted any more.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use crate::readiness;

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
    let until = Instant::now() + within;
    let mut watched = vec![(connection, ability)];
    watched.extend(drain.map(|drain| (drain, PollFlags::POLLIN)));
    loop {
        match readiness::wait(&watched, Some(until))?[..] {
            [true, ..] => return Ok(WaitOutcome::Able),
            [_, true] => return Ok(WaitOutcome::Draining),
            _ if Instant::now() >= until => return Ok(WaitOutcome::Lapsed),
            _ => {}
        }
    }
}
