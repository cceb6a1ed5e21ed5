//! Places of workers that died and could not be replaced at once, for want of descriptors, processes or
//! memory. They are tried again: what is wanted comes back as connections end, here or elsewhere.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Numbers of workers that are wanted.
#[derive(Debug, Default)]
pub(super) struct Respawns {
    numbers: Vec<u32>,
    next: Option<Instant>,
}

impl Respawns {
    /// Another one, which could not be filled just now.
    pub(super) fn push(&mut self, number: u32) {
        self.numbers.push(number);
        self.next = Some(Instant::now() + AGAIN);
    }

    /// Waits until they are to be tried again; for ever if there is none.
    pub(super) async fn due(&self) {
        match self.next {
            Some(next) => sleep_until(next).await,
            None => std::future::pending().await,
        }
    }

    /// Those that are to be tried, which are none any more.
    pub(super) fn take(&mut self) -> Vec<u32> {
        self.next = None;
        std::mem::take(&mut self.numbers)
    }
}

/// Nobody else tells when the system has what it lacked.
pub(super) const AGAIN: Duration = Duration::from_millis(200);
