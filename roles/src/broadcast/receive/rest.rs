//! The time for which a receiver may leave its socket alone.
//!
//! Waking up for a datagram costs more than reading it. Where they come one by one in a steady stream,
//! as over a narrow link, a receiver rests after it has read all and then takes several at a time, as
//! network cards moderate their interrupts. Where many receivers share a machine, that is what they
//! have their processors for.

use std::time::{Duration, Instant};

/// The stream as it came in last.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// When the datagrams that are being counted began to come, and how many came since.
    begun: Option<Instant>,
    counted: u32,
    /// Number of counts in a row that found it steady.
    steady: u32,
}

impl Rest {
    /// Until when to rest, after a look at the socket that has brought so many datagrams and all that
    /// there were. After one that has brought none, the next one is waited for.
    pub(super) fn after(&mut self, brought: u32, now: Instant) -> Option<Instant> {
        let begun = *self.begun.get_or_insert(now);
        self.counted += brought;
        if self.counted >= COUNTED {
            let gap = (now - begun) / self.counted;
            let is_steady = GAPS.contains(&gap);
            self.steady = if is_steady {
                self.steady.saturating_add(1)
            } else {
                0
            };
            self.begun = Some(now);
            self.counted = 0;
        }
        (self.steady >= COUNTS && brought > 0).then(|| now + REST)
    }
}

/// Long beside a datagram at a narrow link's rate, short beside whatever waits for an answer.
const REST: Duration = Duration::from_millis(1);

/// Mean times between datagrams at which to rest. Where they come faster, several are there at each
/// look anyway, and the sender adapts to answers that are to come at once; where they come slower, a
/// rest saves nothing.
const GAPS: std::ops::Range<Duration> = Duration::from_micros(25)..Duration::from_micros(500);

/// Datagrams from which the time between them is known.
const COUNTED: u32 = 64;

/// Counts in a row that make it a steady stream: the first also holds what went before it.
const COUNTS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it rests after datagrams that came in looks of so many each, with such gaps between.
    fn rests(looks: u32, brought: u32, gap: Duration) -> bool {
        let (mut rest, mut now) = (Rest::default(), Instant::now());
        let mut last = None;
        for _ in 0..looks {
            now += gap * brought;
            last = rest.after(brought, now);
        }
        last.is_some()
    }

    #[test]
    fn it_rests_in_a_steady_stream_only() {
        let narrow = Duration::from_micros(120);
        assert!(rests(256, 1, narrow));
        assert!(rests(32, 8, narrow));
        assert!(!rests(128, 1, narrow), "a few datagrams are no stream");
        assert!(!rests(1000, 8, Duration::from_micros(2)));
        assert!(!rests(1000, 1, Duration::from_millis(2)));
    }

    #[test]
    fn after_a_rest_that_brought_nothing_it_waits() {
        let (mut rest, mut now) = (Rest::default(), Instant::now());
        for _ in 0..256 {
            now += Duration::from_micros(100);
            rest.after(1, now);
        }
        assert_eq!(rest.after(1, now), Some(now + REST));
        assert_eq!(rest.after(0, now + REST), None);
    }
}
