//! The driver of either end of a broadcast: a thread, or an event loop that has other things to do.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use protocol::role::RoleEvent;

use super::net;

/// One end of a broadcast with its own socket. Whoever drives it calls [`Task::step`] whenever what
/// the last step asked for is there, and takes the events.
pub trait Task: AsFd {
    /// Why it cannot go on.
    type Error;

    /// Does everything that can be done without waiting.
    ///
    /// # Errors
    /// If the task cannot go on.
    fn step(&mut self) -> Result<Step, Self::Error>;

    /// Returns the next event since the last call.
    fn poll_event(&mut self) -> Option<RoleEvent>;

    /// Bytes moved so far and in all, once that is known.
    fn progress(&self) -> Option<(u64, u64)>;

    /// The error for a socket that could not be waited for.
    fn cannot_wait(&self, source: io::Error) -> Self::Error;

    /// Drives the task with the calling thread until it is done, telling what happens; says whether
    /// it did all that it was to do.
    ///
    /// # Errors
    /// The task's, or what `tell` fails with.
    fn run<E: From<Self::Error>>(
        &mut self,
        mut tell: impl FnMut(RoleEvent) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut told = LastReported::default();
        loop {
            let step = self.step()?;
            if let Some(progress) = told.news(self.progress()) {
                tell(progress)?;
            }
            while let Some(event) = self.poll_event() {
                tell(event)?;
            }
            match step {
                Step::Done(complete) => return Ok(complete),
                Step::Wait(wait) => {
                    let waited = net::wait(self.as_fd(), wait);
                    waited.map_err(|source| self.cannot_wait(source))?;
                }
            }
        }
    }
}

/// Where a task stands after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is to be another step when what is said here has come.
    Wait(Wait),
    /// The task has ended, and did all that it was to do or not.
    Done(bool),
}

/// The events to wait for; the first one ends the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// This moment.
    pub until: Option<Instant>,
    /// The task's socket being readable.
    pub readable: bool,
    /// The socket being writable.
    pub writable: bool,
}

/// The progress told last: when, and how many bytes.
#[derive(Debug, Default)]
struct LastReported(Option<(Instant, u64)>);

impl LastReported {
    /// The progress to tell now: none where nothing moved, or within a tenth of a second.
    fn news(&mut self, progress: Option<(u64, u64)>) -> Option<RoleEvent> {
        let (bytes, total) = progress?;
        let now = Instant::now();
        if (self.0).is_some_and(|(at, last)| now - at < INTERVAL || bytes == last) {
            return None;
        }
        self.0 = Some((now, bytes));
        Some(RoleEvent::Progress { bytes, total })
    }
}

const INTERVAL: Duration = Duration::from_millis(100);
