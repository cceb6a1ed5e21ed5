//! Where datagrams go, and how long they may be there.

use std::io;
use std::net::{SocketAddrV4, UdpSocket};

use nix::sys::socket::{getsockopt, sockopt};
use protocol::broadcast::Seal;
use protocol::broadcast::layout::LEAST_SYMBOL;
use protocol::name::InterfaceName;

use super::socket::BroadcastSocket;

/// The place where a burst is cut into datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Segmentation {
    /// The kernel where it can: many datagrams cross the machine as one, and are as one to whatever
    /// loses, delays or captures frames on the way.
    #[default]
    Auto,
    /// The sender: each datagram is a frame.
    Off,
}

/// Bytes of a full symbol such that its datagram to this address fits a frame, and the protocol.
///
/// # Errors
/// The system's, for an interface or a route that is not there.
pub(crate) fn symbol_size(
    to: SocketAddrV4,
    interface: Option<&InterfaceName>,
    seal: &Seal,
) -> io::Result<u16> {
    // Only a connected socket tells the path's MTU (ip(7), IP_MTU).
    let probe: UdpSocket = BroadcastSocket::unbound(interface)?.into();
    probe.connect(to)?;
    let mtu = usize::try_from(getsockopt(&probe, sockopt::IpMtu)?).unwrap_or_default();
    let overhead = IP_AND_UDP_HEADERS + seal.overhead();
    let room = mtu.clamp(LEAST_MTU, MOST_MTU).saturating_sub(overhead);
    let even = u16::try_from(room).unwrap_or(u16::MAX) & !1;
    Ok(even.max(LEAST_SYMBOL))
}

const IP_AND_UDP_HEADERS: usize = 20 + 8;
/// Every IPv4 link carries this much (RFC 791).
const LEAST_MTU: usize = 576;
/// The loopback's 65 536 would make datagrams that few fit a receive buffer.
const MOST_MTU: usize = 9000;
