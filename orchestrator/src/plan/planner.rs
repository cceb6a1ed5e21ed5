//! The plan: segments with their ports, nodes with everything that they must know of themselves.

use std::collections::BTreeSet;

use protocol::keeper::Bind;
use protocol::link::Port;
use protocol::name::NetworkName;
use protocol::settings::{FoundBy, Host, InterfaceSettings, NodeSettings, Route};

use super::link::link_conditions;
use super::position::Positions;
use super::routes::Routing;
use super::{LabId, Plan, PlannedNode, Segment};
use crate::topology::Topology;
use crate::topology::model::{Attachment, Interface, Node};

/// Decides everything that a backend must make. A node that the file gives no routes gets one to
/// each subnet that it reaches through nodes that forward.
pub fn plan(topology: &Topology, lab: LabId) -> Plan {
    let routing = Routing::new(topology);
    let node = |node: &Node| PlannedNode {
        name: node.name.clone(),
        image: node.image.clone(),
        compute: node.compute.clone(),
        env: node.env.clone(),
        limits: node.limits,
        file_targets: node.files.iter().map(|file| file.to.clone()).collect(),
        binds: node.binds.iter().map(bind).collect(),
        settings: NodeSettings {
            name: node.name.clone(),
            interfaces: node.interfaces.iter().map(interface).collect(),
            routes: if node.routes.is_empty() {
                routing.of(node)
            } else {
                given(node)
            },
            forward: node.forward,
            sandbox: node.sandbox,
            hosts: Vec::new(),
        },
    };
    Plan {
        lab,
        hidden: BTreeSet::new(),
        segments: segments(topology),
        links: link_conditions(topology),
        nodes: topology.nodes.iter().map(node).collect(),
        hosts: hosts(topology),
        positions: Positions::of(topology),
    }
}

fn bind(bind: &crate::topology::model::Bind) -> Bind {
    let from = std::path::absolute(&bind.from);
    let from = from.unwrap_or_else(|_| bind.from.clone());
    Bind {
        from: from.to_string_lossy().into_owned(),
        to: bind.to.clone(),
    }
}

fn given(node: &Node) -> Vec<Route> {
    let routes = node.routes.iter();
    let route = |route: &crate::topology::model::StaticRoute| Route {
        to: route.to,
        via: route.via,
    };
    routes.map(route).collect()
}

fn interface(interface: &Interface) -> InterfaceSettings {
    InterfaceSettings {
        name: interface.name.clone(),
        found_by: FoundBy::Name,
        mac: interface.mac,
        addresses: interface.addresses.clone(),
    }
}

/// Every node that has an address, in the file's order.
fn hosts(topology: &Topology) -> Vec<Host> {
    let hosts = topology.nodes.iter().map(|node| Host {
        name: node.name.clone(),
        addresses: node
            .interfaces
            .iter()
            .flat_map(|interface| &interface.addresses)
            .map(ipnet::IpNet::addr)
            .collect(),
    });
    hosts.filter(|host| !host.addresses.is_empty()).collect()
}

/// The networks, then the wires.
fn segments(topology: &Topology) -> Vec<Segment> {
    let networks = topology.networks.keys().map(|name| Segment {
        name: name.clone(),
        wire: false,
        ports: ports(topology, &Attachment::Network(name.clone())),
    });
    let wires = (0..topology.links.len()).filter_map(|place| {
        Some(Segment {
            name: wire_name(place)?,
            wire: true,
            ports: ports(topology, &Attachment::Link(place)),
        })
    });
    networks.chain(wires).collect()
}

/// `link-1` for the first wire. Always a name: it is made of what names are made of.
fn wire_name(place: usize) -> Option<NetworkName> {
    format!("link-{}", place + 1).parse().ok()
}

fn ports(topology: &Topology, attachment: &Attachment) -> Vec<Port> {
    let ports = topology.nodes.iter().flat_map(|node| {
        let interfaces = node.interfaces.iter();
        let plugged = interfaces.filter(|interface| interface.attachment == *attachment);
        plugged.map(|interface| Port {
            node: node.name.clone(),
            interface: interface.name.clone(),
        })
    });
    ports.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_plan_has_the_networks_then_the_wires_and_every_name() {
        let text = r#"
            name = "mixed"
            network.lan.subnet = "10.0.0.0/24"
            node.a.networks = ["lan"]
            node.b.networks = ["lan"]
            [[link]]
            ends = ["a:eth1", "b:eth1"]
        "#;
        let topology =
            crate::topology::read("lab.toml", text, Path::new(""), &BTreeMap::new(), &|_| {
                crate::topology::Found::File
            });
        let lab = LabId {
            name: "mixed".parse().unwrap(),
            instance: 1,
        };
        let plan = plan(&topology.unwrap(), lab);
        let segments: Vec<_> = plan
            .segments
            .iter()
            .map(|s| (s.name.as_str(), s.wire))
            .collect();
        assert_eq!(segments, [("lan", false), ("link-1", true)]);
        assert!(plan.segments.iter().all(|segment| segment.ports.len() == 2));
        for node in &plan.nodes {
            let hosts = plan.settings(node).hosts;
            let names: Vec<_> = hosts.iter().map(|h| h.name.as_str()).collect();
            assert_eq!(names, ["a", "b"]);
        }
    }
}
