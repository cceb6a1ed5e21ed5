//! Packet sockets: the frames that pass an interface (packet(7)).

use std::io;
use std::mem;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, RecvMsg, SockFlag, SockType, recvmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;

/// A socket that is given a copy of each frame that an interface sends or receives, Ethernet header
/// included. It never blocks.
#[derive(Debug)]
pub struct PacketSocket {
    socket: OwnedFd,
    index: u32,
}

/// The kernel's information on a frame beyond its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// When the kernel got it, since 1970 (`CLOCK_REALTIME`), to the nanosecond.
    pub stamp: Duration,
    /// Which way it passed, and to whom it was addressed.
    pub direction: Direction,
    /// Its length in bytes, however much of it a reader's buffer takes.
    pub length: usize,
}

/// Which way a frame passed the interface, and to whom it was addressed (`sll_pkttype`, packet(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Received, for this interface.
    ToUs,
    /// Received, for all.
    ToAll,
    /// Received, for a group.
    ToGroup,
    /// Received, for another interface.
    ToOther,
    /// Sent.
    Sent,
    /// The copy of a frame that the loopback interface sent and is about to receive, or one that was
    /// turned around within the machine. Counting both would count the frame twice.
    Echo,
}

/// The counts of a packet socket since they were last read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that passed, those dropped included.
    pub frames: u64,
    /// Frames that found no room in the socket's buffer.
    pub dropped: u64,
}

impl PacketSocket {
    /// Opens a socket on an interface of the calling thread's network namespace. When it returns,
    /// every later frame is seen. The kernel may keep `buffer` bytes of frames that were not read
    /// yet, or as much as it allows this process.
    ///
    /// # Errors
    /// `ENODEV` if there is no such interface, `EPERM` without `CAP_NET_RAW`.
    pub fn open(interface: &str, buffer: usize) -> io::Result<Self> {
        let opened = Self::unbound(interface)?;
        // Until this socket has been bound, so that the first frame has a stamp of its arrival.
        let _stamping = Stamping::begin()?;
        // The kernel doubles the number for its own bookkeeping (socket(7)).
        let half = buffer / 2;
        if setsockopt(&opened.socket, sockopt::RcvBufForce, &half).is_err() {
            setsockopt(&opened.socket, sockopt::RcvBuf, &half)?;
        }
        setsockopt(&opened.socket, sockopt::ReceiveTimestampns, &true)?;
        opened.bind()?;
        Ok(opened)
    }

    /// A socket that is given nothing before [`PacketSocket::bind`].
    pub(crate) fn unbound(interface: &str) -> io::Result<Self> {
        let index = if_nametoindex(interface)?;
        // A socket that is opened for a protocol waits for every CPU to take note of it, about ten
        // milliseconds; one that is bound to its protocol later does not.
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            None,
        )?;
        Ok(Self { socket, index })
    }

    /// Begins to see the frames of its interface.
    pub(crate) fn bind(&self) -> io::Result<()> {
        bind(self.socket.as_fd(), self.index)
    }

    /// Returns information on the next frame, which stays where it is, or `None` if none is waiting.
    ///
    /// # Errors
    /// `ENETDOWN` once after the interface went down or away; frames that waited can still be read.
    pub fn peek(&self) -> io::Result<Option<FrameHead>> {
        let mut control = nix::cmsg_space!(TimeSpec);
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_TRUNC | MsgFlags::MSG_DONTWAIT;
        let received =
            recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut [], Some(&mut control), flags);
        let head = match received {
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            other => other?,
        };
        let stamp = stamp(&head)?;
        let address = head.address.as_ref();
        let direction = address.map_or(Direction::ToOther, |address| {
            direction(address.pkttype(), address.hatype())
        });
        Ok(Some(FrameHead {
            stamp,
            direction,
            length: head.bytes,
        }))
    }

    /// Returns the counts since the last call, or since the socket was opened.
    ///
    /// # Errors
    /// The system's.
    pub fn statistics(&self) -> io::Result<Statistics> {
        let mut counted = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        let mut length = length_of::<libc::tpacket_stats>();
        // SAFETY: the kernel writes at most `length` bytes to `counted`, which has that length, and
        // any bytes are valid for its integers.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counted).cast(),
                &raw mut length,
            )
        };
        Errno::result(result)?;
        Ok(Statistics {
            frames: counted.tp_packets.into(),
            dropped: counted.tp_drops.into(),
        })
    }

    /// Another descriptor of the same socket, to read frames from.
    ///
    /// # Errors
    /// `EMFILE` if this process has too many.
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        self.socket.try_clone()
    }

    /// The interface's index.
    pub fn index(&self) -> u32 {
        self.index
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Keeps the kernel stamping what arrives. It does so only while somebody wants it, and begins a
/// while after it was asked; a frame without a stamp gets one when it is read, which would be too late.
struct Stamping(#[expect(dead_code, reason = "open is all that it needs to be")] UdpSocket);

impl Stamping {
    /// Returns when stamps are those of arrival, as far as that can be seen: without a loopback that
    /// is up there is nothing to see.
    fn begin() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        let here = (Ipv4Addr::LOCALHOST, socket.local_addr()?.port());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if socket.send_to(&[], here).is_err() {
                return Ok(Self(socket));
            }
            // The loopback delivers before the call returns, as a rule; what is stamped on reading,
            // is stamped later than this.
            let sent = SystemTime::now().duration_since(UNIX_EPOCH);
            let stamp = read_stamp(socket.as_fd())?;
            if let (Some(stamp), Ok(sent)) = (stamp, sent)
                && stamp <= sent
            {
                return Ok(Self(socket));
            }
            std::thread::yield_now();
        }
        Err(io::Error::other("the kernel does not stamp what arrives"))
    }
}

/// Takes the next datagram, if there is one; when it arrived.
fn read_stamp(socket: BorrowedFd<'_>) -> io::Result<Option<Duration>> {
    let mut control = nix::cmsg_space!(TimeSpec);
    let (number, flags) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
    match recvmsg::<()>(number, &mut [], Some(&mut control), flags) {
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        received => stamp(&received?).map(Some),
    }
}

/// The stamp that came with what was received.
fn stamp<A>(head: &RecvMsg<'_, '_, A>) -> io::Result<Duration> {
    let stamp = head.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
        _ => None,
    });
    stamp.ok_or_else(|| Errno::ENODATA.into())
}

/// Binds to an interface and every protocol.
fn bind(socket: BorrowedFd<'_>, index: u32) -> io::Result<()> {
    // SAFETY: `sockaddr_ll` consists of integers, for which zeroes are valid.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    address.sll_protocol = u16::try_from(libc::ETH_P_ALL)
        .map_err(io::Error::other)?
        .to_be();
    address.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    // SAFETY: `address` outlives the call, and its length is the one given.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            length_of::<libc::sockaddr_ll>(),
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// From a frame's `sll_pkttype` and `sll_hatype`.
pub(crate) fn direction(kind: u8, hardware: u16) -> Direction {
    match kind {
        libc::PACKET_HOST => Direction::ToUs,
        libc::PACKET_BROADCAST => Direction::ToAll,
        libc::PACKET_MULTICAST => Direction::ToGroup,
        libc::PACKET_OTHERHOST => Direction::ToOther,
        libc::PACKET_OUTGOING if hardware != libc::ARPHRD_LOOPBACK => Direction::Sent,
        _ => Direction::Echo,
    }
}

/// Sets an option that is a structure or a number of C's.
pub(crate) fn set_option<T>(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let (number, value) = (socket.as_raw_fd(), ptr::from_ref(value).cast());
    // SAFETY: the kernel reads `length` bytes of `value`, which has that length.
    let result = unsafe { libc::setsockopt(number, level, name, value, length_of::<T>()) };
    Errno::result(result)?;
    Ok(())
}

fn length_of<T>() -> libc::socklen_t {
    // No structure of the socket interface is that long.
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(libc::socklen_t::MAX)
}

/// The longest time that the kernel may take to begin to stamp; it takes microseconds, or a millisecond or
/// two where it is busy.
const PATIENCE: Duration = Duration::from_secs(5);
