//! Frames off an interface, each with what the kernel knows of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use plumbing::packet::{Direction, FrameHead, PacketSocket, Statistics};
use pnet::datalink::{self, Channel, DataLinkReceiver, NetworkInterface};
use protocol::name::InterfaceName;

/// A source of frames.
pub(super) struct Frames {
    socket: PacketSocket,
    receiver: Box<dyn DataLinkReceiver>,
    interface: InterfaceName,
    counted: Statistics,
    read: u64,
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
        let socket = PacketSocket::open(interface.as_str(), buffer)?;
        let keep = keep
            .and_then(|keep| usize::try_from(keep).ok())
            .unwrap_or(LONGEST_FRAME);
        let config = datalink::Config {
            read_buffer_size: keep.clamp(1, LONGEST_FRAME),
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
            Channel::Ethernet(_, receiver) => Ok(Self {
                socket,
                receiver,
                interface: interface.clone(),
                counted: Statistics::default(),
                read: 0,
            }),
            _ => Err(io::Error::other("pnet gave another channel than asked for")),
        }
    }

    /// The next frame, or `None` if none is waiting. Frames that pass the loopback twice are given
    /// once.
    ///
    /// # Errors
    /// One for which [`is_down`] holds, once, when the interface goes down or away; frames that
    /// waited can still be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame<'_>>> {
        let head = loop {
            let Some(head) = self.socket.peek()? else {
                return Ok(None);
            };
            self.read += 1;
            if head.direction != Direction::Echo {
                break head;
            }
            self.receiver.next()?;
        };
        // The socket has one reader, so what is read is what was looked at.
        let bytes = self.receiver.next()?;
        Ok(Some(Frame { head, bytes }))
    }

    /// What was counted since the start.
    pub(super) fn statistics(&mut self) -> io::Result<Statistics> {
        let more = self.socket.statistics()?;
        self.counted.frames += more.frames;
        self.counted.dropped += more.dropped;
        Ok(self.counted)
    }

    /// How many frames have come since the start, those that pass the loopback twice counted twice,
    /// those that found no room left out.
    pub(super) fn arrived(&mut self) -> io::Result<u64> {
        let counted = self.statistics()?;
        Ok(counted.frames.saturating_sub(counted.dropped))
    }

    /// How many of these were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Whether the interface was removed.
    pub(super) fn gone(&self) -> bool {
        if_nametoindex(self.interface.as_str()) != Ok(self.socket.index())
    }
}

impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether the error says that the interface went down.
pub(super) fn is_down(error: &io::Error) -> bool {
    error.raw_os_error().map(Errno::from_raw) == Some(Errno::ENETDOWN)
}

/// More than any frame has, those that are to be cut up later included (`GSO_MAX_SIZE`). Memory that
/// no frame touches costs nothing.
const LONGEST_FRAME: usize = 1 << 20;
