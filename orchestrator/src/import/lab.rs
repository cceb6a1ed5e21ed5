//! The part of another tool's lab that a topology can hold.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::link::Conditions;
use protocol::name::{InterfaceName, LabName, NetworkName, NodeName};
use protocol::settings::MacAddress;

/// A lab.
#[derive(Debug, Clone, PartialEq)]
pub struct Lab {
    /// Its name.
    pub name: LabName,
    /// Its networks, each with the subnets that addresses on it have.
    pub networks: BTreeMap<NetworkName, Vec<IpNet>>,
    /// Its nodes, in the project's order.
    pub nodes: Vec<LabNode>,
    /// Its wires.
    pub wires: Vec<Wire>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct LabNode {
    /// Its name.
    pub name: NodeName,
    /// Its image; none: the built-in one.
    pub image: Option<String>,
    /// The command it runs.
    pub command: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Whether it routes.
    pub forward: bool,
    /// Its routes.
    pub routes: Vec<(IpNet, IpAddr)>,
    /// Its interfaces, by their adapters.
    pub interfaces: Vec<LabInterface>,
}

/// An interface that is linked to something.
#[derive(Debug, Clone, PartialEq)]
pub struct LabInterface {
    /// Its name.
    pub name: InterfaceName,
    /// The network that it is on; none: it is an end of a wire.
    pub network: Option<NetworkName>,
    /// Its hardware address, where the project gives one.
    pub mac: Option<MacAddress>,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// The impairment of its link in either direction, where it is on a network.
    pub impairment: Conditions,
}

/// A direct wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Wire {
    /// Its ends.
    pub ends: [(NodeName, InterfaceName); 2],
    /// The subnets that its ends' addresses have.
    pub subnets: Vec<IpNet>,
    /// Its impairment in either direction.
    pub impairment: Conditions,
}
