//! Bridges, veth pairs, tunnels and what can be changed of a link.

use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoData, InfoKind, InfoVeth, InfoVxlan, LinkAttribute, LinkFlags,
    LinkInfo, LinkMessage, State,
};

use nix::unistd::Pid;

use super::Batch;

/// A link's number, unique in its network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkIndex(pub u32);

impl LinkIndex {
    /// The loopback interface, in every network namespace (`LOOPBACK_IFINDEX`, linux/net/flow.h).
    pub const LOOPBACK: Self = Self(1);
}

/// A link as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: LinkIndex,
    /// Its name.
    pub name: String,
    /// Its hardware address; empty where it has none.
    pub mac: Vec<u8>,
    /// Whether it is administratively up.
    pub up: bool,
    /// Whether it is up and its other end is too.
    pub carrier: bool,
    /// Whether the kernel says that it passes frames (`IF_OPER_UP`, RFC 2863). It comes to that in its
    /// own time after the carrier is there, and drops what is sent before. Of taps it says nothing
    /// (`IF_OPER_UNKNOWN`, Documentation/networking/operstates.rst): they pass frames once they are up.
    pub operational: bool,
}

/// One end of a veth pair to be made.
#[derive(Debug, Clone, Copy)]
pub struct VethEnd<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number; `None` lets the kernel choose. Where both ends have the same number, each in its
    /// own namespace, the kernel takes the pair for a link without a lower one and is up to a second
    /// late to let it pass frames (`linkwatch_urgent_event` in `net/core/link_watch.c`).
    pub index: Option<LinkIndex>,
    /// Its hardware address; `None` lets the kernel choose a random one.
    pub mac: Option<[u8; 6]>,
    /// The network namespace that it is made in; `None`: the socket's.
    pub namespace: Option<NetworkNamespace<'a>>,
}

/// One end of a tunnel to be made: VXLAN (RFC 7348) to all that listen to a multicast group.
#[derive(Debug, Clone, Copy)]
pub struct Tunnel<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number, chosen by the caller.
    pub index: LinkIndex,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Its VXLAN network identifier.
    pub id: u32,
    /// The group that frames for everybody, and for those who are not known yet, are sent to.
    pub group: Ipv4Addr,
    /// The link that its packets take.
    pub over: LinkIndex,
    /// The longest packet that it takes, in bytes. What it sends is 50 bytes longer.
    pub mtu: u32,
}

/// The kernel's name for a network namespace.
#[derive(Debug, Clone, Copy)]
pub enum NetworkNamespace<'a> {
    /// The one that a process is in, by its number in the caller's process name space.
    OfProcess(Pid),
    /// An open `/proc/PID/ns/net`.
    Open(BorrowedFd<'a>),
}

impl Batch {
    /// Makes a bridge that is up and passes everything at once: no spanning tree, no multicast
    /// snooping, learned addresses kept for five minutes. The caller chooses its number, so that
    /// later requests of the same batch can name it as a master.
    pub fn create_bridge(&mut self, name: &str, index: LinkIndex) {
        let data = InfoData::Bridge(vec![
            InfoBridge::StpState(BridgeStpState::Disabled),
            InfoBridge::ForwardDelay(0),
            InfoBridge::AgeingTime(BRIDGE_AGEING),
            InfoBridge::MulticastSnooping(false),
        ]);
        let mut message = LinkMessage::default();
        message.header.index = index.0;
        set_up(&mut message, true);
        message.attributes = vec![
            LinkAttribute::IfName(name.to_owned()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(data)]),
        ];
        self.create(
            format!("making bridge {name}"),
            RouteNetlinkMessage::NewLink(message),
        );
    }

    /// Makes a veth pair, each end in its own namespace from the start, in one request. Where the
    /// first end shall be a port of a bridge, it is brought up too; the kernel makes no pair whose
    /// second end is up (`veth_open` gives ENOTCONN while it has no peer).
    pub fn create_veth(
        &mut self,
        end: &VethEnd<'_>,
        peer: &VethEnd<'_>,
        port_of: Option<LinkIndex>,
    ) {
        let action = format!("making the veth pair {} and {}", end.name, peer.name);
        let data = InfoData::Veth(InfoVeth::Peer(veth_message(peer)));
        let mut message = veth_message(end);
        if let Some(LinkIndex(bridge)) = port_of {
            set_up(&mut message, true);
            message.attributes.push(LinkAttribute::Controller(bridge));
        }
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(data),
        ]));
        self.create(action, RouteNetlinkMessage::NewLink(message));
    }

    /// Makes one end of a tunnel.
    pub fn create_tunnel(&mut self, tunnel: &Tunnel<'_>) {
        let data = InfoData::Vxlan(vec![
            InfoVxlan::Id(tunnel.id),
            InfoVxlan::Group(tunnel.group),
            InfoVxlan::Link(tunnel.over.0),
            InfoVxlan::Port(VXLAN_PORT),
            InfoVxlan::Ttl(1),
        ]);
        let mut message = LinkMessage::default();
        message.header.index = tunnel.index.0;
        message.attributes = vec![
            LinkAttribute::IfName(tunnel.name.to_owned()),
            LinkAttribute::Address(tunnel.mac.to_vec()),
            LinkAttribute::Mtu(tunnel.mtu),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Vxlan), LinkInfo::Data(data)]),
        ];
        self.create(
            format!("making tunnel {}", tunnel.name),
            RouteNetlinkMessage::NewLink(message),
        );
    }

    /// Gives a link another name. It may be up.
    pub fn rename(&mut self, link: LinkIndex, name: &str) {
        let action = format!("renaming link {} to {name}", link.0);
        self.set(action, link, vec![LinkAttribute::IfName(name.to_owned())]);
    }

    /// Gives a link another hardware address.
    pub fn set_mac(&mut self, link: LinkIndex, mac: [u8; 6]) {
        let action = format!("setting the hardware address of link {}", link.0);
        self.set(action, link, vec![LinkAttribute::Address(mac.to_vec())]);
    }

    /// Makes a link a port of a bridge.
    pub fn set_master(&mut self, link: LinkIndex, bridge: LinkIndex) {
        let action = format!("making link {} a port of bridge {}", link.0, bridge.0);
        self.set(action, link, vec![LinkAttribute::Controller(bridge.0)]);
    }

    /// Brings a link up.
    pub fn bring_up(&mut self, link: LinkIndex) {
        self.set_state(link, true);
    }

    /// Takes a link down. Its routes go with it.
    pub fn take_down(&mut self, link: LinkIndex) {
        self.set_state(link, false);
    }

    /// Removes a link; a veth's other end goes with it.
    pub fn delete_link(&mut self, link: LinkIndex) {
        let mut message = LinkMessage::default();
        message.header.index = link.0;
        self.change(
            format!("removing link {}", link.0),
            RouteNetlinkMessage::DelLink(message),
        );
    }

    fn set_state(&mut self, link: LinkIndex, up: bool) {
        let mut message = LinkMessage::default();
        message.header.index = link.0;
        set_up(&mut message, up);
        let word = if up { "up" } else { "down" };
        self.change(
            format!("setting link {} {word}", link.0),
            RouteNetlinkMessage::SetLink(message),
        );
    }

    fn set(&mut self, action: String, link: LinkIndex, attributes: Vec<LinkAttribute>) {
        let mut message = LinkMessage::default();
        message.header.index = link.0;
        message.attributes = attributes;
        self.change(action, RouteNetlinkMessage::SetLink(message));
    }
}

impl Link {
    pub(super) fn from_message(message: LinkMessage) -> Self {
        let mut link = Self {
            index: LinkIndex(message.header.index),
            name: String::new(),
            mac: Vec::new(),
            up: message.header.flags.contains(LinkFlags::Up),
            carrier: message.header.flags.contains(LinkFlags::LowerUp),
            operational: false,
        };
        let (mut state, mut is_tap) = (State::Unknown, false);
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Address(mac) => link.mac = mac,
                LinkAttribute::OperState(found) => state = found,
                LinkAttribute::LinkInfo(info) => {
                    is_tap = info.contains(&LinkInfo::Kind(InfoKind::Tun));
                }
                _ => {}
            }
        }
        link.operational = state == State::Up || (is_tap && state == State::Unknown);
        link
    }
}

fn veth_message(end: &VethEnd<'_>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = end.index.map_or(0, |LinkIndex(index)| index);
    // The kernel would give each end as many queues as there are processors, with files for each; a
    // veth has no use for them without XDP.
    message.attributes = vec![
        LinkAttribute::IfName(end.name.to_owned()),
        LinkAttribute::NumTxQueues(1),
        LinkAttribute::NumRxQueues(1),
    ];
    if let Some(mac) = end.mac {
        message
            .attributes
            .push(LinkAttribute::Address(mac.to_vec()));
    }
    match end.namespace {
        None => {}
        Some(NetworkNamespace::OfProcess(process)) => {
            let process = LinkAttribute::NetNsPid(process.as_raw().unsigned_abs());
            message.attributes.push(process);
        }
        Some(NetworkNamespace::Open(descriptor)) => {
            let descriptor = LinkAttribute::NetNsFd(descriptor.as_raw_fd());
            message.attributes.push(descriptor);
        }
    }
    message
}

fn set_up(message: &mut LinkMessage, up: bool) {
    message.header.change_mask = LinkFlags::Up;
    if up {
        message.header.flags = LinkFlags::Up;
    }
}

/// The time for which a bridge remembers where a hardware address was seen, in `USER_HZ` (1/100 s): the
/// kernel's own default, five minutes.
const BRIDGE_AGEING: u32 = 300 * 100;

/// The UDP port assigned to VXLAN (RFC 7348 §8).
const VXLAN_PORT: u16 = 4789;
