//! The tables of the file and their keys. The JSON Schema is made from these, comments included.

use protocol::name::{InterfaceName, LabName, NetworkName};
use protocol::settings::{MacAddress, Sandbox};
use protocol::unit::{ByteSize, Percent, Rate, Time};
use schemars::JsonSchema;
use serde::Deserialize;

use super::place::{Bound, Copied};
use super::scenario::ScenarioEntry;
use super::word::{Address, Count, Cpus, Filled, Flag, Image, Scalar, Subnet, Text, Word};
use super::{At, Many, Named, OneOrMany, Written};
use crate::topology::model::{LinkEnd, StaticRoute};

/// A network lab: nodes, the networks between them, and what is done there.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Topology", extend("required" = ["name"]))]
pub(in crate::topology) struct Document {
    /// The lab's name: lower-case letters, digits and hyphens.
    pub(in crate::topology) name: Written<LabName>,
    /// Its purpose, in a line.
    pub(in crate::topology) summary: Written<Text>,
    /// The confinement of the programs of all nodes that do not say otherwise.
    pub(in crate::topology) sandbox: Written<Sandbox>,
    /// Variables, for `${name}` in any string below. `--set` and a scenario's matrix override them.
    pub(in crate::topology) vars: Named<Written<Scalar>>,
    /// Ethernet segments by name: switches, made and removed with the lab.
    #[schemars(extend("propertyNames" = named(LABEL)))]
    pub(in crate::topology) network: Named<NetworkEntry>,
    /// Nodes by name.
    #[schemars(extend("propertyNames" = named(LABEL)))]
    pub(in crate::topology) node: Named<NodeEntry>,
    /// Direct wires between two nodes, no switch between.
    pub(in crate::topology) link: Many<At<LinkEntry>>,
    /// The activities in the lab, with their expected results.
    pub(in crate::topology) scenario: Many<At<ScenarioEntry>>,
}

/// An Ethernet segment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(in crate::topology) struct NetworkEntry {
    /// IPv4, IPv6 or both: `"10.0.0.0/24"`, `["10.0.0.0/24", "fd00::/64"]`. Without it the
    /// segment is bare.
    pub(in crate::topology) subnet: OneOrMany<Written<Subnet>>,
}

/// A node, or `count` alike.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Node")]
pub(in crate::topology) struct NodeEntry {
    /// Short form: eth0, eth1, … on these networks, with planned addresses.
    pub(in crate::topology) networks: Many<Written<NetworkName>>,
    /// Interfaces by name.
    #[schemars(extend("propertyNames" = named(INTERFACE)))]
    pub(in crate::topology) interface: Named<InterfaceEntry>,
    /// The number of such nodes; more than one are called name-1, name-2, ….
    pub(in crate::topology) count: Written<Count>,
    /// The container image; default: the built-in one.
    pub(in crate::topology) image: Written<Image>,
    /// The machine of a GNS3 server that has several: its compute's name; default: spread evenly.
    pub(in crate::topology) compute: Written<Filled>,
    /// Program and arguments, started with the lab; default: the node waits for orders.
    pub(in crate::topology) command: Many<Written<Text>>,
    /// Files put into the node before its command starts: "inputs/send.py:/root/send.py".
    pub(in crate::topology) files: Many<Written<Copied>>,
    /// Folders and files of this machine that it sees, read-only: "/opt/tool:/opt/tool:ro".
    pub(in crate::topology) binds: Many<Written<Bound>>,
    /// Variables of its environment.
    pub(in crate::topology) env: Named<Written<Scalar>>,
    /// Whether it routes between its interfaces.
    pub(in crate::topology) forward: Written<Flag>,
    /// The confinement of its programs: "default"; "strict", which shows the system's folders alone; or "off" for programs
    /// that need all rights that there are.
    pub(in crate::topology) sandbox: Written<Sandbox>,
    /// Routes in place of the planned ones: "10.2.0.0/24 via 10.1.0.2".
    pub(in crate::topology) routes: Many<Written<StaticRoute>>,
    /// Memory at most: "256MiB"; default: 4GiB.
    pub(in crate::topology) memory: Written<ByteSize>,
    /// Processors at most: 1.5.
    pub(in crate::topology) cpus: Written<Cpus>,
    /// Processes and threads at most; default: 4096.
    pub(in crate::topology) pids: Written<Count>,
    /// Files that it writes, at most: "512MiB"; default: 2GiB. On namespaces they are in memory.
    pub(in crate::topology) disk: Written<ByteSize>,
    /// Open files of each process at most; default: 65536.
    pub(in crate::topology) open_files: Written<Count>,
}

/// An interface of a node.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Interface")]
pub(in crate::topology) struct InterfaceEntry {
    /// The network that it is plugged into; left out where it is an end of a link.
    pub(in crate::topology) network: Written<NetworkName>,
    /// Its addresses; one is planned for each subnet where none is given.
    pub(in crate::topology) address: OneOrMany<Written<Address>>,
    /// Its hardware address: "32:39:f0:0c:49:79".
    pub(in crate::topology) mac: Written<MacAddress>,
    /// The impairment of frames from the node to the network.
    pub(in crate::topology) egress: At<ImpairmentEntry>,
    /// The impairment of frames from the network to the node.
    pub(in crate::topology) ingress: At<ImpairmentEntry>,
}

/// The impairment of one direction.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Impairment")]
pub(in crate::topology) struct ImpairmentEntry {
    /// One-way delay: "10ms".
    pub(in crate::topology) delay: Written<Time>,
    /// Deviation of the delay.
    pub(in crate::topology) jitter: Written<Time>,
    /// Frames lost: "1%".
    pub(in crate::topology) loss: Written<Percent>,
    /// Frames delivered twice.
    pub(in crate::topology) duplicate: Written<Percent>,
    /// Frames with a changed bit.
    pub(in crate::topology) corrupt: Written<Percent>,
    /// Frames sent before their turn.
    pub(in crate::topology) reorder: Written<Percent>,
    /// The most that gets through: "20mbit".
    pub(in crate::topology) rate: Written<Rate>,
    /// The most data that may queue where there is a rate: "64KiB".
    pub(in crate::topology) queue: Written<ByteSize>,
}

/// A direct wire.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Link", extend("required" = ["ends"]))]
pub(in crate::topology) struct LinkEntry {
    /// Its two ends: `["alpine-1:eth1", "alpine-2:eth1"]`.
    pub(in crate::topology) ends: At<Many<Written<LinkEnd>>>,
    /// Its subnets, as of a network. Addresses are the interfaces' own, or planned.
    pub(in crate::topology) subnet: OneOrMany<Written<Subnet>>,
    /// Round-trip time, half of it each way.
    pub(in crate::topology) rtt: Written<Time>,
    /// The impairment of frames from the first end to the second.
    pub(in crate::topology) forward: At<ImpairmentEntry>,
    /// The impairment of frames from the second end to the first.
    pub(in crate::topology) backward: At<ImpairmentEntry>,
}

/// The JSON Schema of a key.
fn named(pattern: &str) -> serde_json::Value {
    serde_json::json!({ "pattern": format!("^({pattern})$") })
}

const LABEL: &str = NetworkName::PATTERN;
const INTERFACE: &str = InterfaceName::PATTERN;
