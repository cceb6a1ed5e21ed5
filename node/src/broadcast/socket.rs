//! The UDP socket of a broadcast, and waiting for it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use protocol::datagram::DATA_HEADER;
use protocol::name::InterfaceName;
use socket2::{Domain, Protocol, Socket, Type};

/// A bound socket that never blocks.
#[derive(Debug)]
pub(super) struct BroadcastSocket(UdpSocket);

impl BroadcastSocket {
    /// Binds a port (0: any) of an interface, or of all where none is named.
    pub(super) fn bind(port: u16, interface: Option<&InterfaceName>) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        socket.set_broadcast(true)?;
        if let Some(interface) = interface {
            socket.bind_device(Some(interface.as_str().as_bytes()))?;
        }
        // Beyond the system's limit where this process may; otherwise up to it.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
        Ok(Self(socket.into()))
    }

    /// Bytes of data that fit a datagram to this address without fragments.
    pub(super) fn block_size(
        to: SocketAddrV4,
        interface: Option<&InterfaceName>,
    ) -> io::Result<u16> {
        // Only a connected socket tells the path's MTU (ip(7), IP_MTU).
        let probe = Self::bind(0, interface)?;
        probe.0.connect(to)?;
        let mtu = nix::sys::socket::getsockopt(&probe.0, sockopt::IpMtu)?;
        let overhead = IP_AND_UDP_HEADERS + DATA_HEADER;
        let mtu = usize::try_from(mtu)
            .unwrap_or_default()
            .clamp(LEAST_MTU, MOST_MTU);
        Ok(u16::try_from(mtu - overhead).unwrap_or(u16::MAX))
    }

    /// Bytes of the receive buffer, as the kernel accounts for them.
    pub(super) fn buffer(&self) -> io::Result<u32> {
        let size = nix::sys::socket::getsockopt(&self.0, sockopt::RcvBuf)?;
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// The next datagram that has arrived, if any.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddrV4)>> {
        loop {
            match self.0.recv_from(buffer) {
                Ok((length, SocketAddr::V4(from))) => return Ok(Some((length, from))),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a datagram, waiting for room in the send buffer.
    pub(super) fn send(&self, to: SocketAddrV4, datagram: &[u8]) -> io::Result<()> {
        loop {
            match self.0.send_to(datagram, to) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(self.0.as_fd(), PollFlags::POLLOUT, None)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until a datagram has arrived or the time has come.
    pub(super) fn wait(&self, until: Option<Instant>) -> io::Result<()> {
        wait(self.0.as_fd(), PollFlags::POLLIN, until)
    }
}

fn wait(
    socket: std::os::fd::BorrowedFd<'_>,
    what: PollFlags,
    until: Option<Instant>,
) -> io::Result<()> {
    let timeout = until.map(|at| TimeSpec::from(at.saturating_duration_since(Instant::now())));
    match ppoll(&mut [PollFd::new(socket, what)], timeout, None) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Asked of the kernel, which doubles it for its own bookkeeping (socket(7)).
const RECEIVE_BUFFER: usize = 2 << 20;
const IP_AND_UDP_HEADERS: usize = 20 + 8;
/// Every IPv4 link carries this much (RFC 791).
const LEAST_MTU: usize = 576;
/// The loopback's 65 536 would make blocks that few fit a receive buffer.
const MOST_MTU: usize = 9000;
