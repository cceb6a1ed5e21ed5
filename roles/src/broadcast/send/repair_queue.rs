//! The queue of repairs: what receivers lack, and how it is sent again.
//!
//! A block is repaired once everybody has spoken of it who is waited for, so that what two receivers
//! lack is sent once: either the union of the lost source symbols again, or as many parity symbols as
//! the worst receiver needs, whichever takes less time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use protocol::broadcast::{Block, Layout, SymbolSet, Want};

/// All blocks that somebody lacks something of.
#[derive(Debug, Default)]
pub(super) struct RepairQueue {
    blocks: BTreeMap<u32, BlockRepair>,
}

/// A block that somebody lacks something of.
#[derive(Debug, Default)]
struct BlockRepair {
    /// Reports on earlier rounds do not know what was sent since.
    since: u32,
    /// The largest demand for parity that any receiver has.
    call: Call,
    /// The source symbols that receivers lack.
    missing: SymbolSet,
    /// Parity symbols that were sent.
    parity: u16,
    /// The symbols to be sent, again or for the first time.
    queue: VecDeque<u16>,
}

/// A receiver's demand for parity.
#[derive(Debug, Clone, Copy, Default)]
struct Call {
    /// Symbols that it needs.
    need: u16,
    /// The share of datagrams that it loses.
    lost: f64,
}

/// The conditions that decide how blocks are repaired.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions {
    /// The time that one datagram takes, in the sender and on the link.
    pub(super) datagram: Duration,
    /// The share of datagrams that the worst receiver loses.
    pub(super) lost: f64,
    /// The number of receivers.
    pub(super) receivers: usize,
    /// The cost of another round: a round trip where there is nothing else to send.
    pub(super) round: Duration,
}

impl RepairQueue {
    /// A receiver that loses such a share of datagrams lacks something, according to its answer to a
    /// round.
    pub(super) fn note(&mut self, round: u32, want: &Want, block: &Block, lost: f64) {
        let repair = self
            .blocks
            .entry(want.block)
            .or_insert_with(|| BlockRepair {
                since: round,
                ..BlockRepair::default()
            });
        if !repair.queue.is_empty() || round < repair.since {
            return;
        }
        let mut missing = want.missing.clone();
        missing.truncate(block.source());
        if !missing.is_empty() {
            let need = want.need.min(missing.count());
            let call = Call { need, lost };
            if call.symbols() > repair.call.symbols() {
                repair.call = call;
            }
            repair.missing.unite(&missing);
        }
    }

    /// Decides how to repair the blocks that everybody who is waited for has spoken of, having
    /// answered the round `answered`.
    pub(super) fn plan(&mut self, answered: u32, layout: &Layout, conditions: Conditions) {
        for (&number, repair) in &mut self.blocks {
            let open = repair.call.need > 0 && repair.queue.is_empty() && repair.since <= answered;
            if let (true, Some(block)) = (open, layout.block(number)) {
                repair.plan(&block, conditions);
            }
        }
    }

    /// The next symbols to send, at most so many, with their block's number; `next` is the round
    /// whose answers will know of them.
    pub(super) fn next(
        &mut self,
        most: usize,
        next: u32,
        layout: &Layout,
    ) -> Option<(u32, Vec<u16>)> {
        let waiting = |(_, repair): &(&u32, &mut BlockRepair)| !repair.queue.is_empty();
        let (&number, repair) = self.blocks.iter_mut().find(waiting)?;
        let end = layout.block(number)?.source() - 1;
        // A short symbol can only be the last of a burst.
        let short = repair.queue.iter().position(|&symbol| symbol == end);
        let most = short.map_or(most, |at| most.min(at + 1));
        let symbols: Vec<u16> = repair.queue.drain(..most.min(repair.queue.len())).collect();
        if repair.queue.is_empty() {
            repair.since = next;
            repair.call = Call::default();
            repair.missing = SymbolSet::default();
        }
        Some((number, symbols))
    }

    /// Whether something is to be sent.
    pub(super) fn is_waiting(&self) -> bool {
        self.blocks.values().any(|repair| !repair.queue.is_empty())
    }

    /// Everybody has the blocks below this one.
    pub(super) fn forget_below(&mut self, base: u32) {
        self.blocks = self.blocks.split_off(&base);
    }
}

impl BlockRepair {
    fn plan(&mut self, block: &Block, conditions: Conditions) {
        let rest = block.parity() - self.parity.min(block.parity());
        let parity = self.call.parity(conditions).min(rest);
        let resend = self.missing.count();
        let bytes = u32::from(block.source()) * u32::from(block.symbol_size);
        let decoding = BEGINNING + DECODING * bytes;
        let (copies, resending) = conditions.resending(resend);
        let cheaper = conditions.datagram * u32::from(parity) + decoding < resending;
        if parity > 0 && cheaper {
            let first = block.source() + self.parity;
            self.parity += parity;
            self.queue.extend(first..first + parity);
        } else {
            for _copy in 0..copies {
                self.queue.extend(self.missing.iter());
            }
        }
    }
}

impl Call {
    /// Returns the mean number of datagrams that bring it the symbols it needs.
    fn symbols(self) -> f64 {
        f64::from(self.need) / (1.0 - self.lost).max(LEAST_PASSING)
    }

    /// Returns how many parity symbols to send. Where another round costs time, one round should suffice.
    fn parity(self, conditions: Conditions) -> u16 {
        let deviations = if conditions.round.is_zero() { 0.0 } else { 2.0 };
        let spread =
            (f64::from(self.need) * self.lost).sqrt() / (1.0 - self.lost).max(LEAST_PASSING);
        let symbols = (self.symbols() + deviations * spread).ceil();
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        #[expect(clippy::cast_sign_loss, reason = "`as` saturates")]
        let symbols = symbols as u16;
        symbols
    }
}

impl Conditions {
    /// In how many copies symbols are to be sent again so that it takes the least time, and that time: of
    /// what is sent again all must arrive, of parity there is some to spare.
    fn resending(self, symbols: u16) -> (u16, Duration) {
        let lackers =
            u32::try_from(self.receivers).map_or(1.0, |count| self.lost * f64::from(count));
        let each = f64::from(symbols) * lackers.max(1.0);
        let time = |copies: u16| {
            let lost = self.lost.powi(copies.into());
            let all_arrive = (1.0 - lost).powf(each);
            let again = self.round.mul_f64(1.0 - all_arrive);
            // What is lost again goes out again, and again.
            let sent = f64::from(symbols * copies) / (1.0 - lost).max(LEAST_PASSING);
            (copies, self.datagram.mul_f64(sent) + again)
        };
        let times = (1..=MOST_COPIES).map(time);
        times
            .min_by_key(|(_, time)| *time)
            .unwrap_or((1, Duration::ZERO))
    }
}

/// Some part of what is sent arrives.
const LEAST_PASSING: f64 = 0.1;
/// Copies of a symbol in one round, at most.
const MOST_COPIES: u16 = 8;
/// The time that encoding and decoding take before the first byte: for the code's tables, and memory.
const BEGINNING: Duration = Duration::from_millis(1);
/// The time that encoding and decoding take for each byte of a block.
const DECODING: Duration = Duration::from_nanos(2);
