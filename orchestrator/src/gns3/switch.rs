//! Switches of GNS3, or nodes of ours that bridge in their place.

use super::container::{IMAGE, NODE};
use super::device::{ADAPTERS, DOCKER, Docker, SWITCH, Switch, properties};

/// The kinds of node that can serve as switches.
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
    /// GNS3's name for its type.
    pub node_type: &'static str,
    /// The protocol of its console.
    pub console: &'static str,
    /// Its picture.
    pub symbol: &'static str,
    /// The properties that only such nodes have.
    pub properties: serde_json::Map<String, serde_json::Value>,
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

/// Returns the label of a switch's interface.
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

/// The name of a network's switch: the network's, where no node has it.
pub fn name(network: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = network.to_owned();
    while is_taken(&name) {
        name.push_str(SUFFIX);
    }
    name
}

const SUFFIX: &str = "-switch";
