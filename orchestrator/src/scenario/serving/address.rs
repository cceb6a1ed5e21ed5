//! Where clients find a server.

use std::net::IpAddr;

use protocol::link::Port;
use protocol::name::{InterfaceName, NodeName};

use crate::plan::Plan;
use crate::scenario::context::ScenarioError;

/// The address of a server as a client on another node reaches it: on a segment that both are on,
/// where there is one, and by IPv4, where it has both.
///
/// # Errors
/// [`ScenarioError::NoAddress`] if it has none.
pub fn reachable(
    plan: &Plan,
    server: &NodeName,
    client: &NodeName,
) -> Result<IpAddr, ScenarioError> {
    let none = || ScenarioError::NoAddress(server.clone());
    let node = plan.nodes.iter().find(|node| node.name == *server);
    let interfaces = &node.ok_or_else(none)?.settings.interfaces;
    let is_near = |name: &InterfaceName| {
        plan.segments.iter().any(|segment| {
            let has_client = segment.ports.iter().any(|port| port.node == *client);
            let is_its = |port: &Port| port.node == *server && port.interface == *name;
            has_client && segment.ports.iter().any(is_its)
        })
    };
    let addresses = interfaces.iter().flat_map(|interface| {
        let is_far = !is_near(&interface.name);
        let of = move |net: &ipnet::IpNet| (is_far, net.addr().is_ipv6(), net.addr());
        interface.addresses.iter().map(of)
    });
    let nearest = addresses.min_by_key(|(is_far, is_six, _)| (*is_far, *is_six));
    nearest.map(|(_, _, address)| address).ok_or_else(none)
}
