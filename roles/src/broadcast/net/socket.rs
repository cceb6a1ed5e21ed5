//! A UDP socket that sends and receives many datagrams at once where the kernel can.
//!
//! With generic segmentation offload one call sends dozens of datagrams of one size, which cross the
//! machine as one frame and are cut up where they leave it, or not at all; with generic receive
//! offload one call receives them (`UDP_SEGMENT`, `UDP_GRO`, udp(7)).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt,
    sockopt,
};
use protocol::broadcast::HEADER;
use protocol::broadcast::seal::CODE;
use protocol::name::InterfaceName;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use super::address::Segmentation;
use crate::broadcast::task::Wait;
use crate::readiness;

/// A bound socket that never blocks.
#[derive(Debug)]
pub(crate) struct BroadcastSocket {
    socket: UdpSocket,
    /// Whether the kernel cuts up what is sent.
    segments: bool,
}

/// The result of one receive call: datagrams that follow one another, all of one size except the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Their sender.
    pub(crate) from: SocketAddrV4,
    /// Bytes in all.
    pub(crate) length: usize,
    /// Bytes of each.
    pub(crate) stride: usize,
}

/// A datagram in parts, so that what it carries need not be copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// Its header.
    pub(crate) header: [u8; HEADER],
    /// Its content.
    pub(crate) body: &'a [u8],
    /// Its code, where there is a key.
    pub(crate) code: Option<[u8; CODE]>,
}

impl BroadcastSocket {
    /// Binds a port (0: any) of an interface, or of all where none is named.
    ///
    /// # Errors
    /// The system's, for an interface that is not there for example.
    pub(crate) fn bind(port: u16, interface: Option<&InterfaceName>) -> io::Result<Self> {
        let socket = Self::unbound(interface)?;
        socket.set_reuse_address(true)?;
        // Beyond the system's limit where this process may; otherwise up to it.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        // Kernels before 5.0 deliver datagrams one by one.
        let _one_by_one = setsockopt(&socket, sockopt::UdpGroSegment, &true);
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
        Ok(Self {
            socket: socket.into(),
            segments: false,
        })
    }

    /// Whether the kernel is to cut up what is sent, where it can.
    pub(crate) fn segment(&mut self, segmentation: Segmentation) {
        // Kernels before 4.18 do not know the option.
        let knows = setsockopt(&self.socket, sockopt::UdpGsoSegment, &0).is_ok();
        self.segments = knows && segmentation == Segmentation::Auto;
    }

    /// Joins a multicast group on an interface, or on the one that the routes choose.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn join(
        &self,
        group: Ipv4Addr,
        interface: Option<&InterfaceName>,
    ) -> io::Result<()> {
        let index = interface.map_or(Ok(0), index_of)?;
        let interface = InterfaceIndexOrAddress::Index(index);
        socket2::SockRef::from(&self.socket).join_multicast_v4_n(&group, &interface)
    }

    /// A socket that is set up for broadcast and multicast and never blocks.
    pub(super) fn unbound(interface: Option<&InterfaceName>) -> io::Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_broadcast(true)?;
        if let Some(interface) = interface {
            socket.bind_device(Some(interface.as_str().as_bytes()))?;
        }
        // A queue of this machine that is full is an error then, instead of a silent loss (ip(7)).
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Bytes of the receive buffer, as the kernel accounts for them.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn buffer(&self) -> io::Result<u32> {
        let size = nix::sys::socket::getsockopt(&self.socket, sockopt::RcvBuf)?;
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// Receives what is waiting, if anything is; `buffer` should have 64 KiB.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Arrived>> {
        let mut control = nix::cmsg_space!(i32);
        let mut parts = [IoSliceMut::new(buffer)];
        let socket = self.socket.as_raw_fd();
        loop {
            let flags = MsgFlags::MSG_DONTWAIT;
            let received =
                match recvmsg::<SockaddrIn>(socket, &mut parts, Some(&mut control), flags) {
                    Ok(received) => received,
                    Err(Errno::EAGAIN) => return Ok(None),
                    // What an earlier datagram met with on its way; it counts as lost.
                    Err(Errno::EINTR) => continue,
                    Err(errno) if is_loss(errno) => {
                        self.forget_errors();
                        continue;
                    }
                    Err(errno) => return Err(errno.into()),
                };
            let mut stride = received.bytes;
            for message in received.cmsgs()? {
                if let ControlMessageOwned::UdpGroSegments(size) = message {
                    stride = usize::try_from(size).unwrap_or(stride);
                }
            }
            if let Some(from) = received.address {
                return Ok(Some(Arrived {
                    from: from.into(),
                    length: received.bytes,
                    stride: stride.max(1),
                }));
            }
        }
    }

    /// Sends datagrams of one size, but for the last, which may be shorter; says how many of them
    /// went. None, if there is no room in the queue: it is to be waited for.
    ///
    /// # Errors
    /// The system's, but for those that say that a datagram was lost.
    pub(crate) fn send(&mut self, to: SocketAddrV4, datagrams: &[Parts<'_>]) -> io::Result<usize> {
        if self.segments && datagrams.len() > 1 {
            match self.send_at_once(to, datagrams) {
                // The interface cannot: no checksum offload, or a smaller MTU than was thought.
                Err(Errno::EIO | Errno::EINVAL | Errno::EMSGSIZE | Errno::EOPNOTSUPP) => {
                    self.segments = false;
                }
                sent => return outcome(sent, datagrams.len()),
            }
        }
        for (number, datagram) in datagrams.iter().enumerate() {
            let sent = self.send_at_once(to, std::slice::from_ref(datagram));
            if sent.is_err_and(is_loss) {
                self.forget_errors();
            }
            match outcome(sent, 1) {
                Ok(0) => return Ok(number),
                Ok(_) => {}
                Err(_) if number > 0 => return Ok(number),
                Err(error) => return Err(error),
            }
        }
        Ok(datagrams.len())
    }

    /// Empties the queue of errors, which would keep the socket ready for ever.
    fn forget_errors(&self) {
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let socket = self.socket.as_raw_fd();
        while recvmsg::<SockaddrIn>(socket, &mut [], None, flags).is_ok() {}
    }

    fn send_at_once(&self, to: SocketAddrV4, datagrams: &[Parts<'_>]) -> Result<(), Errno> {
        let mut slices = Vec::with_capacity(datagrams.len() * 3);
        for datagram in datagrams {
            slices.push(IoSlice::new(&datagram.header));
            slices.push(IoSlice::new(datagram.body));
            slices.extend(datagram.code.as_ref().map(|code| IoSlice::new(code)));
        }
        let size = datagrams.first().map_or(0, Parts::length);
        let size = u16::try_from(size).unwrap_or(u16::MAX);
        let segments = [ControlMessage::UdpGsoSegments(&size)];
        let control = if datagrams.len() > 1 {
            &segments[..]
        } else {
            &[]
        };
        let socket = self.socket.as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        sendmsg(socket, &slices, control, flags, Some(&SockaddrIn::from(to))).map(drop)
    }
}

impl Parts<'_> {
    /// Bytes of the datagram.
    pub(crate) fn length(&self) -> usize {
        HEADER + self.body.len() + self.code.map_or(0, |code| code.len())
    }
}

impl AsFd for BroadcastSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Returns how many of `all` datagrams are dealt with.
fn outcome(sent: Result<(), Errno>, all: usize) -> io::Result<usize> {
    match sent {
        Ok(()) => Ok(all),
        Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::EINTR) => Ok(0),
        // Receivers will ask for what is lost.
        Err(errno) if is_loss(errno) => Ok(all),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether it says that a datagram was lost on the way, or is to be seen as lost.
fn is_loss(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENETDOWN
            | Errno::ENETUNREACH
            | Errno::EHOSTUNREACH
            | Errno::ECONNREFUSED
            | Errno::EPERM
    )
}

fn index_of(interface: &InterfaceName) -> io::Result<u32> {
    Ok(nix::net::if_::if_nametoindex(interface.as_str())?)
}

/// Waits until datagrams have arrived or there is room to send, where these are asked for, or until the
/// time has come.
///
/// # Errors
/// The system's.
pub(crate) fn wait(socket: BorrowedFd<'_>, wait: Wait) -> io::Result<()> {
    let mut events = PollFlags::empty();
    events.set(PollFlags::POLLIN, wait.readable);
    events.set(PollFlags::POLLOUT, wait.writable);
    readiness::wait(&[(socket, events)], wait.until).map(drop)
}

/// Asked of the kernel, which doubles it for its own bookkeeping (socket(7)).
const RECEIVE_BUFFER: usize = 4 << 20;
