//! The way to a receiver, as its reports show it: how much is lost, and how fast the rest arrives.

use std::iter::Sum;

/// The way to one receiver.
#[derive(Debug, Default)]
pub(super) struct PathEstimate {
    first: Option<Mark>,
    last: Option<Mark>,
    /// The datagrams sent since the first moment, and those that arrived.
    counts: Counts,
    /// The round from which on the sender's rate has been the same.
    since: u32,
    /// The share lost at all times.
    floor: Option<f64>,
    /// The share lost lately, smoothed.
    share: Option<f64>,
}

/// A moment in which both ends' counts are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// Data datagrams sent.
    pub(super) sent: u64,
    /// Data datagrams received; modulo 2³².
    pub(super) received: u32,
    /// The receiver's clock in microseconds; modulo 2³².
    pub(super) clock: u32,
}

/// Datagrams since a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// The number of datagrams sent.
    pub(super) sent: u64,
    /// The number of datagrams that arrived.
    pub(super) received: u64,
}

/// The difference between two moments, between which the sender's rate stayed the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// The share lost.
    pub(super) lost: f64,
    /// The share lost at other times, if that is known.
    pub(super) floor: Option<f64>,
    /// Datagrams a second that arrived.
    pub(super) arriving: f64,
}

impl Counts {
    /// The share lost; of few datagrams rather less than it seems.
    pub(super) fn lost(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let (sent, received) = (self.sent as f64, self.received as f64);
        ((sent - received) / (sent + 1.0)).max(0.0)
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, counts| Self {
            sent: sum.sent + counts.sent,
            received: sum.received + counts.received,
        })
    }
}

impl PathEstimate {
    /// Takes note of a moment; says what was since another one, once enough was sent. The rate has been
    /// the same since the round `since`.
    pub(super) fn learn(&mut self, mark: Mark, since: u32) -> Option<Sample> {
        let first = self.first.get_or_insert(mark);
        self.counts = Counts {
            sent: mark.sent.saturating_sub(first.sent),
            received: mark.received.wrapping_sub(first.received).into(),
        };
        let last = self.last.filter(|_| self.since == since);
        self.since = since;
        let Some(last) = last else {
            self.last = Some(mark);
            return None;
        };
        let sent = mark.sent.checked_sub(last.sent)?;
        let received = f64::from(mark.received.wrapping_sub(last.received));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let sent = sent as f64;
        let lost = (1.0 - received / sent.max(1.0)).clamp(0.0, 1.0);
        if sent < SAMPLE.max(lost * (1.0 - lost) / (STRAY * STRAY)) {
            return None;
        }
        self.last = Some(mark);
        let seconds = f64::from(mark.clock.wrapping_sub(last.clock)) / 1e6;
        let share = self.share.unwrap_or(lost);
        self.share = Some(share + (lost - share) * DRIFT);
        Some(Sample {
            lost,
            floor: self.floor,
            arriving: received / seconds.max(SHORTEST),
        })
    }

    /// Takes note of a loss that is not due to too high a rate.
    pub(super) fn settle(&mut self, lost: f64) {
        let floor = self.floor.unwrap_or(lost);
        self.floor = Some(lost.min(floor + (lost - floor) * DRIFT));
    }

    /// Takes note of a loss that does not depend on the rate.
    pub(super) fn accept(&mut self, lost: f64) {
        self.floor = Some(lost);
    }

    /// The share of datagrams that is lost on the way, once enough of them were sent.
    pub(super) fn share(&self) -> Option<f64> {
        self.share
    }

    /// Datagrams since the first moment.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

/// Fewer datagrams say too little.
const SAMPLE: f64 = 256.0;
/// Nor does a sample say enough whose share strays by more than this (the standard deviation of a
/// binomial share): of many receivers one would always seem to lose more than before.
const STRAY: f64 = 0.017;
/// The speed at which the floor follows higher values, and the smoothed share follows the losses.
const DRIFT: f64 = 0.1;
/// Times below this, in seconds, are the clock's noise.
const SHORTEST: f64 = 1e-5;
