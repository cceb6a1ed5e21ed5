//! The rounds of a sender: when each poll went out, and what had been sent before it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The polls that went out lately.
#[derive(Debug, Default)]
pub(super) struct Polls {
    next: u32,
    recent: VecDeque<Polled>,
}

/// A poll that went out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Polled {
    /// Its number.
    pub(super) round: u32,
    /// When.
    pub(super) at: Instant,
    /// Data datagrams of the session before it.
    pub(super) datagrams: u64,
}

impl Polls {
    /// The number of the next poll, which will tell of everything sent until then.
    pub(super) fn next_round(&self) -> u32 {
        self.next
    }

    /// A poll goes out; returns its number.
    pub(super) fn sent(&mut self, at: Instant, datagrams: u64) -> u32 {
        let round = self.next;
        self.next += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(Polled {
            round,
            at,
            datagrams,
        });
        round
    }

    /// What is remembered of a poll; of one that is long ago, what is of the first after it.
    pub(super) fn get(&self, round: u32) -> Option<&Polled> {
        let first = self.recent.front()?.round;
        self.recent.get(round.saturating_sub(first) as usize)
    }

    /// The last poll.
    pub(super) fn last(&self) -> Option<&Polled> {
        self.recent.back()
    }

    /// How long ago a round was polled, if that is remembered.
    pub(super) fn since(&self, round: u32, now: Instant) -> Option<Duration> {
        let polled = self.get(round).filter(|polled| polled.round == round)?;
        Some(now.saturating_duration_since(polled.at))
    }
}

/// More polls than are ever unanswered.
const REMEMBERED: usize = 256;
