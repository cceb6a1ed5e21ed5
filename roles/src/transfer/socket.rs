//! The UDP sockets of tasks and receivers.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use nix::sys::socket::{setsockopt, sockopt};
use protocol::name::InterfaceName;
use socket2::{Domain, Protocol, Socket, Type};

/// A socket to send from, which never blocks and may broadcast.
pub(super) fn sender(interface: Option<&InterfaceName>) -> io::Result<UdpSocket> {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    bound(unbound()?, any, interface)
}

/// A socket to receive with, which never blocks. As in the original labs it may share its port.
pub(super) fn receiver(
    at: SocketAddrV4,
    interface: Option<&InterfaceName>,
) -> io::Result<UdpSocket> {
    let socket = unbound()?;
    socket.set_reuse_port(true)?;
    // Beyond the system's limit where this process may; otherwise up to it.
    if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
    }
    bound(socket, at, interface)
}

fn unbound() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn bound(
    socket: Socket,
    at: SocketAddrV4,
    interface: Option<&InterfaceName>,
) -> io::Result<UdpSocket> {
    socket.set_broadcast(true)?;
    if let Some(interface) = interface {
        socket.bind_device(Some(interface.as_str().as_bytes()))?;
    }
    socket.bind(&at.into())?;
    Ok(socket.into())
}

/// Asked of the kernel, which doubles it for its own bookkeeping (socket(7)): room for a file of a
/// byte a datagram, each of which takes it some 800 bytes.
const RECEIVE_BUFFER: usize = 16 << 20;
