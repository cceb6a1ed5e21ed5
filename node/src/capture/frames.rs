//! Frames off an interface, each with what the kernel knows of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use plumbing::packet::{FrameHead, PacketSocket, Statistics};
use plumbing::packet_ring::{self, PacketRing};
use pnet::datalink::{self, Channel, DataLinkReceiver, NetworkInterface};
use protocol::name::InterfaceName;

/// A source of frames.
pub(super) struct Frames {
    source: Source,
    interface: InterfaceName,
    counted: Statistics,
    read: u64,
}

/// The source of frames.
enum Source {
    /// Whole, one by one, read by pnet.
    Whole(PacketSocket, Box<dyn DataLinkReceiver>),
    /// Their beginnings, in blocks.
    Beginnings(PacketRing),
}

/// A frame, or its beginning where it is longer than what is kept.
pub(super) struct Frame<'a> {
    pub(super) head: FrameHead,
    pub(super) bytes: &'a [u8],
}

impl Frames {
    /// Opens an interface. When it returns, every later frame is seen. At most `keep` bytes of each
    /// are read; the kernel may hold `buffer` bytes of frames that were not read yet.
    pub(super) fn open(
        interface: &InterfaceName,
        keep: Option<u32>,
        buffer: usize,
    ) -> io::Result<Self> {
        let source = match beginnings(keep) {
            Some(keep) => Source::Beginnings(PacketRing::open(interface.as_str(), keep, buffer)?),
            None => whole(interface, keep, buffer)?,
        };
        Ok(Self {
            source,
            interface: interface.clone(),
            counted: Statistics::default(),
            read: 0,
        })
    }

    /// The next frame, or `None` if none is there to be read.
    ///
    /// # Errors
    /// One for which [`is_down`] holds, once, when the interface goes down or away; frames that
    /// waited can still be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame<'_>>> {
        let next = match &mut self.source {
            Source::Beginnings(ring) => ring.read()?,
            Source::Whole(socket, receiver) => match socket.peek()? {
                // The socket has one reader, so what is read is what was looked at.
                Some(head) => Some((head, receiver.next()?)),
                None => None,
            },
        };
        self.read += u64::from(next.is_some());
        Ok(next.map(|(head, bytes)| Frame { head, bytes }))
    }

    /// Waits for frames that have arrived and are not there to be read yet; `false` where there are no
    /// such frames.
    ///
    /// # Errors
    /// If the kernel does not hand them over.
    pub(super) fn rest(&self) -> io::Result<bool> {
        if let Source::Whole(..) = self.source {
            return Ok(false);
        }
        let mut sources = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        match poll(&mut sources, PollTimeout::from(PATIENCE)) {
            Ok(0) => Err(io::Error::other("the kernel hands over no more of them")),
            Ok(_) | Err(Errno::EINTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the counts since the start.
    pub(super) fn statistics(&mut self) -> io::Result<Statistics> {
        let more = match &self.source {
            Source::Whole(socket, _) => socket.statistics()?,
            Source::Beginnings(ring) => ring.statistics()?,
        };
        self.counted.frames += more.frames;
        self.counted.dropped += more.dropped;
        Ok(self.counted)
    }

    /// Returns how many frames have come since the start. Those that pass the loopback twice count twice;
    /// those that found no room are left out.
    pub(super) fn arrived(&mut self) -> io::Result<u64> {
        let counted = self.statistics()?;
        Ok(counted.frames.saturating_sub(counted.dropped))
    }

    /// Returns how many of these were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Whether the interface was removed.
    pub(super) fn gone(&self) -> bool {
        let index = match &self.source {
            Source::Whole(socket, _) => socket.index(),
            Source::Beginnings(ring) => ring.index(),
        };
        if_nametoindex(self.interface.as_str()) != Ok(index)
    }
}

impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Whole(socket, _) => socket.as_fd(),
            Source::Beginnings(ring) => ring.as_fd(),
        }
    }
}

/// Returns how much of each frame a ring is to keep; `None` for all of it, or where that is more than a ring
/// holds.
pub(super) fn beginnings(keep: Option<u32>) -> Option<u32> {
    keep.filter(|keep| (1..=packet_ring::LONGEST).contains(keep))
}

fn whole(interface: &InterfaceName, keep: Option<u32>, buffer: usize) -> io::Result<Source> {
    let socket = PacketSocket::open(interface.as_str(), buffer)?;
    let keep = keep.and_then(|keep| usize::try_from(keep).ok());
    let config = datalink::Config {
        read_buffer_size: keep.unwrap_or(LONGEST_FRAME).clamp(1, LONGEST_FRAME),
        write_buffer_size: 0,
        // A virtual interface passes all frames anyway, and the mode shows in the kernel's log.
        promiscuous: false,
        // Owned by pnet from here on.
        socket_fd: Some(socket.duplicate()?.into_raw_fd()),
        ..datalink::Config::default()
    };
    let known = NetworkInterface {
        name: interface.to_string(),
        description: String::new(),
        index: socket.index(),
        mac: None,
        ips: Vec::new(),
        flags: 0,
    };
    match datalink::channel(&known, config)? {
        Channel::Ethernet(_, receiver) => Ok(Source::Whole(socket, receiver)),
        _ => Err(io::Error::other("pnet gave another channel than asked for")),
    }
}

/// Whether the error says that the interface went down.
pub(super) fn is_down(error: &io::Error) -> bool {
    error.raw_os_error().map(Errno::from_raw) == Some(Errno::ENETDOWN)
}

/// More than any frame has, those that are to be cut up later included (`GSO_MAX_SIZE`). Memory that
/// no frame touches costs nothing.
const LONGEST_FRAME: usize = 1 << 20;

/// The longest time that the kernel may keep arrived frames, in milliseconds: a hundred times what it is
/// asked to, for the machine may be busy.
const PATIENCE: u16 = 1000;
