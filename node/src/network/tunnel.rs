//! Interfaces that are tunnels over those of an engine.

use std::net::{IpAddr, Ipv4Addr};

use plumbing::netlink::{Batch, LinkIndex, RouteSocket, Tunnel};
use protocol::control::{Failure, FailureKind};
use protocol::settings::{FoundBy, InterfaceSettings};

use super::configure::{carry_out, refused};
use super::settling::Settling;

/// Makes the tunnels among `interfaces` that are not there yet. The interfaces below keep their
/// addresses and lose their names and routes.
///
/// # Errors
/// Names the tunnel that cannot be made, and why.
pub fn make(socket: &mut RouteSocket, interfaces: &[InterfaceSettings]) -> Result<(), Failure> {
    let tunnels: Vec<(&InterfaceSettings, IpAddr, u32)> = interfaces
        .iter()
        .filter_map(|interface| match interface.found_by {
            FoundBy::Tunnel { over, id } => Some((interface, over, id)),
            FoundBy::Name | FoundBy::Called(_) | FoundBy::Address(_) => None,
        })
        .collect();
    if tunnels.is_empty() {
        return Ok(());
    }
    let links = socket
        .links()
        .map_err(|error| refused("the node's interfaces", &error))?;
    let addresses = socket
        .addresses()
        .map_err(|error| refused("the node's addresses", &error))?;
    let (mut below, mut above) = (Batch::new(), Batch::new());
    let mut under = Vec::new();
    for (interface, over, id) in tunnels {
        let name = interface.name.as_str();
        let mut there = links.iter().filter(|link| link.name == name);
        if there.any(|link| link.mac == interface.mac.0) {
            continue;
        }
        let holder = addresses.iter().find(|a| a.address.addr() == over);
        let link = holder.map(|a| a.link).ok_or_else(|| Failure {
            kind: FailureKind::NotFound,
            message: format!("interface {name}: the node has no link with the address {over}"),
        })?;
        below.take_down(link);
        below.rename(link, &format!("under-{}", link.0));
        below.bring_up(link);
        under.push(link);
        above.create_tunnel(&Tunnel {
            name,
            index: LinkIndex(FIRST_INDEX + link.0),
            mac: interface.mac.0,
            id,
            group: GROUP,
            over: link,
            mtu: MTU,
        });
    }
    let settling = Settling::begin()?;
    carry_out(socket, below, "the interfaces below the tunnels")?;
    settling.wait(socket, &under)?;
    carry_out(socket, above, "the tunnels")
}

/// The group is heard only on the tunnel's own segment (RFC 2365: organization-local scope).
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 192, 0, 1);

/// An Ethernet segment's, RFC 894. The links below take more.
const MTU: u32 = 1500;

/// Far above the numbers that the kernel gives to links by itself.
const FIRST_INDEX: u32 = 1 << 20;
