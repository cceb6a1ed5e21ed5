//! Nodes, networks, wires and how bad they are.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use protocol::limits::Limits;
use protocol::link::Conditions;
use protocol::name::{InterfaceName, LabName, NetworkName, NodeName};
use protocol::settings::{MacAddress, Sandbox};

use super::Scenario;

/// A checked topology.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// The lab's name.
    pub name: LabName,
    /// Its purpose, in a line.
    pub summary: Option<String>,
    /// The folder that relative input paths start from.
    pub base: PathBuf,
    /// The variables' values, overrides included. They are replaced in all that follows.
    pub vars: BTreeMap<String, String>,
    /// Ethernet segments by name.
    pub networks: BTreeMap<NetworkName, Network>,
    /// Nodes in the file's order, those with `count` expanded.
    pub nodes: Vec<Node>,
    /// Direct wires.
    pub links: Vec<Link>,
    /// Scenarios in the file's order.
    pub scenarios: Vec<Scenario>,
}

/// One Ethernet broadcast domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: NetworkName,
    /// Its subnets; none for a bare segment.
    pub subnets: Vec<IpNet>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// The container image, where not the built-in one.
    pub image: Option<String>,
    /// The machine of a GNS3 server that it is to run on.
    pub compute: Option<String>,
    /// The program started with the lab; empty: none.
    pub command: Vec<String>,
    /// Variables of its environment.
    pub env: BTreeMap<String, String>,
    /// Files put into it before its command starts.
    pub files: Vec<FileCopy>,
    /// Folders and files of this machine that it sees.
    pub binds: Vec<Bind>,
    /// Its interfaces, in the file's order.
    pub interfaces: Vec<Interface>,
    /// Routes that the file gives; where there are none they are planned.
    pub routes: Vec<StaticRoute>,
    /// Whether it routes between its interfaces.
    pub forward: bool,
    /// The confinement of its programs.
    pub sandbox: Sandbox,
    /// The resource limits that the file gives it.
    pub limits: Limits,
}

impl Node {
    /// The names of its interfaces, in the file's order.
    pub fn interface_names(&self) -> impl Iterator<Item = &InterfaceName> + Clone {
        self.interfaces.iter().map(|interface| &interface.name)
    }
}

/// A file put into a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCopy {
    /// Where it is on this machine.
    pub from: PathBuf,
    /// Absolute path in the node.
    pub to: String,
}

/// A folder or file of this machine that a node sees, read-only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Its path on this machine.
    pub from: PathBuf,
    /// Absolute path in the node.
    pub to: String,
}

/// A route given by the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticRoute {
    /// Where to.
    pub to: IpNet,
    /// Through which neighbour.
    pub via: IpAddr,
}

/// An interface of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Its name.
    pub name: InterfaceName,
    /// The segment that it is plugged into.
    pub attachment: Attachment,
    /// Its hardware address: the file's, or one derived from lab, node and interface names.
    pub mac: MacAddress,
    /// Its addresses with prefix lengths: the file's, or planned.
    pub addresses: Vec<IpNet>,
    /// Node to network.
    pub egress: Conditions,
    /// Network to node.
    pub ingress: Conditions,
}

/// The segment that an interface is plugged into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attachment {
    /// A network, by name.
    Network(NetworkName),
    /// A direct wire, by its place in [`Topology::links`].
    Link(usize),
}

/// A direct wire between two nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its two ends, in the file's order.
    pub ends: [LinkEnd; 2],
    /// Its subnets; none for a bare wire.
    pub subnets: Vec<IpNet>,
}

/// One end of a wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkEnd {
    /// The node.
    pub node: NodeName,
    /// Its interface.
    pub interface: InterfaceName,
}
