//! One captured frame, and whether it belongs to the broadcast.

use std::net::Ipv4Addr;

use etherparse::{IpNumber, LaxNetSlice, LaxSlicedPacket, LinkSlice, UdpHeaderSlice};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// Which frames belong to the broadcast: UDP over IPv4 from one of the addresses to the port.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    /// The sender's addresses.
    pub(super) from: Vec<Ipv4Addr>,
    /// The port that is sent to.
    pub(super) port: u16,
}

/// A frame that belongs to the broadcast, or may: a later fragment says no port.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Hardware address that it went to.
    pub(super) hardware: [u8; 6],
    /// IP address that it went to.
    pub(super) destination: Ipv4Addr,
    /// Whether it is a fragment.
    pub(super) part: Part,
    /// The features that distinguish it from others, apart from its payload.
    head: u64,
    /// Its payload, or as much of it as was captured.
    payload: &'a [u8],
    /// Whether it was captured whole.
    whole: bool,
}

/// Which part of a datagram a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    All,
    /// A fragment with the port in it.
    First(Datagram),
    /// A fragment that says no port.
    Later(Datagram),
}

/// The features that the fragments of a datagram share (RFC 791 §3.2), apart from the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Datagram {
    from: Ipv4Addr,
    to: Ipv4Addr,
    identification: u16,
}

impl<'a> Frame<'a> {
    /// Reads a captured Ethernet frame, which may have been cut; `None` where it is not of the
    /// broadcast.
    pub(super) fn read(bytes: &'a [u8], filter: &Filter) -> Option<Self> {
        let packet = LaxSlicedPacket::from_ethernet(bytes).ok()?;
        let Some(LinkSlice::Ethernet2(link)) = packet.link else {
            return None;
        };
        let Some(LaxNetSlice::Ipv4(ip)) = packet.net else {
            return None;
        };
        let header = ip.header();
        let (from, destination) = (header.source_addr(), header.destination_addr());
        if header.protocol() != IpNumber::UDP || !filter.from.contains(&from) {
            return None;
        }
        let (body, whole) = (ip.payload().payload, !ip.payload().incomplete);
        let offset = header.fragments_offset().value();
        let ports = (offset == 0)
            .then(|| UdpHeaderSlice::from_slice(body).ok())
            .flatten();
        if offset == 0 && ports.as_ref()?.destination_port() != filter.port {
            return None;
        }
        let datagram = Datagram {
            from,
            to: destination,
            identification: header.identification(),
        };
        let part = match (header.is_fragmenting_payload(), offset) {
            (false, _) => Part::All,
            (true, 0) => Part::First(datagram),
            (true, _) => Part::Later(datagram),
        };
        let mut head = Vec::with_capacity(16);
        head.extend_from_slice(&header.source());
        head.extend_from_slice(&header.destination());
        if part == Part::All {
            // Identification and checksum are left out: hardware or the kernel may fill them in
            // between the two captures, and cutting a superframe up makes new ones.
            head.extend_from_slice(&ports.map_or(0, |p| p.source_port()).to_be_bytes());
        } else {
            head.extend_from_slice(&datagram.identification.to_be_bytes());
            head.extend_from_slice(&offset.to_be_bytes());
        }
        if !whole {
            head.extend_from_slice(&header.total_len().to_be_bytes());
        }
        let payload = match part {
            Part::All => body.get(UDP_HEADER..).unwrap_or_default(),
            Part::First(_) | Part::Later(_) => body,
        };
        Some(Self {
            hardware: link.destination(),
            destination,
            part,
            head: xxh3_64(&head),
            payload,
            whole,
        })
    }

    /// Bytes that it carries and that may be cut into pieces: none for fragments and for frames that
    /// were not captured whole.
    pub(super) fn divisible(&self) -> usize {
        match self.part {
            Part::All if self.whole => self.payload.len(),
            _ => 0,
        }
    }

    /// Fingerprints of what it carries in pieces of at most `piece` bytes; at least one. Frames with
    /// equal fingerprints carry the same bytes from and to the same addresses and ports.
    pub(super) fn fingerprints(&self, piece: usize) -> impl Iterator<Item = u128> {
        let piece = if self.divisible() > piece {
            piece
        } else {
            self.payload.len().max(1)
        };
        let empty = self.payload.is_empty().then_some(self.payload);
        let pieces = self.payload.chunks(piece).chain(empty);
        pieces.map(|bytes| xxh3_128_with_seed(bytes, self.head))
    }
}

/// Length of a UDP header (RFC 768), in bytes.
const UDP_HEADER: usize = 8;
