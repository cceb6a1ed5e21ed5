//! Makes the node's network namespace as the settings say.

use std::io;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use nix::errno::Errno;
use plumbing::netlink::{Batch, LinkIndex, NetlinkError, Route, RouteSocket};
use plumbing::sysctl::{self, SysctlError};
use protocol::control::{Failure, FailureKind};
use protocol::settings::{FoundBy, NodeSettings};

use super::interface::{self, Found};
use super::settling::Settling;
use super::{hosts, tunnel};

/// Makes this process's network namespace as `settings` say. Blocks; the whole process must be in
/// that namespace. Doing it again changes nothing.
///
/// # Errors
/// Names the interface, the operation on it that the kernel refused, and the kernel's words.
pub fn configure(settings: &NodeSettings) -> Result<(), Failure> {
    hosts::write(&hosts::text(&settings.hosts))?;
    configure_interfaces(settings)
}

/// The same without the names of other nodes, which [`hosts::write`] sets.
///
/// # Errors
/// As [`configure`].
pub fn configure_interfaces(settings: &NodeSettings) -> Result<(), Failure> {
    hosts::set_name(&settings.name)?;
    set_forwarding(settings.forward).map_err(|error| system(&error, error.source.kind()))?;

    let mut socket = RouteSocket::open().map_err(|error| refused("the node's network", &error))?;
    tunnel::make(&mut socket, &settings.interfaces)?;
    let found = interface::find(&mut socket, &settings.interfaces)?;
    let mut batch = Batch::new();
    batch.bring_up(LinkIndex::LOOPBACK);
    for interface in &found {
        interface.release(&mut batch);
    }
    carry_out(&mut socket, batch, "loopback and the interfaces to rename")?;
    let settling = Settling::begin()?;
    for interface in &found {
        let mut batch = Batch::new();
        interface.apply(&mut batch);
        let place = format!("interface {}", interface.settings.name);
        carry_out(&mut socket, batch, &place)?;
    }
    settling.wait(&mut socket, &settling_links(&found))?;
    carry_out(&mut socket, routes(settings, &found), "the node's routes")
}

/// A new namespace inherits `ip_forward` from the host, so both values are set.
fn set_forwarding(forward: bool) -> Result<(), SysctlError> {
    if forward {
        return sysctl::enable_forwarding();
    }
    sysctl::set("net/ipv4/ip_forward", "0")
}

/// The links that the kernel lets pass frames after a while; tunnels do at once, and it never says so.
fn settling_links(found: &[Found<'_>]) -> Vec<LinkIndex> {
    let is_tunnel = |found: &&Found<'_>| matches!(found.settings.found_by, FoundBy::Tunnel { .. });
    let others = found.iter().filter(|found| !is_tunnel(found));
    others.map(|found| found.link.index).collect()
}

/// The planned routes, and those that let programs send to 255.255.255.255 and to groups without a
/// default route, as ip(7) wants one. IPv6 has `ff00::/8` on every link by itself.
fn routes(settings: &NodeSettings, found: &[Found<'_>]) -> Batch {
    let mut batch = Batch::new();
    let speaks_ipv4 = |found: &&Found<'_>| {
        let mut addresses = found.settings.addresses.iter();
        addresses.any(|address| matches!(address, IpNet::V4(_)))
    };
    if let Some(first) = found.iter().find(speaks_ipv4).or(found.first()) {
        for to in [LIMITED_BROADCAST, MULTICAST] {
            batch.add_route(Route {
                to: IpNet::V4(to),
                via: None,
                link: Some(first.link.index),
                metric: 0,
            });
        }
    }
    for route in &settings.routes {
        batch.add_route(Route {
            to: route.to,
            via: Some(route.via),
            link: None,
            metric: 0,
        });
    }
    batch
}

pub(super) fn carry_out(
    socket: &mut RouteSocket,
    batch: Batch,
    place: &str,
) -> Result<(), Failure> {
    if batch.is_empty() {
        return Ok(());
    }
    let done = socket.carry_out(batch);
    done.map_err(|error| refused(place, &error))
}

/// A failure in the kernel's own words.
pub(super) fn refused(place: &str, error: &NetlinkError) -> Failure {
    let code = error.raw_os_error().map(Errno::from_raw);
    Failure {
        kind: match code {
            Some(Errno::EPERM | Errno::EACCES) => FailureKind::Denied,
            _ => FailureKind::System,
        },
        message: format!("{place}: {error}"),
    }
}

/// A failure of the file system or of a system call.
pub(super) fn system(error: &dyn std::error::Error, kind: io::ErrorKind) -> Failure {
    Failure {
        kind: match kind {
            io::ErrorKind::PermissionDenied => FailureKind::Denied,
            _ => FailureKind::System,
        },
        message: error.to_string(),
    }
}

/// RFC 919 §7: all hosts of the segment.
const LIMITED_BROADCAST: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::BROADCAST, 32);

/// RFC 5771: all groups.
const MULTICAST: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4);
