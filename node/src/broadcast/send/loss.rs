//! What a receiver's reports say about the way to it: how much is lost, and whether because of too
//! high a rate.
//!
//! Links lose at random whatever the rate is; then slowing down only wastes time. Loss beyond the
//! least that was seen lately is taken for an overflowing queue, until a lower rate does not lessen it.

use std::collections::VecDeque;

/// The way to one receiver.
#[derive(Debug, Default)]
pub(super) struct Way {
    last: Option<Mark>,
    /// Upper bounds of the share lost, of recent samples.
    bounds: VecDeque<f64>,
    /// The share lost, smoothed.
    share: f64,
    /// The share lost when the rate was lowered last; until a sample shows what that did.
    suspected: Option<f64>,
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

/// What two moments show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Traffic {
    /// No more is lost than at other times.
    Clear,
    /// The way is too narrow: so many datagrams a second would fill it, lost ones included.
    Jammed(f64),
}

impl Way {
    /// Takes note of a moment; says what it shows, once enough was sent since the last one.
    pub(super) fn learn(&mut self, mark: Mark) -> Option<Traffic> {
        let Some(last) = self.last else {
            self.last = Some(mark);
            return None;
        };
        let sent = mark.sent.checked_sub(last.sent)?;
        if sent < LEAST_SAMPLE {
            return None;
        }
        self.last = Some(mark);
        let received = f64::from(mark.received.wrapping_sub(last.received));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let sent = sent as f64;
        let lost = (1.0 - received / sent).clamp(0.0, 1.0);
        let seconds = f64::from(mark.clock.wrapping_sub(last.clock)) / 1e6;
        Some(self.judge(lost, sent, received / seconds.max(SHORTEST)))
    }

    /// The share of datagrams that is lost on the way.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    fn judge(&mut self, lost: f64, sent: f64, arriving: f64) -> Traffic {
        self.share += (lost - self.share) * SMOOTHING;
        let doubt = 2.0 * (lost * (1.0 - lost) / sent).sqrt() + 1.0 / sent;
        if self
            .suspected
            .take()
            .is_some_and(|before| lost + doubt >= before)
        {
            // It was not the rate.
            self.bounds.clear();
        }
        let floor = self.bounds.iter().copied().reduce(f64::min);
        if self.bounds.len() == MEMORY {
            self.bounds.pop_front();
        }
        self.bounds.push_back(lost + doubt);
        match floor {
            Some(floor) if lost - doubt > floor + TOLERANCE => {
                self.suspected = Some(lost);
                Traffic::Jammed(arriving / (1.0 - floor).max(LEAST_PASSING))
            }
            _ => Traffic::Clear,
        }
    }
}

/// Fewer datagrams say too little.
const LEAST_SAMPLE: u64 = 16;
/// Recent samples that the least loss is taken from.
const MEMORY: usize = 32;
/// How fast the smoothed share follows.
const SMOOTHING: f64 = 0.25;
/// Loss beyond the least that is no reason to slow down.
const TOLERANCE: f64 = 0.02;
/// Some part of what is sent passes, else nothing can be done.
const LEAST_PASSING: f64 = 0.05;
/// Times below this, in seconds, are the clock's noise.
const SHORTEST: f64 = 1e-5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A way that first loses `before` and then `after` thousandths, whatever the rate.
    fn jams(before: u32, after: u32) -> usize {
        let mut way = Way::default();
        let mut mark = Mark {
            sent: 0,
            received: 0,
            clock: 0,
        };
        let mut jams = 0;
        for lost in std::iter::repeat_n(before, 50).chain(std::iter::repeat_n(after, 50)) {
            mark.sent += 1000;
            mark.received += 1000 - lost;
            mark.clock += 1000;
            jams += usize::from(matches!(way.learn(mark), Some(Traffic::Jammed(_))));
        }
        jams
    }

    #[test]
    fn steady_loss_is_no_jam() {
        assert_eq!([jams(0, 0), jams(10, 10), jams(300, 300)], [0, 0, 0]);
    }

    #[test]
    fn loss_that_a_lower_rate_does_not_lessen_is_soon_taken_as_it_is() {
        assert_eq!(jams(0, 200), 1);
        assert_eq!(jams(200, 10), 0);
    }

    #[test]
    fn a_jam_says_what_passes() {
        let mut way = Way::default();
        for (sent, received) in [(0, 0), (1000, 1000), (2000, 2000)] {
            way.learn(Mark {
                sent,
                received,
                clock: received * 100,
            });
        }
        let jammed = Mark {
            sent: 4000,
            received: 3000,
            clock: 300_000,
        };
        let Some(Traffic::Jammed(rate)) = way.learn(jammed) else {
            unreachable!("half of it was lost");
        };
        assert!((9_900.0..10_300.0).contains(&rate), "{rate}");
    }
}
