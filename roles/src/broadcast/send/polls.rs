//! The rounds of a sender: when each poll went out, what had been sent before it, and when to ask again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The polls that went out lately.
#[derive(Debug)]
pub(super) struct Polls {
    next: u32,
    recent: VecDeque<Polled>,
    /// When to ask again.
    ask_at: Instant,
    /// Number of questions asked without hurry.
    patient: u32,
    /// Whether somebody left the last one unanswered.
    unanswered: bool,
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
    /// No polls yet; the first is due.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next: 0,
            recent: VecDeque::new(),
            ask_at: now,
            patient: 0,
            unanswered: false,
        }
    }

    /// When to ask again.
    pub(super) fn ask_at(&self) -> Instant {
        self.ask_at
    }

    /// Questions are to follow each other as fast as answers can come.
    pub(super) fn hurry(&mut self) {
        self.patient = 0;
    }

    /// Somebody left the last one unanswered.
    pub(super) fn repeat(&mut self) {
        self.unanswered = true;
        self.hurry();
    }

    /// Whether the next one repeats one that somebody left unanswered.
    pub(super) fn repeats(&self) -> bool {
        self.unanswered
    }

    /// Questions are to follow each other more and more slowly.
    pub(super) fn take_time(&mut self) {
        self.patient += 1;
    }

    /// The number of the next poll, which will tell of everything sent until then.
    pub(super) fn next_round(&self) -> u32 {
        self.next
    }

    /// A poll goes out, whose answers may take as long as `round_trip`; returns its number.
    pub(super) fn sent(&mut self, at: Instant, datagrams: u64, round_trip: Duration) -> u32 {
        self.unanswered = false;
        let first = round_trip * 5 / 4 + LEAST_WAIT;
        self.ask_at = at + (first * (1 << self.patient.min(8))).min(MOST_WAIT);
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

    /// Returns the record of a poll; for one that is too old, that of the oldest poll still remembered.
    pub(super) fn get(&self, round: u32) -> Option<&Polled> {
        let first = self.recent.front()?.round;
        self.recent.get(round.saturating_sub(first) as usize)
    }

    /// The last poll.
    pub(super) fn last(&self) -> Option<&Polled> {
        self.recent.back()
    }

    /// Returns the recent time per datagram, where `datagrams` were sent by now.
    pub(super) fn datagram_time(&self, now: Instant, datagrams: u64) -> Duration {
        let Some(earlier) = self.get(self.next.saturating_sub(LATELY)) else {
            return Duration::ZERO;
        };
        let sent = u32::try_from(datagrams - earlier.datagrams).unwrap_or(u32::MAX);
        now.saturating_duration_since(earlier.at) / sent.max(1)
    }

    /// Returns the time since a round was polled, if that is remembered.
    pub(super) fn since(&self, round: u32, now: Instant) -> Option<Duration> {
        let polled = self.get(round).filter(|polled| polled.round == round)?;
        Some(now.saturating_duration_since(polled.at))
    }
}

/// More polls than are ever unanswered.
const REMEMBERED: usize = 256;
/// Polls fewer than this many rounds ago are recent.
const LATELY: u32 = 32;
/// The time that answers may take beyond the round trip.
const LEAST_WAIT: Duration = Duration::from_millis(2);
/// A question is repeated at least so often.
const MOST_WAIT: Duration = Duration::from_millis(100);
