//! Finds the links that the settings mean and makes them as they shall be.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};
use plumbing::netlink::{Address, Batch, Link, RouteSocket};
use protocol::control::{Failure, FailureKind};
use protocol::name::InterfaceName;
use protocol::settings::{FoundBy, InterfaceSettings};

use super::configure::refused;

/// A link that is an interface of the settings.
#[derive(Debug)]
pub struct Found<'a> {
    /// The settings it is to have.
    pub settings: &'a InterfaceSettings,
    /// The link as it is.
    pub link: Link,
    /// The addresses that it has.
    addresses: Vec<Address>,
    /// Whether an engine has set it up in its own way.
    foreign: bool,
}

/// Finds the link of each interface.
///
/// # Errors
/// Names the first interface without a link, and what it was looked for by.
pub fn find<'a>(
    socket: &mut RouteSocket,
    interfaces: &'a [InterfaceSettings],
) -> Result<Vec<Found<'a>>, Failure> {
    let links = socket
        .links()
        .map_err(|error| refused("the node's interfaces", &error))?;
    let addresses = socket
        .addresses()
        .map_err(|error| refused("the node's addresses", &error))?;
    interfaces
        .iter()
        .map(|settings| find_one(settings, &links, &addresses))
        .collect()
}

/// An interface that an engine has addressed loses that address when it is set up; from then on it
/// is known by its name and hardware address.
fn find_one<'a>(
    settings: &'a InterfaceSettings,
    links: &[Link],
    addresses: &[Address],
) -> Result<Found<'a>, Failure> {
    let called = |name: &InterfaceName| links.iter().find(|l| l.name == name.as_str());
    let ours = || called(&settings.name).filter(|l| l.mac == settings.mac.0);
    let (link, foreign) = match &settings.found_by {
        FoundBy::Name | FoundBy::Tunnel { .. } => (called(&settings.name), false),
        // It may have its final name already, which another one may have been called before.
        FoundBy::Called(name) => (ours().or_else(|| called(name)), false),
        FoundBy::Address(wanted) => {
            let holder = addresses.iter().find(|a| a.address.addr() == *wanted);
            let holder = holder.and_then(|a| links.iter().find(|l| l.index == a.link));
            (holder.or_else(ours), holder.is_some())
        }
    };
    let link = link.ok_or_else(|| missing(settings, links))?.clone();
    let of_link = addresses.iter().filter(|a| a.link == link.index);
    Ok(Found {
        settings,
        addresses: of_link.copied().collect(),
        link,
        foreign,
    })
}

impl Found<'_> {
    /// Lets go of a name that is not the final one, so that names may change places. What an engine
    /// has set up goes down too: its routes, the default route among them, and its IPv6 addresses
    /// end with that.
    pub fn release(&self, batch: &mut Batch) {
        if self.foreign {
            batch.take_down(self.link.index);
        }
        if !self.is_named() {
            let aside = format!("aside-{}", self.link.index.0);
            batch.rename(self.link.index, &aside);
        }
    }

    /// Gives it its name, hardware address and addresses, takes every other address away and brings
    /// it up.
    pub fn apply(&self, batch: &mut Batch) {
        let link = self.link.index;
        if !self.is_named() {
            batch.rename(link, self.settings.name.as_str());
        }
        if self.link.mac != self.settings.mac.0 {
            batch.set_mac(link, self.settings.mac.0);
        }
        for address in self.addresses.iter().filter(|a| self.is_stale(a)) {
            batch.delete_address(*address);
        }
        if let Some(address) = self.link_local() {
            batch.add_address(link, address);
        }
        batch.bring_up(link);
        for address in &self.settings.addresses {
            batch.add_address(link, *address);
        }
    }

    /// The link-local address that the kernel would make of the hardware address (RFC 4291
    /// appendix A), where the interface speaks IPv6. The kernel's own would be tentative for a second
    /// or two (RFC 4862 §5.4), and a router without a valid one asks for no neighbours meanwhile.
    fn link_local(&self) -> Option<IpNet> {
        let mut addresses = self.settings.addresses.iter();
        addresses.find(|address| matches!(address, IpNet::V6(_)))?;
        let mac = self.settings.mac.0;
        let word = |high, low| u16::from_be_bytes([high, low]);
        let address = Ipv6Addr::new(
            0xfe80,
            0,
            0,
            0,
            word(mac[0] ^ UNIVERSAL, mac[1]),
            word(mac[2], 0xff),
            word(0xfe, mac[3]),
            word(mac[4], mac[5]),
        );
        Ipv6Net::new(address, 64).ok().map(IpNet::V6)
    }

    fn is_named(&self) -> bool {
        self.link.name == self.settings.name.as_str()
    }

    /// IPv6 addresses of a link that went down are gone already; link-local ones are the kernel's.
    fn is_stale(&self, address: &Address) -> bool {
        let kernels = match address.address {
            IpNet::V4(_) => false,
            IpNet::V6(v6) => self.foreign || v6.addr().is_unicast_link_local(),
        };
        !kernels && !self.settings.addresses.contains(&address.address)
    }
}

fn missing(settings: &InterfaceSettings, links: &[Link]) -> Failure {
    let sought = match &settings.found_by {
        FoundBy::Called(name) => format!("called {name}"),
        FoundBy::Name | FoundBy::Tunnel { .. } => "of that name".to_owned(),
        FoundBy::Address(address) => format!("with the address {address}"),
    };
    let there: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
    Failure {
        kind: FailureKind::NotFound,
        message: format!(
            "interface {}: the node has no link {sought}; it has {}",
            settings.name,
            there.join(", ")
        ),
    }
}

/// The bit that an interface identifier has turned round (RFC 4291 §2.5.1).
const UNIVERSAL: u8 = 0x02;
