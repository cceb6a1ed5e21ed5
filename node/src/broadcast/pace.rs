//! How much a sender sends between two polls, and how fast.
//!
//! The window is what the receivers' buffers hold, and less where links lose much of it. A rate, where
//! one is asked for, is held by the generic cell rate algorithm with a burst of one millisecond.

use std::time::{Duration, Instant};

/// The sender's pace.
#[derive(Debug)]
pub(super) struct Pace {
    block_size: u16,
    /// Bytes of data a second, headers excluded; `None` is as fast as receivers answer.
    rate: Option<u64>,
    /// Blocks between two polls.
    window: u32,
    /// When the next block may go.
    next: Instant,
}

impl Pace {
    pub(super) fn new(block_size: u16, rate: Option<u64>, now: Instant) -> Self {
        Self {
            block_size,
            rate,
            window: FIRST_WINDOW,
            next: now,
        }
    }

    /// How many blocks may go before the next poll, where the smallest buffer among the receivers has
    /// `buffer` bytes.
    pub(super) fn window(&self, buffer: u32) -> u32 {
        // The kernel charges a datagram with the memory that holds it, more than its bytes; a quarter
        // of the buffer stays free for polls and what else arrives.
        let charge = u32::from(self.block_size) * 5 / 4 + 1024;
        let fits = buffer / 4 * 3 / charge;
        // Receivers are to be asked ten times a second however slow the rate is.
        let in_time = self.rate.map_or(u64::from(u32::MAX), |rate| {
            rate / 10 / u64::from(self.block_size)
        });
        let in_time = u32::try_from(in_time).unwrap_or(u32::MAX);
        self.window.min(fits).min(in_time).max(1)
    }

    /// Learns from a round in which, of `sent` new blocks, the worst receiver lacks `lost`.
    pub(super) fn learn(&mut self, sent: u32, lost: u32) {
        if lost > sent / 4 {
            self.window = (self.window / 2).max(LEAST_WINDOW);
        } else if sent > 0 {
            self.window = (self.window * 2).min(MOST_WINDOW);
        }
    }

    /// Until when the next block has to wait, if it has to.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        (self.rate.is_some() && self.next > now).then_some(self.next)
    }

    /// A block of `length` bytes went out.
    pub(super) fn sent(&mut self, now: Instant, length: u16) {
        if let Some(rate) = self.rate {
            let cost = Duration::from_nanos(u64::from(length) * 1_000_000_000 / rate.max(1));
            let earliest = now.checked_sub(BURST).unwrap_or(now);
            self.next = self.next.max(earliest) + cost;
        }
    }
}

/// Blocks of the first round.
const FIRST_WINDOW: u32 = 32;
/// Fewer blocks than these make the polls outweigh the data.
const LEAST_WINDOW: u32 = 16;
/// More blocks than these gain nothing, and a switch may have to hold them all.
const MOST_WINDOW: u32 = 512;
/// What a sender that was held up may catch up with at once.
const BURST: Duration = Duration::from_millis(1);
