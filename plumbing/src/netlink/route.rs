//! Routes.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};

use super::address::family;
use super::{Batch, LinkIndex};

/// A route of the main table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub to: IpNet,
    /// Through which neighbour; `None`: what is there is on the link itself.
    pub via: Option<IpAddr>,
    /// Through which link; may be left out where `via` tells.
    pub link: Option<LinkIndex>,
    /// Its rank among routes to the same place, the lowest first; zero is the kernel's default.
    pub metric: u32,
}

impl Batch {
    /// Adds a route, in place of one to the same place with the same metric.
    pub fn add_route(&mut self, route: Route) {
        let mut message = RouteMessage::default();
        message.header.address_family = family(route.to.addr());
        message.header.destination_prefix_length = route.to.prefix_len();
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.kind = RouteType::Unicast;
        message.header.scope = match (route.to, route.via) {
            (IpNet::V4(_), None) => RouteScope::Link,
            _ => RouteScope::Universe,
        };
        if route.to.prefix_len() > 0 {
            let to = RouteAddress::from(route.to.network());
            message.attributes.push(RouteAttribute::Destination(to));
        }
        if let Some(via) = route.via {
            let gateway = RouteAttribute::Gateway(via.into());
            message.attributes.push(gateway);
        }
        if let Some(LinkIndex(link)) = route.link {
            message.attributes.push(RouteAttribute::Oif(link));
        }
        if route.metric > 0 {
            let metric = RouteAttribute::Priority(route.metric);
            message.attributes.push(metric);
        }
        self.replace(
            format!("adding {route}"),
            RouteNetlinkMessage::NewRoute(message),
        );
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the route to {}", self.to)?;
        if let Some(via) = self.via {
            write!(out, " via {via}")?;
        }
        if let Some(LinkIndex(link)) = self.link {
            write!(out, " over link {link}")?;
        }
        Ok(())
    }
}
