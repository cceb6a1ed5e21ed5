//! Datagrams: a header of 16 bytes, and what a datagram says.

use std::ops::Range;

use super::poll::Poll;
use super::reader::Reader;
use super::report::Report;
use super::seal::Seal;

/// Version of the format, the first byte of each datagram.
pub const VERSION: u8 = 4;

/// Bytes in a datagram before what it carries.
pub const HEADER: usize = 16;

/// A datagram, borrowing the bytes of the buffer that it was decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The session that it belongs to: a random number that the sender chose.
    pub session: u32,
    /// Its message.
    pub message: Message<'a>,
}

/// The message of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// A symbol of a block (sender to all).
    Data {
        /// The block's number.
        block: u32,
        /// The symbol's number in the block; those from the block's source count on are parity.
        symbol: u16,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// The sender announces the session and asks what is missing (sender to all).
    Poll(Poll),
    /// A receiver's answer (receiver to sender).
    Report(Report),
    /// The session is over, whatever is still missing (sender to all).
    End,
}

/// Why bytes are not a datagram of this format. Who gets such bytes ignores them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// Shorter than its kind, or longer than what its counts say.
    #[error("a broadcast datagram's length does not fit its kind")]
    Length,
    /// Another version, or another protocol.
    #[error("a broadcast datagram of version {0}; this is version {VERSION}")]
    Version(u8),
    /// Changed on the way.
    #[error("a broadcast datagram with a wrong checksum")]
    Checksum,
    /// From somebody who does not know the key.
    #[error("a broadcast datagram with a wrong authentication code")]
    Code,
    /// A field has a value that it cannot have.
    #[error("a broadcast datagram with a field out of its range")]
    Content,
}

impl<'a> Datagram<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`DatagramError`] for anything that was not sealed with the same key in this format.
    pub fn decode(bytes: &'a [u8], seal: &Seal) -> Result<Self, DatagramError> {
        let version = *bytes.first().ok_or(DatagramError::Length)?;
        if version != VERSION {
            return Err(DatagramError::Version(version));
        }
        let (header, body) = seal.open(bytes)?;
        let mut fields = Reader(header.as_slice());
        let [_version, kind] = fields.array()?;
        let symbol = fields.u16()?;
        let session = fields.u32()?;
        let number = fields.u32()?;
        let mut reader = Reader(body);
        let message = match kind {
            DATA => Message::Data {
                block: number,
                symbol,
                bytes: reader.slice(body.len())?,
            },
            POLL => Message::Poll(Poll::read(number, &mut reader)?),
            REPORT => Message::Report(Report::read(number, &mut reader)?),
            END => Message::End,
            _ => return Err(DatagramError::Content),
        };
        reader.end()?;
        Ok(Self { session, message })
    }

    /// The datagram's bytes. A report leaves out what does not fit `room` bytes behind the header; a
    /// later one brings it.
    pub fn encode(&self, seal: &Seal, room: usize) -> Vec<u8> {
        let mut body = Vec::new();
        let (kind, symbol, number) = match &self.message {
            Message::Data {
                block,
                symbol,
                bytes,
            } => {
                body.extend_from_slice(bytes);
                (DATA, *symbol, *block)
            }
            Message::Poll(poll) => {
                poll.write(&mut body);
                (POLL, 0, poll.round)
            }
            Message::Report(report) => {
                report.write(&mut body, room);
                (REPORT, 0, report.round)
            }
            Message::End => (END, 0, 0),
        };
        let mut header = header(kind, symbol, self.session, number);
        let code = seal.close(&mut header, &body);
        let mut bytes = Vec::with_capacity(body.len() + seal.overhead());
        bytes.extend(header);
        bytes.extend(body);
        bytes.extend(code.iter().flatten());
        bytes
    }
}

/// The header of a data datagram; [`Seal::close`] completes it.
pub fn data_header(session: u32, block: u32, symbol: u16) -> [u8; HEADER] {
    header(DATA, symbol, session, block)
}

fn header(kind: u8, symbol: u16, session: u32, number: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..2].copy_from_slice(&[VERSION, kind]);
    header[2..4].copy_from_slice(&symbol.to_be_bytes());
    header[4..8].copy_from_slice(&session.to_be_bytes());
    header[8..TAG.start].copy_from_slice(&number.to_be_bytes());
    header
}

/// Where in the header the checksum is.
pub(super) const TAG: Range<usize> = 12..HEADER;
const DATA: u8 = 1;
const POLL: u8 = 2;
const REPORT: u8 = 3;
const END: u8 = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::broadcast::{State, Want};

    fn seals() -> impl Strategy<Value = Seal> {
        prop_oneof![
            Just(Seal::default()),
            any::<Vec<u8>>().prop_map(|secret| Seal::with_secret(&secret)),
        ]
    }

    prop_compose! {
        fn wants()(
            wants in proptest::collection::btree_map(
                0..1000_u32,
                (1..=u16::MAX, proptest::collection::btree_set(0..1000_u16, 1..90)),
                0..6,
            ),
        ) -> Vec<Want> {
            let want = |(block, (need, symbols))| Want {
                block,
                need,
                missing: std::collections::BTreeSet::into_iter(symbols).collect(),
            };
            wants.into_iter().map(want).collect()
        }
    }

    prop_compose! {
        fn reports()(
            numbers: [u32; 6],
            proof: [u8; 32],
            state in 0..3_usize,
            wants in wants(),
        ) -> Report {
            let [round, receiver, buffer, received, clock, proved] = numbers;
            Report {
                round,
                receiver,
                state: [State::Receiving, State::Failed, State::Leaving][state],
                buffer,
                received,
                clock,
                proved,
                proof,
                base: wants.first().map_or(7, |want| want.block),
                known: 1000,
                wants,
            }
        }
    }

    fn polls() -> impl Strategy<Value = Poll> {
        let symbol_size = (128..5000_u16).prop_map(|half| half * 2);
        (
            any::<(u32, u32, [u8; 32])>(),
            symbol_size,
            1..65_u16,
            0..4_000_000_u32,
        )
            .prop_map(
                |((round, upto, manifest_hash), symbol_size, open, manifest_length)| Poll {
                    round,
                    upto,
                    symbol_size,
                    open,
                    manifest_length,
                    manifest_hash,
                },
            )
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            session: u32,
            report in reports(),
            poll in polls(),
            data: (u32, u16, Vec<u8>),
            seal in seals(),
        ) {
            let (block, symbol, bytes) = (data.0, data.1, &data.2);
            let data = Message::Data { block, symbol, bytes };
            for message in [Message::Report(report), Message::Poll(poll), data, Message::End] {
                let sent = Datagram { session, message };
                let bytes = sent.encode(&seal, usize::MAX);
                prop_assert_eq!(Datagram::decode(&bytes, &seal), Ok(sent));
            }
        }

        #[test]
        fn a_report_that_is_cut_says_less_but_nothing_wrong(report in reports(), room in 61..900_usize) {
            let seal = Seal::default();
            let message = Message::Report(report.clone());
            let bytes = Datagram { session: 1, message }.encode(&seal, room);
            prop_assert!(bytes.len() <= room + HEADER);
            let decoded = Datagram::decode(&bytes, &seal).unwrap().message;
            let Message::Report(cut) = decoded else { unreachable!("{decoded:?}") };
            let listed = |report: &Report| -> Vec<(u32, u16)> {
                let wants = report.wants.iter().filter(|want| want.block < cut.known);
                wants.map(|want| (want.block, want.need)).collect()
            };
            prop_assert_eq!(listed(&cut), listed(&report));
            for (all, some) in report.wants.iter().zip(&cut.wants) {
                prop_assert!(some.missing.iter().all(|symbol| all.missing.contains(symbol)));
            }
        }

        #[test]
        fn a_changed_or_cut_datagram_is_refused(
            report in reports(),
            place: prop::sample::Index,
            flip in 1..=255_u8,
            seal in seals(),
        ) {
            let message = Message::Report(report);
            let mut bytes = Datagram { session: 7, message }.encode(&seal, usize::MAX);
            let place = place.index(bytes.len());
            prop_assert!(Datagram::decode(&bytes[..place], &seal).is_err());
            bytes[place] ^= flip;
            prop_assert!(Datagram::decode(&bytes, &seal).is_err());
        }

        #[test]
        fn a_stranger_without_the_key_is_refused(secret: Vec<u8>, other: Vec<u8>) {
            prop_assume!(secret != other);
            let end = Datagram { session: 7, message: Message::End };
            let bytes = end.encode(&Seal::with_secret(&other), 0);
            let refused = Datagram::decode(&bytes, &Seal::with_secret(&secret));
            prop_assert_eq!(refused, Err(DatagramError::Code));
            let bytes = end.encode(&Seal::default(), 0);
            prop_assert!(Datagram::decode(&bytes, &Seal::with_secret(&secret)).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(kind in 0..6_u8, mut body: Vec<u8>, number: u32, cut: bool) {
            let seal = Seal::default();
            let mut header = header(kind, 3, 7, number);
            seal.close(&mut header, &body);
            body.splice(0..0, header);
            body.truncate(if cut { body.len() / 2 } else { body.len() });
            let _ = Datagram::decode(&body, &seal);
        }
    }
}
