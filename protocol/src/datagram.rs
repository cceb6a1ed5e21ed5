//! The datagrams of a broadcast: one sender, any number of receivers, files that all of them get.
//!
//! All numbers are big-endian. Every datagram begins with ten bytes:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | [`VERSION`] of this format |
//! | 1 | 1 | kind: 1 poll, 2 data, 3 report, 4 end |
//! | 2 | 4 | session: a random number that the sender chose |
//! | 6 | 4 | CRC-32C (RFC 3720 §12.1) of bytes 0 to 5 and of everything from byte 10 on |
//!
//! What follows depends on the kind:
//!
//! - **poll** (sender to all): round `u32`, upto `u32`, block size `u16`, manifest length `u32`, its
//!   SHA-256. It announces the session, and asks each receiver which blocks below *upto* it lacks.
//! - **data** (sender to all): block `u32`, then the block's bytes to the end of the datagram.
//! - **report** (receiver to the sender's address): round `u32` of the poll that it answers, receiver
//!   `u32` (a random number that it chose), buffer `u32` (bytes of its socket's receive buffer),
//!   state `u8` (0 receiving, 1 failed, 2 leaving after the end), proved `u32`, proof (32 bytes),
//!   count `u16`, then *count* ranges of missing blocks, each first `u32` and end `u32` (exclusive),
//!   in ascending order. Where the list does not fit, it is cut; a later poll brings the rest.
//! - **end** (sender to all): nothing. The session is over, whatever is still missing.
//!
//! Which bytes a block holds is said by the [`crate::manifest`]. A receiver proves that it has the
//! first *n* files by the chain over their SHA-256 digests `d`, each computed from what it stored:
//! `proof(0)` is 32 zero bytes, `proof(n)` is `SHA-256(proof(n-1) ‖ d(n))`.
//!
//! Kernels leave checksums of frames between virtual interfaces unfinished, so a datagram that was
//! damaged on an emulated link can pass UDP's own checksum; hence this one.

use std::ops::Range;

/// Version of the format, the first byte of each datagram.
pub const VERSION: u8 = 1;

/// Bytes in a data datagram before the block's own.
pub const DATA_HEADER: usize = HEADER + 4;

/// Bytes in a report before its ranges.
pub const REPORT_HEADER: usize = HEADER + 51;

/// Bytes of one range in a report.
pub const RANGE: usize = 8;

/// A datagram, borrowing the bytes of the buffer that it was decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The session that it belongs to.
    pub session: u32,
    /// What it says.
    pub message: Message<'a>,
}

/// What a datagram says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// The sender announces the session and asks what is missing.
    Poll(Poll),
    /// A piece of the manifest or of a file.
    Data {
        /// The block's number.
        block: u32,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A receiver's answer to a poll.
    Report(Report),
    /// The session is over.
    End,
}

/// The sender's announcement and question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Which question this is, counted from 0; a repetition keeps its number.
    pub round: u32,
    /// Blocks below this one were sent at least once.
    pub upto: u32,
    /// Bytes of a full block.
    pub block_size: u16,
    /// Bytes of the manifest.
    pub manifest_length: u32,
    /// The manifest's SHA-256.
    pub manifest_sha256: [u8; 32],
}

/// A receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The round that it answers.
    pub round: u32,
    /// Tells receivers at one address apart.
    pub receiver: u32,
    /// Bytes of its socket's receive buffer, as the kernel accounts for them.
    pub buffer: u32,
    /// How it fares.
    pub state: State,
    /// It has proved this many files, counted from the manifest's first.
    pub proved: u32,
    /// The chain over the digests of those files.
    pub proof: [u8; 32],
    /// Blocks that it lacks, ascending, perhaps not all.
    pub missing: Vec<Range<u32>>,
}

/// How a receiver fares.
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

/// Why bytes are not a datagram of this format. Receivers ignore such bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// Shorter than the kind's fixed part, or longer than what its counts say.
    #[error("a broadcast datagram of {0} bytes does not fit its kind")]
    Length(usize),
    /// Another version, or another protocol.
    #[error("a broadcast datagram of version {0}; this is version {VERSION}")]
    Version(u8),
    /// Changed on the way.
    #[error("a broadcast datagram with a wrong checksum")]
    Checksum,
    /// An unknown kind, state, or an empty or disordered range.
    #[error("a broadcast datagram with an unknown kind, state or range")]
    Content,
}

impl<'a> Datagram<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`DatagramError`] for anything that [`Datagram::encode`] did not write.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DatagramError> {
        let mut reader = Reader {
            rest: bytes,
            length: bytes.len(),
        };
        let [version, kind] = reader.take()?;
        if version != VERSION {
            return Err(DatagramError::Version(version));
        }
        let session = reader.u32()?;
        if reader.u32()? != checksum(bytes) {
            return Err(DatagramError::Checksum);
        }
        let message = match kind {
            POLL => Message::Poll(reader.poll()?),
            DATA => Message::Data {
                block: reader.u32()?,
                bytes: std::mem::take(&mut reader.rest),
            },
            REPORT => Message::Report(reader.report()?),
            END => Message::End,
            _ => return Err(DatagramError::Content),
        };
        match reader.rest {
            [] => Ok(Self { session, message }),
            _ => Err(DatagramError::Length(bytes.len())),
        }
    }

    /// The datagram's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, self.message.kind()];
        out.extend(self.session.to_be_bytes());
        out.extend([0; 4]);
        match &self.message {
            Message::Poll(poll) => {
                out.extend(poll.round.to_be_bytes());
                out.extend(poll.upto.to_be_bytes());
                out.extend(poll.block_size.to_be_bytes());
                out.extend(poll.manifest_length.to_be_bytes());
                out.extend(poll.manifest_sha256);
            }
            Message::Data { block, bytes } => {
                out.extend(block.to_be_bytes());
                out.extend_from_slice(bytes);
            }
            Message::Report(report) => report.encode(&mut out),
            Message::End => {}
        }
        seal(&mut out);
        out
    }
}

/// Turns a buffer whose bytes from [`DATA_HEADER`] on are a block's into that block's datagram, in
/// place. A buffer without room for the header is left as it is.
pub fn seal_data(session: u32, block: u32, buffer: &mut [u8]) {
    if let Some(header) = buffer.first_chunk_mut::<DATA_HEADER>() {
        header[..2].copy_from_slice(&[VERSION, DATA]);
        header[2..6].copy_from_slice(&session.to_be_bytes());
        header[HEADER..].copy_from_slice(&block.to_be_bytes());
        seal(buffer);
    }
}

impl Message<'_> {
    fn kind(&self) -> u8 {
        match self {
            Self::Poll(_) => POLL,
            Self::Data { .. } => DATA,
            Self::Report(_) => REPORT,
            Self::End => END,
        }
    }
}

impl Report {
    fn encode(&self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.missing.len()).unwrap_or(u16::MAX);
        for number in [self.round, self.receiver, self.buffer] {
            out.extend(number.to_be_bytes());
        }
        out.push(self.state as u8);
        out.extend(self.proved.to_be_bytes());
        out.extend(self.proof);
        out.extend(count.to_be_bytes());
        for range in self.missing.iter().take(count.into()) {
            out.extend(range.start.to_be_bytes());
            out.extend(range.end.to_be_bytes());
        }
    }
}

/// Takes fields off the front of a datagram.
struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DatagramError> {
        let (field, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DatagramError::Length(self.length))?;
        self.rest = rest;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, DatagramError> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, DatagramError> {
        self.take().map(u32::from_be_bytes)
    }

    fn poll(&mut self) -> Result<Poll, DatagramError> {
        Ok(Poll {
            round: self.u32()?,
            upto: self.u32()?,
            block_size: self.u16()?,
            manifest_length: self.u32()?,
            manifest_sha256: self.take()?,
        })
    }

    fn report(&mut self) -> Result<Report, DatagramError> {
        let mut report = Report {
            round: self.u32()?,
            receiver: self.u32()?,
            buffer: self.u32()?,
            state: self.state()?,
            proved: self.u32()?,
            proof: self.take()?,
            missing: Vec::new(),
        };
        let mut from = 0;
        for _ in 0..self.u16()? {
            let range = self.u32()?..self.u32()?;
            if range.start < from || range.is_empty() {
                return Err(DatagramError::Content);
            }
            from = range.end;
            report.missing.push(range);
        }
        Ok(report)
    }

    fn state(&mut self) -> Result<State, DatagramError> {
        match self.take()? {
            [0] => Ok(State::Receiving),
            [1] => Ok(State::Failed),
            [2] => Ok(State::Leaving),
            _ => Err(DatagramError::Content),
        }
    }
}

fn seal(datagram: &mut [u8]) {
    let sum = checksum(datagram).to_be_bytes();
    datagram[SUM].copy_from_slice(&sum);
}

/// Of a datagram that has at least a header.
fn checksum(datagram: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&datagram[..SUM.start]), &datagram[SUM.end..])
}

const HEADER: usize = 10;
const SUM: Range<usize> = 6..HEADER;
const POLL: u8 = 1;
const DATA: u8 = 2;
const REPORT: u8 = 3;
const END: u8 = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reports() -> impl Strategy<Value = Report> {
        let numbers = any::<(u32, u32, u32, u32, [u8; 32])>();
        let cuts = proptest::collection::btree_set(any::<u32>(), 0..20);
        (numbers, 0..3_u8, cuts).prop_map(
            |((round, receiver, buffer, proved, proof), state, cuts)| {
                let cuts: Vec<u32> = cuts.into_iter().collect();
                Report {
                    round,
                    receiver,
                    buffer,
                    state: [State::Receiving, State::Failed, State::Leaving][usize::from(state)],
                    proved,
                    proof,
                    missing: cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect(),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_report_is_decoded_as_it_was_encoded(session: u32, report in reports()) {
            let length = REPORT_HEADER + RANGE * report.missing.len();
            let sent = Datagram { session, message: Message::Report(report) };
            let bytes = sent.encode();
            prop_assert_eq!(bytes.len(), length);
            prop_assert_eq!(Datagram::decode(&bytes), Ok(sent));
        }

        #[test]
        fn a_block_sealed_in_place_is_the_encoded_one(session: u32, block: u32, bytes: Vec<u8>) {
            let mut buffer = vec![0; DATA_HEADER];
            buffer.extend(&bytes);
            seal_data(session, block, &mut buffer);
            let sent = Datagram { session, message: Message::Data { block, bytes: &bytes } };
            prop_assert_eq!(&buffer, &sent.encode());
            prop_assert_eq!(Datagram::decode(&buffer), Ok(sent));
        }

        #[test]
        fn a_changed_or_cut_datagram_is_refused(report in reports(), place: prop::sample::Index, flip in 1..=255_u8) {
            let mut bytes = Datagram { session: 7, message: Message::Report(report) }.encode();
            let place = place.index(bytes.len());
            prop_assert!(Datagram::decode(&bytes[..place]).is_err());
            bytes[place] ^= flip;
            prop_assert!(Datagram::decode(&bytes).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(kind in 0..6_u8, mut bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Datagram::decode(&bytes);
            if bytes.len() >= HEADER {
                bytes[..2].copy_from_slice(&[VERSION, kind]);
                seal(&mut bytes);
                let _ = Datagram::decode(&bytes);
            }
        }
    }

    #[test]
    fn polls_and_ends_survive_the_wire() {
        let poll = Poll {
            round: 3,
            upto: 70_000,
            block_size: 1458,
            manifest_length: 99,
            manifest_sha256: [5; 32],
        };
        for message in [Message::Poll(poll), Message::End] {
            let sent = Datagram {
                session: 0xfeed,
                message,
            };
            assert_eq!(Datagram::decode(&sent.encode()), Ok(sent));
        }
    }
}
