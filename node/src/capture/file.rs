//! The pcapng format (draft-ietf-opsawg-pcapng): blocks into chunks of bytes.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use pcap_file::pcapng::PcapNgBlock;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::interface_statistics::{
    InterfaceStatisticsBlock, InterfaceStatisticsOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};
use plumbing::packet::{Direction, Statistics};
use protocol::control::Capture;
use protocol::frame::DATA_CHUNK;

use super::frames::Frame;

/// Writes one interface's capture.
pub(super) struct CaptureFile {
    writer: PcapNgWriter<Vec<u8>>,
    /// Bytes still allowed.
    left: u64,
}

impl CaptureFile {
    /// Begins a file with its header and the interface's description.
    pub(super) fn begin(capture: Capture) -> io::Result<Self> {
        let application = concat!("node ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            // pcap-file 2.0 writes the stamp of statistics as one number where the format wants its
            // high half first, which is the same in this byte order only.
            endianness: Endianness::Big,
            options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(
                application,
            ))],
            ..SectionHeaderBlock::default()
        };
        let writer = PcapNgWriter::with_section_header(Vec::new(), section);
        let writer = writer.map_err(io::Error::other)?;
        let mut file = Self { writer, left: 0 };
        file.write(InterfaceDescriptionBlock {
            linktype: DataLink::ETHERNET,
            snaplen: capture.snap_length.unwrap_or(0),
            options: vec![
                InterfaceDescriptionOption::IfName(String::from(capture.interface).into()),
                InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                InterfaceDescriptionOption::Comment(Cow::Borrowed(REMARK)),
            ],
        })?;
        let begun = file.writer.get_ref().len() as u64;
        file.left = capture.limit.saturating_sub(STATISTICS_BLOCK + begun);
        Ok(file)
    }

    /// Adds a frame; says whether it fitted the limit.
    pub(super) fn frame(&mut self, frame: &Frame<'_>) -> io::Result<bool> {
        let before = self.writer.get_ref().len();
        let padded = frame.bytes.len().next_multiple_of(4) as u64;
        if padded + FRAME_BLOCK > self.left {
            self.left = 0;
            return Ok(false);
        }
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: frame.head.stamp,
            original_len: u32::try_from(frame.head.length).unwrap_or(u32::MAX),
            data: Cow::Borrowed(frame.bytes),
            options: vec![EnhancedPacketOption::Flags(flags(frame.head.direction))],
        };
        self.write(block)?;
        self.left -= (self.writer.get_ref().len() - before) as u64;
        Ok(true)
    }

    /// Ends the file with what was counted.
    pub(super) fn end(&mut self, at: Duration, counted: Statistics) -> io::Result<()> {
        self.write(InterfaceStatisticsBlock {
            interface_id: 0,
            timestamp: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX),
            options: vec![
                InterfaceStatisticsOption::IsbIfRecv(counted.frames),
                InterfaceStatisticsOption::IsbOsDrop(counted.dropped),
            ],
        })
    }

    /// A chunk of [`DATA_CHUNK`] bytes, if so many are ready.
    pub(super) fn full_chunk(&mut self) -> Option<Vec<u8>> {
        let ready = self.writer.get_mut();
        if ready.len() < DATA_CHUNK {
            return None;
        }
        let mut rest = Vec::with_capacity(DATA_CHUNK * 2);
        rest.extend_from_slice(&ready[DATA_CHUNK..]);
        ready.truncate(DATA_CHUNK);
        Some(std::mem::replace(ready, rest))
    }

    /// Returns a chunk that is ready, if there is one: at most [`DATA_CHUNK`] bytes.
    pub(super) fn chunk(&mut self) -> Option<Vec<u8>> {
        let some = |bytes: &Vec<u8>| !bytes.is_empty();
        self.full_chunk()
            .or_else(|| Some(std::mem::take(self.writer.get_mut())).filter(some))
    }

    /// Whether bytes are ready.
    pub(super) fn pending(&self) -> bool {
        !self.writer.get_ref().is_empty()
    }

    fn write<'a>(&mut self, block: impl PcapNgBlock<'a>) -> io::Result<()> {
        self.writer
            .write_pcapng_block(block)
            .map_err(io::Error::other)?;
        Ok(())
    }
}

/// The option `epb_flags`: bits 0 and 1 direction, bits 2 to 4 kind of reception.
fn flags(direction: Direction) -> u32 {
    const INBOUND: u32 = 1;
    const OUTBOUND: u32 = 2;
    match direction {
        Direction::ToUs => INBOUND | 1 << 2,
        Direction::ToGroup => INBOUND | 2 << 2,
        Direction::ToAll => INBOUND | 3 << 2,
        Direction::ToOther => INBOUND | 4 << 2,
        Direction::Sent | Direction::Echo => OUTBOUND,
    }
}

/// The option `if_tsresol`: a negative power of ten.
const NANOSECONDS: u8 = 9;
/// For who opens the file and sees checksums marked as wrong.
const REMARK: &str = "Checksums of frames that this machine sent may be unfinished, and large sends \
                      not cut up yet: both are done later on the way.";
/// Bytes of a frame's block besides the frame: header, flags, end of options, trailer.
const FRAME_BLOCK: u64 = 28 + 8 + 4 + 4;
/// Bytes of the statistics block: header, two numbers, end of options, trailer.
const STATISTICS_BLOCK: u64 = 20 + 2 * 12 + 4 + 4;
