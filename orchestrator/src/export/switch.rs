//! Networks as switches of GNS3, or as nodes of ours that bridge.

use std::collections::BTreeSet;

use protocol::name::NetworkName;

use crate::gns3::device::{ADAPTERS, DOCKER, Docker, SWITCH, Switch, properties};
use crate::topology::Topology;

use super::container::IMAGE;
use crate::gns3::agent::NODE;

/// What switches are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SwitchKind {
    /// GNS3's Ethernet switches, which need Dynamips on the server.
    #[default]
    Ethernet,
    /// Nodes of ours that bridge their adapters.
    Docker,
}

/// A switch to be: its type, its properties and its picture.
#[derive(Debug, Clone)]
pub struct SwitchParts {
    /// What GNS3 calls it.
    pub node_type: &'static str,
    /// How its console is reached.
    pub console: &'static str,
    /// Its picture.
    pub symbol: &'static str,
    /// What only such nodes have.
    pub properties: serde_json::Map<String, serde_json::Value>,
}

/// The name of a network's switch: the network's, where no node has it.
pub fn name(topology: &Topology, network: &NetworkName) -> String {
    let taken: BTreeSet<&str> = topology.nodes.iter().map(|n| n.name.as_str()).collect();
    let mut name = network.to_string();
    while taken.contains(name.as_str()) {
        name.push_str(SUFFIX);
    }
    name
}

/// A switch with room for so many interfaces.
pub fn parts(kind: SwitchKind, interfaces: u32) -> SwitchParts {
    match kind {
        SwitchKind::Ethernet => SwitchParts {
            node_type: SWITCH,
            console: "none",
            symbol: ":/symbols/ethernet_switch.svg",
            properties: properties(&Switch::with_ports(ports(interfaces))),
        },
        SwitchKind::Docker => SwitchParts {
            node_type: DOCKER,
            console: "telnet",
            symbol: ":/symbols/ethernet_switch.svg",
            properties: properties(&Docker {
                image: IMAGE.to_owned(),
                adapters: Some(interfaces.max(1)),
                start_command: Some(format!("{NODE} {BRIDGE}")),
                ..Docker::default()
            }),
        },
    }
}

/// Adapter and port of a switch's interface with this number.
pub fn port(kind: SwitchKind, number: u32) -> (u32, u32) {
    match kind {
        SwitchKind::Ethernet => (0, number),
        SwitchKind::Docker => (number, 0),
    }
}

/// What is written beside a switch's interface.
pub fn port_name(kind: SwitchKind, number: u32) -> String {
    match kind {
        SwitchKind::Ethernet => format!("e{number}"),
        SwitchKind::Docker => format!("eth{number}"),
    }
}

/// The most interfaces that such a switch has.
pub fn most(kind: SwitchKind) -> u32 {
    match kind {
        // A bridge of Dynamips grows with its ports; this is what a project with as many nodes has.
        SwitchKind::Ethernet => 4096,
        SwitchKind::Docker => ADAPTERS,
    }
}

/// Always some to spare, in steps of eight as GNS3's own has.
fn ports(interfaces: u32) -> u32 {
    (interfaces + 1).next_multiple_of(8)
}

/// The role that bridges.
pub const BRIDGE: &str = "bridge";

const SUFFIX: &str = "-switch";
