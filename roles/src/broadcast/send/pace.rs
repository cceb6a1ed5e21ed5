//! The sender's rate, and the number of datagrams that may be under way.
//!
//! The window keeps what no receiver has taken from its socket yet within the smallest receive buffer,
//! and grows from small to that. A rate spreads datagrams over time (generic cell rate algorithm):
//! fixed where one is asked for; otherwise there is none until a way proves too narrow.
//!
//! Links lose at random whatever the rate is; then slowing down only wastes time. So when more is lost
//! than before, the sender tries the rate at which the rest arrives: if less is lost then, a queue was
//! overflowing, and the way passes that much; if not, it goes on as before. A rate a little too high
//! does no harm: the narrow link is busy all the time, and what overflows is missing everywhere.

use std::time::{Duration, Instant};

use super::group::Key;
use super::loss::{Counts, Sample};

/// The pace of a session.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes of a full datagram.
    datagram: u64,
    /// Datagrams a second; `None` is as fast as receivers take them.
    rate: Option<f64>,
    /// Whether the rate is to be found out.
    auto: bool,
    /// A lower rate that is being tried.
    trial: Option<Trial>,
    /// The share lost whatever the rate is, of which nothing else is known yet: receivers that lose no
    /// more than one for whom a lower rate was no relief need no trial each.
    usual: f64,
    /// Datagrams that may be under way.
    window: u64,
    /// Datagrams sent when the window grew last.
    grown: u64,
    /// When the next datagram is due.
    due: Instant,
    /// Reports on earlier rounds say nothing about the present rate.
    changed: u32,
}

/// A lower rate that is being tried.
#[derive(Debug)]
struct Trial {
    /// The receiver for whom it is tried.
    receiver: Key,
    /// The rate before.
    before: Option<f64>,
    /// The share lost before.
    lost: f64,
    /// The arrival rate before, in datagrams a second.
    arriving: f64,
}

/// The verdict of a sample on the current rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateVerdict {
    /// The loss occurs at any rate.
    Usual,
    /// The same, though it is more than it was.
    Worse,
    /// Nothing yet.
    Open,
}

impl Pace {
    /// For datagrams of so many bytes; `rate` in bytes of datagrams a second.
    pub(super) fn new(datagram: usize, rate: Option<u64>, now: Instant) -> Self {
        let datagram = datagram as u64;
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52")]
        let rate = rate.map(|rate| rate as f64 / datagram as f64);
        Self {
            datagram,
            auto: rate.is_none(),
            trial: None,
            usual: 0.0,
            rate,
            window: FIRST_WINDOW,
            grown: 0,
            due: now,
            changed: 0,
        }
    }

    /// Returns how many datagrams may be under way if the smallest receive buffer has `buffer` bytes.
    pub(super) fn window(&self, buffer: u32) -> u64 {
        // The kernel charges a datagram with the memory that holds it, up to twice its bytes.
        let charge = self.datagram * 2 + 256;
        let fits = u64::from(buffer) * 4 / 5 / charge;
        self.window.min(fits).max(2)
    }

    /// Returns how many datagrams may go now, at most `most`; none before [`Self::due`].
    pub(super) fn allowance(&self, now: Instant, most: u64) -> u64 {
        let Some(rate) = self.rate else { return most };
        match now.checked_duration_since(self.due) {
            None => 0,
            // What a sender missed that was held up it may catch up with, to a degree.
            Some(late) => count(late.min(CATCH_UP).as_secs_f64() * rate)
                .max(quantum(rate))
                .min(most),
        }
    }

    /// When the next datagrams may go.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Takes note that `datagrams` were sent.
    pub(super) fn sent(&mut self, now: Instant, datagrams: u64) {
        if let Some(rate) = self.rate {
            #[expect(clippy::cast_precision_loss, reason = "a burst is small")]
            let cost = Duration::from_secs_f64(datagrams as f64 / rate);
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.due = self.due.max(earliest) + cost;
        }
    }

    /// Every receiver has taken what went before the last datagrams: `taken` of all that were sent.
    /// The first few datagrams fit any queue, so their losses occur at any rate. The window stays small until
    /// `first` tells how high these are.
    pub(super) fn taken(&mut self, taken: u64, first: Counts) {
        if self.window == FIRST_WINDOW && first.received < first.sent {
            if first.sent < ENOUGH || taken < FIRST_WINDOW * 4 {
                return;
            }
            self.usual = first.lost();
        }
        if taken >= self.grown + self.window && self.window < MOST_WINDOW {
            self.window *= 2;
            self.grown = taken;
        }
    }

    /// The round from which on the rate has been the same.
    pub(super) fn changed(&self) -> u32 {
        self.changed
    }

    /// Takes what reports show of the way to a receiver; `next` is the round to come.
    pub(super) fn learn(&mut self, receiver: Key, sample: Sample, next: u32) -> RateVerdict {
        if !self.auto {
            return RateVerdict::Usual;
        }
        let Some(trial) = self.trial.take() else {
            return self.watch(receiver, sample, next);
        };
        if trial.receiver != receiver && next < self.changed.saturating_add(LONGEST_TRIAL) {
            self.trial = Some(trial);
            return RateVerdict::Usual;
        }
        self.changed = next;
        if trial.receiver == receiver && sample.lost < trial.lost - RELIEF {
            let passing = trial.arriving / (1.0 - sample.lost).max(LEAST_PASSING);
            self.rate = Some(passing.max(LEAST_RATE));
            return RateVerdict::Usual;
        }
        self.rate = trial.before;
        if trial.receiver == receiver {
            self.usual = self.usual.max(sample.lost);
            RateVerdict::Worse
        } else {
            RateVerdict::Open
        }
    }

    fn watch(&mut self, receiver: Key, sample: Sample, next: u32) -> RateVerdict {
        if sample.lost > sample.floor.unwrap_or(self.usual) + EXCESS {
            let floor = self.rate.and(sample.floor).unwrap_or_default();
            let passing = sample.arriving / (1.0 - floor).max(LEAST_PASSING);
            self.trial = Some(Trial {
                receiver,
                before: self.rate,
                lost: sample.lost,
                arriving: sample.arriving,
            });
            let rate = self
                .rate
                .map_or(passing, |rate| passing.clamp(rate / 2.0, rate));
            self.rate = Some(rate.max(LEAST_RATE));
            self.changed = next;
            return RateVerdict::Open;
        }
        if let Some(rate) = self.rate {
            self.rate = Some(rate * GROWTH).filter(|rate| *rate < NO_RATE);
        }
        RateVerdict::Usual
    }
}

/// Datagrams that go at once: a millisecond's, so that a slow link's queue holds them.
fn quantum(rate: f64) -> u64 {
    count(rate / 1000.0).max(1)
}

/// A whole number of datagrams.
fn count(datagrams: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    #[expect(clippy::cast_sign_loss, reason = "`as` saturates")]
    let count = datagrams as u64;
    count
}

/// Datagrams of the first window: what the shortest queue of a link holds.
const FIRST_WINDOW: u64 = 16;
/// Datagrams that show what is lost of all, sent to one receiver or few each to many.
const ENOUGH: u64 = 128;
/// More under way gains nothing: it only leaves the processor's caches.
const MOST_WINDOW: u64 = 2048;
/// The longest delay that a sender may catch up on.
const CATCH_UP: Duration = Duration::from_millis(2);
/// Growth of the rate with each sample that nothing is wrong with.
const GROWTH: f64 = 1.02;
/// More than this share beyond what is lost at all times asks for a trial.
const EXCESS: f64 = 0.12;
/// A trial is a success if the share lost goes down by this.
const RELIEF: f64 = 0.06;
/// Some part of what is sent passes, else nothing can be done.
const LEAST_PASSING: f64 = 0.05;
/// A trial of so many rounds has lost its receiver.
const LONGEST_TRIAL: u32 = 512;
/// The lowest rate, in datagrams a second.
const LEAST_RATE: f64 = 20.0;
/// Rates above this one, in datagrams a second, need no pacing.
const NO_RATE: f64 = 2e6;
