//! The round that a sender is in: what it sent since the last one, what of it was lost, and how long
//! answers take.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The present round. Its number is the poll's.
#[derive(Debug, Default)]
pub(super) struct Round {
    number: u32,
    /// The first block that was new in this round.
    fresh: u32,
    /// Of the new blocks, how many the worst receiver lacks.
    lost: u32,
    /// When recent rounds were polled for the first time.
    polls: VecDeque<(u32, Instant)>,
}

impl Round {
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The first block that was new in this round.
    pub(super) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// Of the new blocks, how many the worst receiver lacks.
    pub(super) fn lost(&self) -> u32 {
        self.lost
    }

    /// Goes on to the next round, in which blocks from `fresh` on are new.
    pub(super) fn next(&mut self, fresh: u32) {
        self.number += 1;
        (self.fresh, self.lost) = (fresh, 0);
    }

    /// The round's poll went out, for the first time or again.
    pub(super) fn polled(&mut self, now: Instant) {
        if self
            .polls
            .back()
            .is_none_or(|(round, _)| *round != self.number)
        {
            self.polls.push_back((self.number, now));
        }
        if self.polls.len() > REMEMBERED {
            self.polls.pop_front();
        }
    }

    /// A receiver lacks so many of the new blocks.
    pub(super) fn lacking(&mut self, round: u32, lost: u32) {
        if round == self.number {
            self.lost = self.lost.max(lost);
        }
    }

    /// How long ago a round was polled, if that is remembered.
    pub(super) fn since_poll(&self, round: u32, now: Instant) -> Option<Duration> {
        let polled = self.polls.iter().find(|(number, _)| *number == round);
        polled.map(|(_, at)| now - *at)
    }
}

/// Older rounds say nothing about the round trip.
const REMEMBERED: usize = 64;
