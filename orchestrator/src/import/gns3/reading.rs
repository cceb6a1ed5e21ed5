//! From a project's nodes and links to what a topology can hold.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use protocol::link::Conditions;
use protocol::name::{InterfaceName, NetworkName, NodeName};
use uuid::Uuid;

use crate::gns3::container::NODE;
use crate::gns3::device::{DOCKER, Device, Docker, Switch, VPCS};
use crate::gns3::document::{Adapter, End, Link, Node, Project};
use crate::gns3::switch::BRIDGE;

use super::error::ImportError;
use super::filter::impairment;
use super::machine::{Machine, is_built_in};
use super::name::{Names, label};
use super::segment::{Domain, PortVlans, Segments, UNTAGGED, carries};
use crate::import::imported::LeftOut;
use crate::import::lab::{Lab, LabInterface, LabNode, Wire};

/// Reads a file from a project's folder, by the node's type, its identity and a path.
pub type FolderReader<'a> = dyn Fn(&str, Uuid, &str) -> Option<String> + 'a;

/// Reads a project, and says what of it has no counterpart.
///
/// # Errors
/// [`ImportError`] where it is damaged or two nodes cannot be told apart.
pub fn read(
    project: &Project,
    look: &FolderReader<'_>,
) -> Result<(Lab, Vec<LeftOut>), ImportError> {
    let mut reading = Reading {
        project,
        look,
        machines: BTreeMap::new(),
        switches: BTreeMap::new(),
        names: BTreeMap::new(),
        segments: Segments::default(),
        ports: BTreeSet::new(),
        left_out: Vec::new(),
    };
    let mut names = Names::default();
    let mut ids: BTreeMap<Uuid, &str> = BTreeMap::new();
    for node in &project.topology.nodes {
        if let Some(other) = ids.insert(node.node_id, &node.name) {
            return Err(ImportError::SameId(other.to_owned(), node.name.clone()));
        }
        let name: NodeName = names.take(&node.name, &mut reading.left_out)?;
        reading.node(node, name)?;
    }
    reading.switch_links()?;
    let lab = reading.lab()?;
    Ok((lab, reading.left_out))
}

struct Reading<'a> {
    project: &'a Project,
    look: &'a FolderReader<'a>,
    machines: BTreeMap<Uuid, Machine>,
    switches: BTreeMap<Uuid, Switch>,
    names: BTreeMap<Uuid, NodeName>,
    segments: Segments,
    ports: BTreeSet<(Uuid, u32, u32)>,
    left_out: Vec<LeftOut>,
}

/// The result of following the links: interfaces by node and adapter, wires, and networks with their subnets.
#[derive(Default)]
struct Cables {
    plugs: BTreeMap<Uuid, BTreeMap<u32, LabInterface>>,
    wires: Vec<([(NodeName, InterfaceName); 2], Conditions)>,
    networks: BTreeMap<NetworkName, Vec<IpNet>>,
}

impl Cables {
    fn plug(&mut self, end: &End, interface: LabInterface) {
        let of = self.plugs.entry(end.node_id).or_default();
        of.insert(end.adapter_number, interface);
    }
}

/// An end of a link, by what is there.
enum Side<'a> {
    Machine(&'a End),
    Switch(Uuid, PortVlans),
    Nothing,
}

impl Reading<'_> {
    fn node(&mut self, node: &Node, name: NodeName) -> Result<(), ImportError> {
        let device = Device::of(node).map_err(|source| ImportError::Properties {
            node: node.name.clone(),
            kind: node.node_type.clone(),
            source,
        })?;
        self.names.insert(node.node_id, name);
        match device {
            Device::Docker(docker) => self.docker(node, &docker),
            Device::Vpcs(vpcs) => {
                let script = (self.look)(VPCS, node.node_id, "startup.vpc");
                let machine = Machine::vpcs(&vpcs, script.as_deref());
                self.say(node, "a virtual PC: a node with all programs stands for it");
                self.machine(node, machine);
            }
            Device::Switch(switch) | Device::Hub(switch) => self.switch(node, switch),
            Device::Cloud | Device::Nat => {
                let text = "a way out of the lab: a network stands for it, and nothing leads out";
                self.say(node, text);
                self.switch(node, Switch::default());
            }
            Device::Other => {
                let kind = &node.node_type;
                self.say(
                    node,
                    &format!(
                        "a node of type {kind} has no counterpart; it is left out, and its links"
                    ),
                );
            }
        }
        Ok(())
    }

    fn docker(&mut self, node: &Node, docker: &Docker) {
        let is_bridge = |command: &str| command.trim() == format!("{NODE} {BRIDGE}");
        if is_built_in(&docker.image) && docker.start_command.as_deref().is_some_and(is_bridge) {
            self.switch(node, Switch::default());
            return;
        }
        let addresses = (self.look)(DOCKER, node.node_id, "etc/network/interfaces");
        let machine = Machine::docker(docker, addresses.as_deref());
        if !docker.extra_volumes.is_empty() {
            let folders = docker.extra_volumes.join(", ");
            self.say(
                node,
                &format!("what its project keeps of {folders} is left out; name files by `files`"),
            );
        }
        self.machine(node, machine);
    }

    fn machine(&mut self, node: &Node, machine: Machine) {
        for text in &machine.lost {
            self.say(node, text);
        }
        self.machines.insert(node.node_id, machine);
    }

    fn switch(&mut self, node: &Node, switch: Switch) {
        self.segments.add(node.node_id, &switch);
        self.switches.insert(node.node_id, switch);
    }

    fn say(&mut self, node: &Node, text: &str) {
        self.left_out.push(LeftOut {
            of: node.name.clone(),
            text: text.to_owned(),
        });
    }

    /// Returns the two ends of a link; each port may be used once.
    fn sides<'l>(&mut self, link: &'l Link) -> Result<[Side<'l>; 2], ImportError> {
        let [one, other] = link.nodes.as_slice() else {
            return Err(ImportError::Link(link.link_id));
        };
        Ok([self.side(link, one)?, self.side(link, other)?])
    }

    fn side<'l>(&mut self, link: &Link, end: &'l End) -> Result<Side<'l>, ImportError> {
        let id = end.node_id;
        let name = self.names.get(&id).ok_or(ImportError::Link(link.link_id))?;
        if !self.ports.insert((id, end.adapter_number, end.port_number)) {
            return Err(ImportError::PortTwice {
                node: name.to_string(),
                adapter: end.adapter_number,
                port: end.port_number,
            });
        }
        Ok(match self.switches.get(&id) {
            Some(switch) => Side::Switch(id, carries(switch, end.port_number)),
            None if self.machines.contains_key(&id) => Side::Machine(end),
            None => Side::Nothing,
        })
    }

    /// Switches that are linked are one network.
    fn switch_links(&mut self) -> Result<(), ImportError> {
        for link in &self.project.topology.links {
            if let [Side::Switch(a, one), Side::Switch(b, other)] = self.sides(link)? {
                self.segments.join((a, one), (b, other));
                if !impairment(link).0.is_perfect() {
                    self.left_out.push(LeftOut {
                        of: format!("{}–{}", self.names[&a], self.names[&b]),
                        text: "filters between switches are left out: both are one network"
                            .to_owned(),
                    });
                }
            }
        }
        self.ports.clear();
        Ok(())
    }

    fn lab(&mut self) -> Result<Lab, ImportError> {
        let mut cables = Cables::default();
        for id in self.switches.keys() {
            let network = self.network((*id, UNTAGGED));
            cables.networks.insert(network, Vec::new());
        }
        for link in &self.project.topology.links {
            self.cable(link, &mut cables)?;
        }
        let Cables {
            mut plugs,
            wires,
            mut networks,
        } = cables;
        let nodes = self.nodes(&mut plugs);
        for interface in nodes.iter().flat_map(|node| &node.interfaces) {
            let network = interface.network.as_ref();
            if let Some(known) = network.and_then(|n| networks.get_mut(n)) {
                collect(known, &interface.addresses);
            }
        }
        let wires = wires.into_iter().map(|(ends, impairment)| Wire {
            subnets: subnets(&nodes, &ends),
            ends,
            impairment,
        });
        Ok(Lab {
            name: label(&self.project.name),
            networks,
            wires: wires.collect(),
            nodes,
        })
    }

    fn cable(&mut self, link: &Link, cables: &mut Cables) -> Result<(), ImportError> {
        let sides = self.sides(link)?;
        let (impairment, lost) = impairment(link);
        let title = match sides {
            [Side::Machine(end), Side::Switch(id, carries)]
            | [Side::Switch(id, carries), Side::Machine(end)] => {
                let vlan = match carries {
                    PortVlans::One(vlan) | PortVlans::All(vlan) => vlan,
                };
                let network = self.network((id, vlan));
                cables.networks.entry(network.clone()).or_default();
                let mut interface = self.interface(end, Some(network));
                interface.impairment = impairment;
                let title = format!("{}:{}", self.names[&end.node_id], interface.name);
                if matches!(carries, PortVlans::All(_)) {
                    self.left_out.push(LeftOut {
                        of: title.clone(),
                        text: "on a trunk: only its untagged frames have a counterpart".to_owned(),
                    });
                }
                cables.plug(end, interface);
                title
            }
            [Side::Machine(one), Side::Machine(other)] => {
                let ends = [one, other].map(|end| {
                    let interface = self.interface(end, None);
                    let name = interface.name.clone();
                    cables.plug(end, interface);
                    (self.names[&end.node_id].clone(), name)
                });
                let title = format!("{}–{}", ends[0].0, ends[1].0);
                cables.wires.push((ends, impairment));
                title
            }
            _ => return Ok(()),
        };
        let lost = lost.into_iter().map(|text| LeftOut {
            of: title.clone(),
            text: text.to_owned(),
        });
        self.left_out.extend(lost);
        Ok(())
    }

    fn nodes(&mut self, plugs: &mut BTreeMap<Uuid, BTreeMap<u32, LabInterface>>) -> Vec<LabNode> {
        let mut nodes = Vec::new();
        for node in &self.project.topology.nodes {
            let Some(machine) = self.machines.get(&node.node_id) else {
                continue;
            };
            let plugged = plugs.remove(&node.node_id).unwrap_or_default();
            for (adapter, addresses) in &machine.addresses {
                if !plugged.contains_key(adapter) && !addresses.is_empty() {
                    self.left_out.push(LeftOut {
                        of: format!("{}:eth{adapter}", node.name),
                        text: "is linked to nothing and left out, with its addresses".to_owned(),
                    });
                }
            }
            nodes.push(LabNode {
                name: self.names[&node.node_id].clone(),
                image: machine.image.clone(),
                command: machine.command.clone(),
                env: machine.env.clone(),
                forward: machine.forward,
                routes: machine.routes.clone(),
                interfaces: plugged.into_values().collect(),
            });
        }
        nodes
    }

    fn interface(&self, end: &End, network: Option<NetworkName>) -> LabInterface {
        let node = self.project.topology.nodes.iter();
        let mut nodes = node.filter(|node| node.node_id == end.node_id);
        let custom = nodes.next().map_or(&[][..], |node| &node.custom_adapters);
        let own = |adapter: &&Adapter| adapter.adapter_number == end.adapter_number;
        let custom = custom.iter().find(own);
        let name = custom.and_then(|adapter| adapter.port_name.as_deref()?.parse().ok());
        let name = name.unwrap_or_else(|| label(&format!("eth{}", end.adapter_number)));
        let machine = self.machines.get(&end.node_id);
        let addresses = machine.and_then(|m| m.addresses.get(&end.adapter_number));
        LabInterface {
            name,
            network,
            mac: custom.and_then(|adapter| adapter.mac_address.as_deref()?.parse().ok()),
            addresses: addresses.cloned().unwrap_or_default(),
            impairment: Conditions::default(),
        }
    }

    /// The name of a domain: its switch's, with the VLAN where it is not the first.
    fn network(&self, domain: Domain) -> NetworkName {
        let (id, vlan) = self.segments.of(domain);
        let name = &self.names[&id];
        match vlan {
            UNTAGGED => label(name.as_str()),
            vlan => label(&format!("{name}-vlan{vlan}")),
        }
    }
}

/// The subnets of the addresses at a wire's ends.
fn subnets(nodes: &[LabNode], ends: &[(NodeName, InterfaceName); 2]) -> Vec<IpNet> {
    let mut found = Vec::new();
    for (node, interface) in ends {
        let node = nodes.iter().find(|one| one.name == *node);
        let interfaces = node.into_iter().flat_map(|node| &node.interfaces);
        for end in interfaces.filter(|one| one.name == *interface) {
            collect(&mut found, &end.addresses);
        }
    }
    found
}

fn collect(subnets: &mut Vec<IpNet>, addresses: &[IpNet]) {
    for subnet in addresses.iter().map(IpNet::trunc) {
        if !subnets.contains(&subnet) {
            subnets.push(subnet);
        }
    }
}
