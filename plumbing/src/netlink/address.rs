//! Addresses of links.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::{Batch, LinkIndex};

/// An address of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The link.
    pub link: LinkIndex,
    /// The address with its prefix length.
    pub address: IpNet,
}

impl Batch {
    /// Gives a link an address; no harm if it has it already. An IPv6 address is usable at once,
    /// without duplicate address detection; an IPv4 address gets its subnet's broadcast address.
    pub fn add_address(&mut self, link: LinkIndex, address: IpNet) {
        let mut message = message(link, address);
        match address {
            IpNet::V4(v4) if v4.prefix_len() < 31 => message
                .attributes
                .push(AddressAttribute::Broadcast(v4.broadcast())),
            IpNet::V4(_) => {}
            IpNet::V6(_) => {
                message.header.flags = AddressHeaderFlags::Nodad;
                let flags = AddressFlags::Nodad;
                message.attributes.push(AddressAttribute::Flags(flags));
            }
        }
        if address.addr().is_loopback() {
            message.header.scope = AddressScope::Host;
        }
        self.replace(
            format!("giving link {} the address {address}", link.0),
            RouteNetlinkMessage::NewAddress(message),
        );
    }

    /// Takes an address from its link.
    pub fn delete_address(&mut self, Address { link, address }: Address) {
        self.change(
            format!("taking the address {address} from link {}", link.0),
            RouteNetlinkMessage::DelAddress(message(link, address)),
        );
    }
}

impl Address {
    /// The address of a listed message, or `None` if it is of a family other than IP.
    pub(super) fn from_message(message: &AddressMessage) -> Option<Self> {
        // Of a point-to-point link, IFA_ADDRESS is the other end and IFA_LOCAL this one; of others
        // both are the same, and IPv6 leaves IFA_LOCAL out.
        let local = message.attributes.iter().find_map(|a| match a {
            AddressAttribute::Local(address) => Some(*address),
            _ => None,
        });
        let address = local.or_else(|| {
            message.attributes.iter().find_map(|a| match a {
                AddressAttribute::Address(address) => Some(*address),
                _ => None,
            })
        })?;
        Some(Self {
            link: LinkIndex(message.header.index),
            address: IpNet::new(address, message.header.prefix_len).ok()?,
        })
    }
}

fn message(link: LinkIndex, address: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address.addr());
    message.header.prefix_len = address.prefix_len();
    message.header.index = link.0;
    message.attributes = vec![
        AddressAttribute::Address(address.addr()),
        AddressAttribute::Local(address.addr()),
    ];
    message
}

pub(super) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}
