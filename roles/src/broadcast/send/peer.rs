//! One receiver as its sender knows it.

use std::time::{Duration, Instant};

use protocol::broadcast::{Report, State};

use super::loss::PathEstimate;

/// A receiver.
#[derive(Debug)]
pub(super) struct Peer {
    /// The last round that it answered.
    answered: u32,
    /// Number of questions in a row that it did not answer in time.
    missed: u32,
    /// Nobody waits for it until it is heard again.
    lagging: bool,
    /// When the first poll went out that it has left unanswered.
    silent_since: Option<Instant>,
    /// When it was heard first.
    pub(super) joined: Instant,
    /// When it was heard last.
    heard: Instant,
    /// Its receive buffer in bytes.
    pub(super) buffer: u32,
    /// It has all blocks below this one.
    pub(super) base: u32,
    /// Smoothed time from poll to answer.
    pub(super) round_trip: Duration,
    /// The way to it.
    pub(super) path: PathEstimate,
    /// Files that it has proved.
    pub(super) proved: u32,
    /// It acknowledged the end.
    pub(super) left: bool,
    /// Why it was given up.
    pub(super) lost: Option<String>,
}

impl Peer {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            answered: 0,
            missed: 0,
            lagging: false,
            silent_since: None,
            joined: now,
            heard: now,
            buffer: 0,
            base: 0,
            round_trip: Duration::ZERO,
            path: PathEstimate::default(),
            proved: 0,
            left: false,
            lost: None,
        }
    }

    /// Takes note of a report; `sampled` is the time since the poll that it answers. Says whether it
    /// has got further, or lacks something.
    pub(super) fn heard(
        &mut self,
        now: Instant,
        report: &Report,
        sampled: Option<Duration>,
    ) -> bool {
        let news = report.base > self.base || report.proved > self.proved;
        if report.round >= self.answered {
            self.answered = report.round;
            self.base = report.base;
        }
        self.missed = 0;
        self.lagging = false;
        self.silent_since = None;
        self.heard = now;
        self.buffer = report.buffer;
        if let Some(sample) = sampled {
            self.round_trip = if self.round_trip.is_zero() {
                sample
            } else {
                (self.round_trip * 7 + sample) / 8
            };
        }
        match report.state {
            State::Receiving => {}
            State::Leaving => self.left = true,
            State::Failed => self.lost = Some("it reported that it could not go on".into()),
        }
        news || !report.wants.is_empty()
    }

    /// A poll went out: from now on it is silent if it does not answer.
    pub(super) fn polled(&mut self, now: Instant) {
        self.silent_since.get_or_insert(now);
    }

    /// The time for answers to the round is over.
    pub(super) fn overdue(&mut self, now: Instant, round: u32) {
        if self.answered < round {
            self.missed += 1;
            let grace = LAG + self.round_trip * 4;
            self.lagging = self.missed >= MOST_MISSED && self.is_silent_for(now, grace);
        }
    }

    /// Whether it left several questions in a row unanswered: nobody waits for it until it is heard.
    pub(super) fn is_lagging(&self) -> bool {
        self.lagging
    }

    /// Whether it was last heard before the other one was first: then that may be what it has become
    /// after a restart.
    pub(super) fn is_succeeded_by(&self, other: &Self) -> bool {
        self.is_lagging() && self.heard < other.joined
    }

    /// Whether it has been silent for so long.
    pub(super) fn is_silent_for(&self, now: Instant, patience: Duration) -> bool {
        self.silent_since
            .is_some_and(|since| now.saturating_duration_since(since) >= patience)
    }

    /// The last round that it answered.
    pub(super) fn answered(&self) -> u32 {
        self.answered
    }

    /// Whether it is still to get something.
    pub(super) fn is_unfinished(&self, files: u32) -> bool {
        self.lost.is_none() && self.proved < files
    }
}

/// Polls and answers are lost like anything else; so many in a row rarely are.
const MOST_MISSED: u32 = 4;
/// A receiver may be busy that long with what it has received.
const LAG: Duration = Duration::from_millis(100);
