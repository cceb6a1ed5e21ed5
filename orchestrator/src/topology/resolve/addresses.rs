//! The file's addresses checked, then the lowest free ones planned; MAC addresses likewise.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use ipnet::IpNet;
use protocol::link::Conditions;
use protocol::name::{LabName, NetworkName};
use protocol::settings::MacAddress;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::interfaces::Port;
use super::networks::Segment;
use super::nodes::Draft;
use crate::topology::document::word::Address;
use crate::topology::model::{Attachment, Interface};

/// The segments that interfaces are plugged into.
#[derive(Clone, Copy)]
pub(super) struct Segments<'a> {
    pub(super) networks: &'a BTreeMap<NetworkName, Segment>,
    pub(super) links: &'a [Segment],
}

impl<'a> Segments<'a> {
    fn of(self, attachment: &Attachment) -> Option<&'a Segment> {
        match attachment {
            Attachment::Network(name) => self.networks.get(name),
            Attachment::Link(place) => self.links.get(*place),
        }
    }
}

/// Gives every interface its addresses and its MAC address.
pub(super) fn assign(
    cx: &Context<'_>,
    lab: Option<&LabName>,
    drafts: &mut [Draft],
    segments: Segments<'_>,
) {
    let mut used = Used::default();
    for draft in &mut *drafts {
        for index in 0..draft.ports.len() {
            if let Some(interface) = used.given(cx, draft, index, segments) {
                draft.node.interfaces.push(interface);
            }
        }
    }
    let mut pools = Pools::new(segments);
    for draft in &mut *drafts {
        for interface in &mut draft.node.interfaces {
            pools.plan(&used, interface, segments);
        }
    }
    pools.report(cx);
    for draft in drafts {
        for interface in &mut draft.node.interfaces {
            if interface.mac == UNPLANNED {
                let lab = lab.map(LabName::as_str).unwrap_or_default();
                let seed = format!("{lab}/{}/{}", draft.node.name, interface.name);
                interface.mac = used.planned_mac(&seed);
            }
        }
    }
}

/// The addresses taken, each with its owner.
#[derive(Default)]
struct Used {
    addresses: BTreeMap<IpAddr, String>,
    macs: BTreeMap<MacAddress, String>,
}

impl Used {
    /// The interface with what the file gives it. An interface that is plugged into nothing is a
    /// mistake.
    fn given(
        &mut self,
        cx: &Context<'_>,
        draft: &Draft,
        index: usize,
        segments: Segments<'_>,
    ) -> Option<Interface> {
        let port: &Port = &draft.ports[index];
        let Some(attachment) = port.attachment.clone() else {
            if !port.dangling {
                cx.mistake(
                    &port.span,
                    format!("{} is plugged into nothing", port.name),
                    "add network = \"…\", or make it an end of a [[link]]",
                );
            }
            return None;
        };
        let segment = segments.of(&attachment)?;
        let owner = format!("{} of {}", port.name, draft.node.name);
        let mut addresses = Vec::new();
        for (address, span) in &port.addresses {
            let Some(net) = placed(cx, *address, segment, span) else {
                continue;
            };
            match self.addresses.insert(net.addr(), owner.clone()) {
                Some(other) if other == owner => {
                    let message = format!("address {} is given twice", net.addr());
                    cx.mistake(span, message, "write it once");
                }
                Some(other) => {
                    let message = format!("address {} is that of {other}", net.addr());
                    cx.mistake(span, message, "write another, or leave it out");
                }
                None => addresses.push(net),
            }
        }
        let mac = port.mac.as_ref().map_or(UNPLANNED, |(mac, span)| {
            if let Some(other) = self.macs.insert(*mac, owner.clone())
                && other != owner
            {
                let message = format!("MAC address {mac} is that of {other}");
                cx.mistake(
                    span,
                    message,
                    "write another, or leave it out to have one planned",
                );
            }
            *mac
        });
        Some(Interface {
            name: port.name.clone(),
            attachment,
            mac,
            addresses,
            egress: Conditions::default(),
            ingress: Conditions::default(),
        })
    }

    /// A locally administered unicast address (IEEE 802-2014 §8.2) that is the same for the same
    /// names, and free.
    fn planned_mac(&mut self, seed: &str) -> MacAddress {
        let mut attempt = 0_u32;
        loop {
            let digest = Sha256::digest(format!("{seed}/{attempt}"));
            let mac = MacAddress([0x02, digest[0], digest[1], digest[2], digest[3], digest[4]]);
            if let Entry::Vacant(free) = self.macs.entry(mac) {
                free.insert(seed.to_owned());
                return mac;
            }
            attempt += 1;
        }
    }
}

/// The address in its subnet, or `None` where it cannot be there, which is noted.
fn placed(
    cx: &Context<'_>,
    address: Address,
    segment: &Segment,
    span: &Range<usize>,
) -> Option<IpNet> {
    let (ip, title) = (address.ip, &segment.title);
    let same_family = |subnet: &&IpNet| subnet.addr().is_ipv4() == ip.is_ipv4();
    let mut subnets = segment.subnets.iter().map(|(subnet, _)| subnet);
    let Some(subnet) = subnets.clone().find(|subnet| subnet.contains(&ip)) else {
        if let (true, Some(prefix)) = (segment.subnets.is_empty(), address.prefix) {
            return IpNet::new(ip, prefix).ok();
        }
        match subnets.find(same_family) {
            Some(subnet) => cx.mistake(
                span,
                format!("address {ip} is outside {title}'s subnet {subnet}"),
                format!(
                    "write an address {}, or leave it out to have one planned",
                    range(*subnet)
                ),
            ),
            None => cx.mistake(
                span,
                format!("{title} has no subnet for address {ip}"),
                format!(
                    "give {title} a subnet, or write the prefix too: {ip}/{}",
                    usual(ip)
                ),
            ),
        }
        return None;
    };
    if address
        .prefix
        .is_some_and(|prefix| prefix != subnet.prefix_len())
    {
        let message = format!("the prefix differs from that of {title}'s subnet {subnet}");
        cx.mistake(span, message, format!("write {ip}"));
        return None;
    }
    let (first, last) = bounds(*subnet);
    if !(first..=last).contains(&number(ip)) {
        let message = format!("address {ip} stands for all of {title}'s subnet {subnet}");
        cx.mistake(
            span,
            message,
            format!("write an address {}", range(*subnet)),
        );
        return None;
    }
    IpNet::new(ip, subnet.prefix_len()).ok()
}

/// The free addresses of every subnet.
struct Pools<'a> {
    pools: BTreeMap<IpNet, Pool<'a>>,
}

struct Pool<'a> {
    segment: &'a Segment,
    span: &'a Range<usize>,
    next: u128,
    last: u128,
    interfaces: u128,
    exhausted: bool,
}

impl<'a> Pools<'a> {
    fn new(segments: Segments<'a>) -> Self {
        let all = segments.networks.values().chain(segments.links);
        let pools = all.flat_map(|segment| {
            segment.subnets.iter().map(move |(subnet, span)| {
                let (next, last) = bounds(*subnet);
                let pool = Pool {
                    segment,
                    span,
                    next,
                    last,
                    interfaces: 0,
                    exhausted: false,
                };
                (*subnet, pool)
            })
        });
        Self {
            pools: pools.collect(),
        }
    }

    /// Plans an address in each subnet in which the interface has none.
    fn plan(&mut self, used: &Used, interface: &mut Interface, segments: Segments<'_>) {
        let Some(segment) = segments.of(&interface.attachment) else {
            return;
        };
        for (subnet, _) in &segment.subnets {
            let Some(pool) = self.pools.get_mut(subnet) else {
                continue;
            };
            pool.interfaces += 1;
            if interface
                .addresses
                .iter()
                .any(|net| subnet.contains(&net.addr()))
            {
                continue;
            }
            while pool.next <= pool.last && used.addresses.contains_key(&ip(*subnet, pool.next)) {
                pool.next += 1;
            }
            if pool.next > pool.last {
                pool.exhausted = true;
            } else {
                let planned = IpNet::new(ip(*subnet, pool.next), subnet.prefix_len());
                interface.addresses.extend(planned);
                pool.next += 1;
            }
        }
    }

    fn report(&self, cx: &Context<'_>) {
        for (subnet, pool) in self.pools.iter().filter(|(_, pool)| pool.exhausted) {
            let (first, last) = bounds(*subnet);
            let needed = pool.interfaces;
            cx.mistake(
                pool.span,
                format!(
                    "{}'s subnet {subnet} has {} addresses for {needed} interfaces",
                    pool.segment.title,
                    (last - first).saturating_add(1),
                ),
                format!(
                    "write a larger one, of prefix length {} or less",
                    fitting(*subnet, needed)
                ),
            );
        }
    }
}

/// The longest prefix with room for `needed` hosts.
fn fitting(subnet: IpNet, needed: u128) -> u8 {
    let bits = u8::try_from((needed + 1).ilog2() + 1).unwrap_or(128);
    subnet.max_prefix_len().saturating_sub(bits)
}

/// The first and the last address that a host may have. IPv4's first and last stand for the subnet
/// and its broadcast, unless there are but two (RFC 3021); IPv6's first is every router's (RFC 4291
/// §2.6.1).
fn bounds(subnet: IpNet) -> (u128, u128) {
    let (first, last) = (number(subnet.network()), number(subnet.broadcast()));
    match subnet {
        IpNet::V4(net) if net.prefix_len() >= 31 => (first, last),
        IpNet::V6(net) if net.prefix_len() >= 127 => (first, last),
        IpNet::V4(_) => (first + 1, last - 1),
        IpNet::V6(_) => (first + 1, last),
    }
}

fn range(subnet: IpNet) -> String {
    let (first, last) = bounds(subnet);
    format!("from {} to {}", ip(subnet, first), ip(subnet, last))
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number of an IPv4 address has 32 bits"
)]
fn ip(subnet: IpNet, number: u128) -> IpAddr {
    match subnet {
        IpNet::V4(_) => Ipv4Addr::from_bits(number as u32).into(),
        IpNet::V6(_) => Ipv6Addr::from_bits(number).into(),
    }
}

/// The prefix length that a subnet usually has.
fn usual(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 24 } else { 64 }
}

/// Stands for a MAC address that is still to be planned; no interface can have it.
const UNPLANNED: MacAddress = MacAddress([0; 6]);
