//! The broadcast's frames in one capture.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;

use pcap_file::pcapng::{Block, PcapNgReader};

use super::frame::{Datagram, Filter, Frame, Part};

/// The broadcast's frames in one capture, as fingerprints: what a frame carries in 16 bytes, so that
/// captures of any length can be compared.
#[derive(Debug, Default)]
pub struct Traffic {
    frames: Vec<Seen>,
    fingerprints: Vec<u128>,
    /// Where datagrams went, with how many frames.
    destinations: Vec<(Destination, u64)>,
    /// The most that one frame carries that was captured whole and is not a fragment, in bytes.
    largest: usize,
    /// Frames in the capture, those of others included.
    packets: u64,
}

/// Where a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// The hardware address.
    pub hardware: [u8; 6],
    /// The IP address.
    pub ip: Ipv4Addr,
}

#[derive(Debug)]
struct Seen {
    to: Destination,
    /// Where its last fingerprint is, plus one.
    end: usize,
    /// Set where only the datagram's first fragment can tell whether it belongs.
    later_part_of: Option<Datagram>,
}

/// Why a capture cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// It cannot be opened.
    #[error("it cannot be opened: {0}")]
    Open(#[from] std::io::Error),
    /// It is not pcapng, or ends in the middle of a block.
    #[error("it cannot be read to its end: {0}")]
    Format(#[from] pcap_file::PcapError),
}

impl Traffic {
    /// Reads the frames of the broadcast from a pcapng file; what they carry is taken in pieces of at
    /// most `piece` bytes.
    pub(super) fn read(path: &Path, filter: &Filter, piece: usize) -> Result<Self, TrafficError> {
        let mut traffic = Self::default();
        let mut ours = HashSet::new();
        let mut reader = PcapNgReader::new(File::open(path)?)?;
        while let Some(block) = reader.next_block() {
            let Block::EnhancedPacket(packet) = block? else {
                continue;
            };
            traffic.packets += 1;
            if let Some(frame) = Frame::read(&packet.data, filter) {
                if let Part::First(datagram) = frame.part {
                    ours.insert(datagram);
                }
                traffic.push(&frame, piece);
            }
        }
        traffic.keep_ours(&ours);
        Ok(traffic)
    }

    /// Frames of the broadcast.
    pub fn len(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Frames in the capture, those of others included.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The most that one frame carries that can be cut up, in bytes.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    /// Where frames went, with how many each.
    pub fn destinations(&self) -> &[(Destination, u64)] {
        &self.destinations
    }

    /// Counts the frames that `there` holds too; each of its frames stands for one of ours.
    pub(super) fn also_in(&self, there: &Self) -> u64 {
        let mut left: HashMap<u128, u32> = HashMap::with_capacity(there.fingerprints.len());
        for fingerprint in &there.fingerprints {
            *left.entry(*fingerprint).or_default() += 1;
        }
        let mut start = 0;
        let mut found = 0;
        for frame in &self.frames {
            let ours = &self.fingerprints[start..frame.end];
            start = frame.end;
            let all = ours.iter().all(|f| left.get(f).is_some_and(|&n| n > 0));
            if all {
                found += 1;
                for fingerprint in ours {
                    left.entry(*fingerprint)
                        .and_modify(|n| *n = n.saturating_sub(1));
                }
            }
        }
        found
    }

    fn push(&mut self, frame: &Frame<'_>, piece: usize) {
        self.fingerprints.extend(frame.fingerprints(piece));
        self.largest = self.largest.max(frame.divisible());
        self.frames.push(Seen {
            to: Destination {
                hardware: frame.hardware,
                ip: frame.destination,
            },
            end: self.fingerprints.len(),
            later_part_of: match frame.part {
                Part::Later(datagram) => Some(datagram),
                Part::All | Part::First(_) => None,
            },
        });
    }

    /// Drops the later fragments of other datagrams; their first one may have come after them, so
    /// that it is known only at the end.
    fn keep_ours(&mut self, ours: &HashSet<Datagram>) {
        let fingerprints = std::mem::take(&mut self.fingerprints);
        let mut start = 0;
        self.frames.retain_mut(|frame| {
            let own = &fingerprints[start..frame.end];
            start = frame.end;
            let keep = frame.later_part_of.is_none_or(|d| ours.contains(&d));
            if keep {
                self.fingerprints.extend_from_slice(own);
                frame.end = self.fingerprints.len();
                match self.destinations.iter_mut().find(|(to, _)| *to == frame.to) {
                    Some((_, frames)) => *frames += 1,
                    None => self.destinations.push((frame.to, 1)),
                }
            }
            keep
        });
    }
}
