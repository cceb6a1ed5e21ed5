//! A topology as a GNS3 project, with the files that belong to it.

use std::collections::BTreeMap;

use protocol::link::Port;
use protocol::name::{NetworkName, NodeName};
use uuid::Uuid;

use crate::backend::gns3::condition::filters;
use crate::gns3::device::{ADAPTERS, DOCKER, properties};
use crate::gns3::document::{Content, Drawing, End, Label, Link, Node as Device, Project};
use crate::gns3::identity::Identity;
use crate::gns3::switch::{self, SwitchKind};
use crate::plan::{LabId, Plan, PlannedLink, link_conditions, plan};
use crate::topology::Topology;
use crate::topology::model::{Attachment, Interface, Node};

use super::container::docker;
use super::node_files::{ADDRESSES, FileContent, NodeFile, addresses, files, place};
use super::note::notes;
use super::playbook::Playbook;
use crate::export::warning::Warning;
use crate::gns3::adapter::Adapters;
use crate::plan::position::{HALF_NODE, HALF_SWITCH, Point, Positions, corner, pixels};

/// A project and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The project.
    pub project: Project,
    /// The files below its folder.
    pub node_files: Vec<NodeFile>,
    /// The things that it does not hold.
    pub warnings: Vec<Warning>,
}

/// Why a topology cannot be a project.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// More interfaces than a Docker node has adapters.
    #[error(
        "{node} needs {count} adapters, and a Docker node of GNS3 has {ADAPTERS} at most; give it fewer interfaces"
    )]
    Adapters {
        /// The node.
        node: NodeName,
        /// The number of them.
        count: u32,
    },
    /// More interfaces on a network than its switch has ports.
    #[error("network {network} has {count} interfaces, and its switch {most} ports at most; {hint}",
        hint = if *.most == ADAPTERS { "leave out --switch docker" } else { "split the network" })]
    Ports {
        /// The network.
        network: NetworkName,
        /// The number of them.
        count: u32,
        /// The most that there may be.
        most: u32,
    },
}

/// Makes the project. `kept` is the topology's own text, to be found again by an import.
///
/// # Errors
/// [`ExportError`] where GNS3 would drop a link in silence.
pub fn project(
    topology: &Topology,
    kept: Option<&str>,
    switches: SwitchKind,
) -> Result<Exported, ExportError> {
    let lab = LabId {
        name: topology.name.clone(),
        instance: 0,
    };
    let identity = Identity::new(topology.name.as_str());
    let conditions = link_conditions(topology);
    let links = conditions.links().into_iter();
    let mut draft = Draft {
        topology,
        plan: plan(topology, lab),
        identity,
        switches,
        positions: Positions::of(topology),
        links: links.map(|link| (&link.near.port, link)).collect(),
        content: Content::default(),
        node_files: Vec::new(),
        warnings: Vec::new(),
    };
    for place in 0..topology.nodes.len() {
        draft.node(place)?;
    }
    for network in topology.networks.keys() {
        draft.network(network)?;
    }
    for place in 0..topology.links.len() {
        draft.wire(place);
    }
    draft.scenarios(kept);
    Ok(draft.finish())
}

struct Draft<'a> {
    topology: &'a Topology,
    plan: Plan,
    identity: Identity,
    switches: SwitchKind,
    positions: Positions,
    /// The links, by the first interface that is plugged into each.
    links: BTreeMap<&'a Port, PlannedLink<'a>>,
    content: Content,
    node_files: Vec<NodeFile>,
    warnings: Vec<Warning>,
}

/// An end of a link to be: the port, what it is called, and where its node is.
struct Plug {
    node: Uuid,
    port: (u32, u32),
    name: String,
    at: Point,
    half: Point,
}

impl Draft<'_> {
    fn node(&mut self, number: usize) -> Result<(), ExportError> {
        let (node, planned) = (&self.topology.nodes[number], &self.plan.nodes[number]);
        let adapters = Adapters::of(node.interface_names());
        if adapters.count() > ADAPTERS {
            return Err(ExportError::Adapters {
                node: node.name.clone(),
                count: adapters.count(),
            });
        }
        let id = self.id(&node.name);
        let (volumes, copies, refused) = files(self.topology, node);
        let (container, warnings) = docker(node, &self.plan.hosts, volumes);
        self.warnings.extend(warnings);
        self.warnings
            .extend(refused.into_iter().map(|path| Warning::Node {
                node: node.name.clone(),
                text: format!(
                    "{path} is left out, for GNS3 keeps no files there; say another folder"
                ),
            }));
        let particulars = adapters.particulars(node.interfaces.iter().map(|i| (&i.name, i.mac)));
        for (interface, adapter) in node.interfaces.iter().zip(0..) {
            let number = adapters.number(adapter);
            if crate::gns3::adapter::number(&interface.name) != Some(number) {
                self.warnings.push(Warning::Renamed {
                    node: node.name.clone(),
                    interface: interface.name.clone(),
                    adapter: number,
                });
            }
        }
        self.node_files.push(NodeFile {
            path: place(id, ADDRESSES),
            content: FileContent::Text(addresses(node, planned, &self.plan.hosts)),
        });
        self.node_files
            .extend(copies.into_iter().map(|(to, from)| NodeFile {
                path: place(id, &to),
                content: FileContent::CopyOf(from),
            }));
        let at = self.positions.nodes[number];
        let device = Device {
            custom_adapters: particulars,
            symbol: Some(":/symbols/docker_guest.svg".to_owned()),
            label: Some(label(node.name.to_string(), None, 65)),
            properties: properties(&container),
            ..Device::new(id, node.name.to_string(), DOCKER, corner(at, HALF_NODE))
        };
        self.content.nodes.push(device);
        Ok(())
    }

    fn network(&mut self, network: &NetworkName) -> Result<(), ExportError> {
        let attachment = Attachment::Network(network.clone());
        let topology = self.topology;
        let plugged: Vec<(usize, usize, &Interface)> = plugged(topology, &attachment).collect();
        let count = u32::try_from(plugged.len()).unwrap_or(u32::MAX);
        let most = switch::most(self.switches);
        if count > most {
            return Err(ExportError::Ports {
                network: network.clone(),
                count,
                most,
            });
        }
        let is_taken = |name: &str| topology.nodes.iter().any(|n| n.name.as_str() == name);
        let name = switch::name(network.as_str(), is_taken);
        let id = self.identity.of("switch", &name);
        let parts = switch::parts(self.switches, count);
        let at = self.positions.switches.get(network).copied();
        let at = at.unwrap_or_default();
        self.content.nodes.push(Device {
            console_type: Some(parts.console.to_owned()),
            symbol: Some(parts.symbol.to_owned()),
            label: Some(label(name.clone(), Some(80), -4)),
            properties: parts.properties,
            ..Device::new(id, name.clone(), parts.node_type, corner(at, HALF_SWITCH))
        });
        if self.switches == SwitchKind::Docker {
            self.node_files.push(NodeFile {
                path: place(id, ADDRESSES),
                content: FileContent::Text(format!(
                    "# {name} bridges its adapters, which have no addresses\n"
                )),
            });
        }
        let kind = self.switches;
        for ((node, place, interface), number) in plugged.into_iter().zip(0..) {
            let port = Plug {
                node: id,
                port: switch::port(kind, number),
                name: switch::port_name(kind, number),
                at,
                half: HALF_SWITCH,
            };
            let ends = [self.plug(node, place), port];
            self.link((node, interface), &ends);
        }
        Ok(())
    }

    fn wire(&mut self, place: usize) {
        let topology = self.topology;
        let attachment = Attachment::Link(place);
        let ends: Vec<_> = plugged(topology, &attachment).collect();
        let [(a, first, one), (b, second, _)] = ends[..] else {
            // A wire has two ends: that is checked when the file is read.
            return;
        };
        let ends = [self.plug(a, first), self.plug(b, second)];
        self.link((a, one), &ends);
    }

    fn plug(&self, node: usize, place: usize) -> Plug {
        let of = &self.topology.nodes[node];
        Plug {
            node: self.id(&of.name),
            port: (Adapters::of(of.interface_names()).number(place), 0),
            name: of.interfaces[place].name.to_string(),
            at: self.positions.nodes[node],
            half: HALF_NODE,
        }
    }

    /// Plugs in a link, the first of whose ends is at this node's interface.
    fn link(&mut self, (node, interface): (usize, &Interface), ends: &[Plug; 2]) {
        let port = Port {
            node: self.topology.nodes[node].name.clone(),
            interface: interface.name.clone(),
        };
        let Some(link) = self.links.get(&port) else {
            // There is one for each interface on a network, and for the first end of each wire.
            return;
        };
        let (filters, lost) = filters(*link);
        let title = link.to_string();
        self.warnings
            .extend(lost.into_iter().map(|text| Warning::Link {
                link: title.clone(),
                text,
            }));
        let end = |own: &Plug, other: &Plug| End {
            node_id: own.node,
            adapter_number: own.port.0,
            port_number: own.port.1,
            label: Some(beside(own, other)),
        };
        self.content.links.push(Link {
            link_id: self.identity.of("link", &title),
            nodes: vec![end(&ends[0], &ends[1]), end(&ends[1], &ends[0])],
            filters,
            suspend: false,
            link_style: serde_json::Map::new(),
        });
    }

    fn scenarios(&mut self, kept: Option<&str>) {
        for scenario in &self.topology.scenarios {
            let mut warn = |text: String| {
                self.warnings.push(Warning::Scenario {
                    scenario: scenario.name.clone(),
                    text,
                });
            };
            match scenario.faults.len() {
                0 => {}
                count => warn(format!(
                    "its fault timeline ({count}) cannot be held: suspend links and stop nodes by hand"
                )),
            }
            if !scenario.matrix.is_empty() {
                warn("its matrix cannot be held: the note has one cell's commands".to_owned());
            }
        }
        let books = self.topology.scenarios.iter();
        let books: Vec<_> = books
            .map(|scenario| Playbook::of(self.topology, &self.plan, scenario))
            .collect();
        let drawings: Vec<Drawing> = notes(
            self.topology,
            &self.positions,
            &books,
            (self.identity, kept),
        );
        self.content.drawings = drawings;
    }

    fn finish(self) -> Exported {
        let name = self.topology.name.to_string();
        let mut project = Project::new(self.identity.project(), name, self.content);
        let reach = |end: i32| u32::try_from(end.saturating_add(MARGIN).saturating_mul(2));
        let (width, height) = (
            reach(self.positions.corner.x),
            reach(self.positions.corner.y),
        );
        let view = &mut project.view;
        view.scene_width = view.scene_width.max(width.unwrap_or_default());
        view.scene_height = view.scene_height.max(height.unwrap_or_default());
        Exported {
            project,
            node_files: self.node_files,
            warnings: self.warnings,
        }
    }

    fn id(&self, node: &NodeName) -> Uuid {
        self.identity.of("node", node.as_str())
    }
}

/// The interfaces on a segment: the node, the interface's place there, and it.
fn plugged<'a>(
    topology: &'a Topology,
    attachment: &'a Attachment,
) -> impl Iterator<Item = (usize, usize, &'a Interface)> {
    let nodes = topology.nodes.iter().enumerate();
    nodes.flat_map(move |(number, node): (usize, &Node)| {
        let interfaces = node.interfaces.iter().enumerate();
        let on = interfaces.filter(move |(_, i)| i.attachment == *attachment);
        on.map(move |(place, interface)| (number, place, interface))
    })
}

/// The name of an end's port, on the way to the other end.
fn beside(own: &Plug, other: &Plug) -> Label {
    let (x, y) = (
        f64::from(other.at.x - own.at.x),
        f64::from(other.at.y - own.at.y),
    );
    let length = x.hypot(y).max(1.0);
    let half = i32::try_from(own.name.len())
        .unwrap_or(i32::MAX)
        .saturating_mul(4);
    let x = own.half.x + pixels(x / length * AWAY) - half;
    label(
        own.name.clone(),
        Some(x),
        own.half.y + pixels(y / length * AWAY) - 8,
    )
}

fn label(text: String, x: Option<i32>, y: i32) -> Label {
    Label {
        text,
        x,
        y,
        rotation: 0,
        style: None,
    }
}

/// From the middle of a node to its port's name.
const AWAY: f64 = 55.0;

/// The space around everything.
const MARGIN: i32 = 500;
