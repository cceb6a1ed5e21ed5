//! From which interface to which address files go.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use protocol::name::{InterfaceName, NodeName};

use crate::plan::{Plan, Segment};
use crate::scenario::context::ScenarioError;
use crate::topology::model::{BroadcastAddress, Transfer, Work};

/// The ends of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Each receiver.
    pub to: Vec<End>,
    /// The segment that a broadcast crosses; none where each receiver is sent its own.
    pub broadcast: Option<Crossing>,
}

/// A receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The node.
    pub node: NodeName,
    /// The interface that it listens on; none where routes may lead to any.
    pub interface: Option<InterfaceName>,
    /// Its IPv4 address.
    pub address: Ipv4Addr,
}

/// The segment that a broadcast crosses, as seen from its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// The sender's interface.
    pub from: InterfaceName,
    /// Each receiver's interface.
    pub to: Vec<(NodeName, InterfaceName)>,
    /// The sender's address, with its subnet.
    pub net: Ipv4Net,
    /// Where the datagrams are sent to.
    pub address: Ipv4Addr,
}

impl Paths {
    /// Finds where the files of a scenario go; none where it sends none.
    ///
    /// # Errors
    /// [`ScenarioError::NoCommonNetwork`] or [`ScenarioError::NoAddress`], where the lab that is up
    /// was raised from another file.
    pub fn of(plan: &Plan, work: &Work) -> Result<Option<Self>, ScenarioError> {
        match work {
            Work::Broadcast(transfer, address) => broadcast(plan, transfer, *address).map(Some),
            Work::Split(transfer) => split(plan, transfer).map(Some),
            Work::Steps(_) | Work::Stress(_) | Work::Conversation(_) => Ok(None),
        }
    }

    /// Where the file with this number goes.
    pub fn target(&self, file: usize) -> Option<Ipv4Addr> {
        match &self.broadcast {
            Some(crossing) => Some(crossing.address),
            None => self.to.get(file).map(|end| end.address),
        }
    }

    /// Whether the file with this number goes to the receiver with that.
    pub fn leads(&self, file: usize, receiver: usize) -> bool {
        self.broadcast.is_some() || file == receiver
    }
}

fn broadcast(
    plan: &Plan,
    transfer: &Transfer,
    address: BroadcastAddress,
) -> Result<Paths, ScenarioError> {
    let across = |segment: &Segment| {
        let from = on(segment, &transfer.from)?;
        let end = |node: &NodeName| {
            let interface = on(segment, node)?;
            let address = ipv4(plan, node, &interface)?.addr();
            let (node, interface) = (node.clone(), Some(interface));
            Some(End {
                node,
                interface,
                address,
            })
        };
        let to: Vec<End> = transfer.to.iter().map(end).collect::<Option<_>>()?;
        let net = ipv4(plan, &transfer.from, &from)?;
        let interfaces = to.iter().filter_map(|end| {
            let interface = end.interface.clone()?;
            Some((end.node.clone(), interface))
        });
        let crossing = Crossing {
            from,
            to: interfaces.collect(),
            net,
            address: match address {
                BroadcastAddress::Limited => Ipv4Addr::BROADCAST,
                BroadcastAddress::Subnet => net.broadcast(),
            },
        };
        Some(Paths {
            to,
            broadcast: Some(crossing),
        })
    };
    let lost = || ScenarioError::NoCommonNetwork {
        from: transfer.from.clone(),
    };
    plan.segments.iter().find_map(across).ok_or_else(lost)
}

/// Each receiver by its address on a network of the sender's, else by its first: there are routes.
fn split(plan: &Plan, transfer: &Transfer) -> Result<Paths, ScenarioError> {
    let end = |node: &NodeName| {
        let near = plan.segments.iter().find_map(|segment| {
            on(segment, &transfer.from)?;
            ipv4(plan, node, &on(segment, node)?)
        });
        let planned = plan.nodes.iter().find(|planned| planned.name == *node);
        let interfaces = planned.map_or(&[][..], |planned| &planned.settings.interfaces);
        let any = || interfaces.iter().find_map(|i| ipv4(plan, node, &i.name));
        let net = near.or_else(any);
        let net = net.ok_or_else(|| ScenarioError::NoAddress(node.clone()))?;
        Ok::<_, ScenarioError>(End {
            node: node.clone(),
            interface: None,
            address: net.addr(),
        })
    };
    Ok(Paths {
        to: transfer.to.iter().map(end).collect::<Result<_, _>>()?,
        broadcast: None,
    })
}

/// A node's interface on a segment.
fn on(segment: &Segment, node: &NodeName) -> Option<InterfaceName> {
    let port = segment.ports.iter().find(|port| port.node == *node)?;
    Some(port.interface.clone())
}

/// The IPv4 address of a node's interface.
fn ipv4(plan: &Plan, node: &NodeName, interface: &InterfaceName) -> Option<Ipv4Net> {
    let node = plan.nodes.iter().find(|planned| planned.name == *node)?;
    let mut interfaces = node.settings.interfaces.iter();
    let found = interfaces.find(|i| i.name == *interface)?;
    found.addresses.iter().find_map(|net| match net {
        IpNet::V4(net) => Some(*net),
        IpNet::V6(_) => None,
    })
}
