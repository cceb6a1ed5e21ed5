//! A receiver's answer to a poll.

use super::datagram::DatagramError;
use super::hash::NOTHING_PROVED;
use super::reader::Reader;
use super::symbols::SymbolSet;

/// The report of a receiver: the parts it has, and those it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The round that it answers.
    pub round: u32,
    /// Tells receivers at one address apart; a random number.
    pub receiver: u32,
    /// Its state.
    pub state: State,
    /// Bytes of its socket's receive buffer, as the kernel accounts for them.
    pub buffer: u32,
    /// Data datagrams of this session that it has taken from its socket, repetitions included;
    /// modulo 2³².
    pub received: u32,
    /// Its clock when it took the poll from its socket, in microseconds from any start; modulo 2³².
    pub clock: u32,
    /// It has proved this many files, counted from the manifest's first.
    pub proved: u32,
    /// The chain over the hashes of those files (see [`super::hash::extend_proof`]).
    pub proof: [u8; 32],
    /// It has all blocks below this one.
    pub base: u32,
    /// It has all blocks from `base` up to this one that `wants` does not list; of later ones the
    /// report says nothing.
    pub known: u32,
    /// Blocks that it lacks something of, ascending.
    pub wants: Vec<Want>,
}

/// The state of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// It takes part.
    Receiving = 0,
    /// It gave up, for want of space for example.
    Failed = 1,
    /// It has seen the session's end.
    Leaving = 2,
}

/// The part of a block that a receiver lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The block.
    pub block: u32,
    /// The number of symbols that it still needs, at least 1; any symbols will do.
    pub need: u16,
    /// The source symbols that it lacks, perhaps not all.
    pub missing: SymbolSet,
}

impl Report {
    /// A report that says nothing but that the end was seen.
    pub fn leaving() -> Self {
        Self {
            round: 0,
            receiver: 0,
            state: State::Leaving,
            buffer: 0,
            received: 0,
            clock: 0,
            proved: 0,
            proof: NOTHING_PROVED,
            base: 0,
            known: 0,
            wants: Vec::new(),
        }
    }

    pub(super) fn read(round: u32, reader: &mut Reader<'_>) -> Result<Self, DatagramError> {
        let mut report = Self {
            round,
            receiver: reader.u32()?,
            state: State::read(reader)?,
            buffer: reader.u32()?,
            received: reader.u32()?,
            clock: reader.u32()?,
            proved: reader.u32()?,
            proof: reader.array()?,
            base: reader.u32()?,
            known: reader.u32()?,
            wants: Vec::new(),
        };
        let mut from = report.base;
        while !reader.0.is_empty() {
            let want = Want::read(reader)?;
            if want.block < from || want.block >= report.known {
                return Err(DatagramError::Content);
            }
            from = want.block + 1;
            report.wants.push(want);
        }
        Ok(report)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, room: usize) {
        out.extend(self.receiver.to_be_bytes());
        out.push(self.state as u8);
        for number in [self.buffer, self.received, self.clock, self.proved] {
            out.extend(number.to_be_bytes());
        }
        out.extend(self.proof);
        out.extend(self.base.to_be_bytes());
        let known = out.len();
        out.extend(self.known.to_be_bytes());
        for want in &self.wants {
            let before = out.len();
            want.write(out);
            if out.len() > room && !want.write_shorter(out, before, room) {
                out[known..known + 4].copy_from_slice(&want.block.to_be_bytes());
                return;
            }
        }
    }
}

impl State {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DatagramError> {
        match reader.array()? {
            [0] => Ok(Self::Receiving),
            [1] => Ok(Self::Failed),
            [2] => Ok(Self::Leaving),
            _ => Err(DatagramError::Content),
        }
    }
}

impl Want {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DatagramError> {
        let (block, need, form) = (reader.u32()?, reader.u16()?, reader.u16()?);
        let count = usize::from(form & !BITS);
        let missing = if form & BITS == 0 {
            SymbolSet::read_ranges(reader, count)?
        } else {
            SymbolSet::read_bits(reader.slice(count)?)?
        };
        if need == 0 || missing.is_empty() || block == u32::MAX {
            return Err(DatagramError::Content);
        }
        Ok(Self {
            block,
            need,
            missing,
        })
    }

    /// As ranges or as bits, whichever is shorter.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.block.to_be_bytes());
        out.extend(self.need.to_be_bytes());
        let (ranges, bits) = (self.missing.ranges().count(), self.missing.bit_bytes());
        if ranges * 4 <= bits.len() {
            out.extend(count(ranges).to_be_bytes());
            self.missing.write_ranges(out, ranges);
        } else {
            out.extend((count(bits.len()) | BITS).to_be_bytes());
            out.extend(bits);
        }
    }

    /// Writes again, from `at` on, as many ranges as there is room for; says whether it did.
    fn write_shorter(&self, out: &mut Vec<u8>, at: usize, room: usize) -> bool {
        out.truncate(at);
        let ranges = room.saturating_sub(at + WANT) / 4;
        if ranges < WORTH_CUTTING {
            return false;
        }
        let ranges = ranges.min(self.missing.ranges().count());
        out.extend(self.block.to_be_bytes());
        out.extend(self.need.to_be_bytes());
        out.extend(count(ranges).to_be_bytes());
        self.missing.write_ranges(out, ranges);
        true
    }
}

/// A set of symbols is far smaller than this.
fn count(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX) & !BITS
}

/// Set in a want's form where bits follow instead of ranges.
const BITS: u16 = 1 << 15;
/// Bytes of a want before its ranges or bits.
const WANT: usize = 8;
/// A want with fewer ranges is left for the next report.
const WORTH_CUTTING: usize = 8;
