//! Plugs nodes together: a bridge for each network, a veth pair for each port or wire.

use std::collections::BTreeMap;

use nix::unistd::Pid;
use plumbing::netlink::{Batch, LinkIndex, NetworkNamespace, RouteSocket, VethEnd};
use protocol::keeper::{KeeperFailure, PortSpec, SegmentSpec};
use protocol::link::Port;
use protocol::name::NodeName;

use super::failure::{DuringStep, Steps};

/// The connections still to be made.
#[derive(Debug)]
pub(super) struct Links {
    socket: RouteSocket,
    segments: &'static [SegmentSpec],
    /// For each node, the ports that it has: a segment's number and the port's in it.
    by_node: BTreeMap<usize, Vec<(usize, usize)>>,
    /// The processes of the nodes that have a network namespace.
    processes: BTreeMap<usize, Pid>,
}

impl Links {
    /// Must be called in the namespace that the bridges shall be in.
    pub(super) fn new(segments: &'static [SegmentSpec]) -> Result<Self, KeeperFailure> {
        Ok(Self {
            socket: RouteSocket::open().during("preparing the lab's network")?,
            segments,
            by_node: BTreeMap::new(),
            processes: BTreeMap::new(),
        })
    }

    /// Returns the ports of all segments, given the nodes' names in the order of their numbers.
    pub(super) fn ports<'a>(&'a self, nodes: &'a [&NodeName]) -> impl Iterator<Item = Port> + 'a {
        let ports = self.segments.iter().flat_map(|segment| &segment.ports);
        ports.filter_map(|port| {
            Some(Port {
                node: (*nodes.get(port.node as usize)?).clone(),
                interface: port.interface.clone(),
            })
        })
    }

    /// Makes the bridges, once all nodes were forked.
    pub(super) fn make_bridges(&mut self, steps: &mut Steps) -> Result<(), KeeperFailure> {
        for (number, segment) in self.segments.iter().enumerate() {
            for (port, spec) in segment.ports.iter().enumerate() {
                let ports = self.by_node.entry(spec.node as usize).or_default();
                ports.push((number, port));
            }
        }
        let mut batch = Batch::new();
        for (number, segment) in self.segments.iter().enumerate().filter(|(_, s)| !s.wire) {
            steps.begin(&format!("making network {}", segment.name))?;
            batch.create_bridge(&format!("net{number}"), bridge_index(number));
        }
        self.socket
            .carry_out(batch)
            .during("making the lab's networks")
    }

    /// Plugs in nodes whose network namespaces have come into being; a wire, once both ends have.
    pub(super) fn plug_in(
        &mut self,
        nodes: &[(usize, Pid)],
        steps: &mut Steps,
    ) -> Result<(), KeeperFailure> {
        let mut batch = Batch::new();
        for &(node, process) in nodes {
            self.processes.insert(node, process);
            for (segment, port) in self.by_node.remove(&node).unwrap_or_default() {
                let described = &self.segments[segment];
                let near = &described.ports[port];
                if described.wire {
                    // The other end's port; the wire is made with the later of the two.
                    let far = described.ports.get(1 - port).and_then(|far| {
                        if far.node == near.node && port == 0 {
                            return None;
                        }
                        let process = *self.processes.get(&(far.node as usize))?;
                        Some((far, process))
                    });
                    let Some((far, far_process)) = far else {
                        continue;
                    };
                    steps.begin(&format!("making wire {}", described.name))?;
                    let near = VethEnd {
                        index: Some(end_index(segment, port)),
                        ..end(near, process)
                    };
                    batch.create_veth(&near, &end(far, far_process), None);
                } else {
                    steps.begin(&format!("plugging into network {}", described.name))?;
                    let name = format!("p{segment}-{port}");
                    let here = VethEnd {
                        name: &name,
                        index: Some(end_index(segment, port)),
                        mac: None,
                        namespace: None,
                    };
                    batch.create_veth(&here, &end(near, process), Some(bridge_index(segment)));
                }
            }
        }
        self.socket.carry_out(batch).during("plugging nodes in")
    }
}

fn end(port: &PortSpec, process: Pid) -> VethEnd<'_> {
    VethEnd {
        name: port.interface.as_str(),
        index: None,
        mac: Some(port.mac.0),
        namespace: Some(NetworkNamespace::OfProcess(process)),
    }
}

/// The bridges' numbers are chosen, so that ports can name their bridge in the same batch, and lie
/// beyond what the kernel gives to links that it makes by itself (`sit0`, `tunl0`, …).
fn bridge_index(segment: usize) -> LinkIndex {
    LinkIndex(FIRST_BRIDGE + u32::try_from(segment).unwrap_or(u32::MAX - FIRST_BRIDGE))
}

/// The number of a veth pair's first end: none that the kernel gives to a second end by itself.
fn end_index(segment: usize, port: usize) -> LinkIndex {
    let number = u32::try_from(segment * MOST_PORTS + port).unwrap_or(0);
    LinkIndex(FIRST_END.saturating_add(number))
}

/// A bridge takes 1023 (`BR_MAX_PORTS` in `net/bridge/br_private.h`).
const MOST_PORTS: usize = 1024;

const FIRST_BRIDGE: u32 = 1000;

const FIRST_END: u32 = 1_000_000;
