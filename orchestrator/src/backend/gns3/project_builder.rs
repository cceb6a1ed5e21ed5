//! Makes a project of a plan, call by call: so that every part has an identity of ours and its place
//! among the server's machines, which an import would give out anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use protocol::limits::Limits;
use protocol::link::Port;
use protocol::name::NodeName;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::backend::pending_request::PendingRequests;
use crate::backend::{BackendError, BackendErrorKind, BackendKind, NodeBinary};
use crate::gns3::adapter::Adapters;
use crate::gns3::container::{IMAGE, WAITING, unfit};
use crate::gns3::device::{DOCKER, Docker, properties};
use crate::gns3::document::{End, Label, Node as Device};
use crate::gns3::filter::Filters;
use crate::gns3::identity::Identity;
use crate::gns3::switch::{self, SwitchKind};
use crate::plan::position::{HALF_NODE, HALF_SWITCH, corner};
use crate::plan::{Plan, PlannedNode, Segment};

use super::address::ProjectUrl;
use super::compute::Placement;
use super::error::{ServerError, at};
use super::link::Links;
use super::mark::Variable;
use super::own_image;
use super::server::Server;

/// A project to be made.
#[derive(Debug)]
pub(super) struct ProjectBuilder<'a> {
    pub(super) server: Arc<Server>,
    /// Its requests that must end.
    pub(super) pending_requests: &'a PendingRequests,
    pub(super) url: &'a ProjectUrl,
    pub(super) plan: &'a Plan,
    pub(super) placement: Placement,
    pub(super) switches: SwitchKind,
    /// The node binary, for images that have none.
    pub(super) binary: NodeBinary,
}

/// A node as the project knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its identity.
    pub(super) id: Uuid,
    /// The number of each interface's adapter.
    pub(super) adapters: BTreeMap<String, u32>,
    /// Whether its image is somebody's own.
    pub(super) foreign: bool,
}

/// `POST /projects/ID/links`.
#[derive(Debug, Serialize)]
struct LinkOrder {
    nodes: [End; 2],
    filters: Filters,
}

impl ProjectBuilder<'_> {
    /// The project's identity on every server.
    pub(super) fn identity(plan: &Plan) -> Identity {
        Identity::new(&plan.lab.to_string())
    }

    /// Makes the project, empty and open.
    pub(super) async fn project(&self, mark: Vec<Variable>) -> Result<(), BackendError> {
        let reach = |end: i32| (end.max(0) + MARGIN) * 2;
        let corner = self.plan.positions.corner;
        let order = json!({
            "name": self.plan.lab.to_string(),
            "project_id": self.url.project,
            "auto_close": false,
            "scene_width": reach(corner.x).max(2000),
            "scene_height": reach(corner.y).max(1000),
            "show_interface_labels": true,
            "variables": mark,
        });
        let made = self.make("projects".to_owned(), order).await;
        made.map_err(at(format!("making project {}", self.plan.lab)))
    }

    /// Makes all nodes, none of them running.
    pub(super) async fn nodes(&self) -> Result<BTreeMap<NodeName, Place>, BackendError> {
        let nodes = || self.plan.nodes.iter();
        let places = nodes().map(|node| (node.settings.name.clone(), Self::place(self.plan, node)));
        let places: BTreeMap<_, _> = places.collect();
        let switches = self.plan.segments.iter().filter(|segment| !segment.wire);
        let switches = switches.map(|segment| Ok(self.switch(segment)));
        let nodes = nodes().enumerate();
        let nodes = nodes.map(|(number, node)| self.node(number, node));
        let devices: Vec<Device> = switches.chain(nodes).collect::<Result<_, _>>()?;
        // The first on each compute alone: with it 3.0 makes the project there, in one of several threads
        // (`create_compute_project`). For two at the same moment it may make two, and of these it forgets
        // one, with nodes that are never removed.
        let mut computes = BTreeSet::new();
        let (first, others): (Vec<_>, Vec<_>) = devices
            .into_iter()
            .partition(|device| computes.insert(device.compute_id.clone()));
        for device in first {
            self.device(device).await?;
        }
        let others = others.into_iter().map(|device| self.device(device));
        all(others.collect()).await?;
        self.agents(&places).await?;
        Ok(places)
    }

    fn place(plan: &Plan, node: &PlannedNode) -> Place {
        let interfaces = || node.settings.interfaces.iter();
        let adapters = Adapters::of(interfaces().map(|i| &i.name));
        Place {
            id: Self::identity(plan).of("node", node.settings.name.as_str()),
            adapters: interfaces()
                .enumerate()
                .map(|(place, i)| (i.name.to_string(), adapters.number(place)))
                .collect(),
            foreign: node.image.is_some(),
        }
    }

    fn node(&self, number: usize, node: &PlannedNode) -> Result<Device, BackendError> {
        let name = &node.settings.name;
        let interfaces = || node.settings.interfaces.iter();
        let adapters = Adapters::of(interfaces().map(|i| &i.name));
        let place = Self::place(self.plan, node);
        let at_corner = self.plan.positions.nodes.get(number).copied();
        let corner = corner(at_corner.unwrap_or_default(), HALF_NODE);
        let mut container = Docker {
            image: node.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
            adapters: Some(adapters.count()),
            start_command: Some(WAITING.to_owned()),
            environment: environment(node)?,
            ..Docker::default()
        };
        if place.foreign {
            own_image::prepare(&mut container);
        }
        Ok(Device {
            compute_id: self.placement.node(name).to_owned(),
            custom_adapters: adapters.particulars(interfaces().map(|i| (&i.name, i.mac))),
            symbol: Some(":/symbols/docker_guest.svg".to_owned()),
            properties: properties(&container),
            ..Device::new(place.id, name.to_string(), DOCKER, corner)
        })
    }

    /// Gives the nodes whose image is somebody's own their agent.
    async fn agents(&self, places: &BTreeMap<NodeName, Place>) -> Result<(), BackendError> {
        let foreign = places.iter().filter(|(_, place)| place.foreign);
        let puts = foreign.map(|(name, place)| async move {
            let folder = format!("{}/nodes/{}", self.path(), place.id);
            let binary = (self.binary)().map_err(BackendErrorKind::system);
            let binary =
                binary.map_err(|kind| kind.at(BackendKind::Gns3, "reading the node binary"))?;
            let put = own_image::deliver(&self.server, &folder, binary);
            put.await
                .map_err(at(format!("giving node {name} its agent")))
        });
        all(puts.collect()).await
    }

    fn switch(&self, segment: &Segment) -> Device {
        let parts = switch::parts(self.switches, count(segment));
        let at = self.plan.positions.switches.get(&segment.name).copied();
        let corner = corner(at.unwrap_or_default(), HALF_SWITCH);
        let is_taken = |name: &str| {
            let mut nodes = self.plan.nodes.iter();
            nodes.any(|node| node.settings.name.as_str() == name)
        };
        let name = switch::name(segment.name.as_str(), is_taken);
        Device {
            compute_id: self.placement.switch(segment).to_owned(),
            console_type: Some(parts.console.to_owned()),
            symbol: Some(parts.symbol.to_owned()),
            properties: parts.properties,
            ..Device::new(self.switch_id(segment), name, parts.node_type, corner)
        }
    }

    pub(super) fn switch_id(&self, segment: &Segment) -> Uuid {
        Self::identity(self.plan).of("switch", segment.name.as_str())
    }

    async fn device(&self, device: Device) -> Result<(), BackendError> {
        let action = format!("making {} on compute {}", device.name, device.compute_id);
        let made = self.make(format!("{}/nodes", self.path()), device).await;
        made.map_err(at(action))
    }

    /// Plugs everything in, and makes sure that the server knows each link: it has been seen to drop
    /// some in silence.
    pub(super) async fn links(
        &self,
        places: &BTreeMap<NodeName, Place>,
    ) -> Result<(), BackendError> {
        let segments = self.plan.segments.iter();
        let ends: Vec<_> = segments
            .flat_map(|segment| self.ends(segment, places))
            .collect();
        let expected = ends.len();
        // One after another: 3.0 finds ports for links in several threads (`allocate_udp_port` in its
        // `compute.py`), may give two of them the same one, and what is sent over one link then comes out
        // of the other.
        for (title, nodes) in ends {
            self.link(title, nodes).await?;
        }
        let there = Links::of(&self.server, self.url.project).await?.len();
        if there == expected {
            return Ok(());
        }
        let lost = std::io::Error::other(format!("the server has {there} of {expected} links"));
        Err(BackendErrorKind::system(lost).at(BackendKind::Gns3, "counting links"))
    }

    async fn link(&self, title: String, nodes: [End; 2]) -> Result<(), BackendError> {
        let order = LinkOrder {
            nodes,
            filters: Filters::default(),
        };
        let made = self.make(format!("{}/links", self.path()), order).await;
        made.map_err(at(format!("plugging in {title}")))
    }

    /// The links of a segment: a wire, or one from each port to the switch.
    fn ends(
        &self,
        segment: &Segment,
        places: &BTreeMap<NodeName, Place>,
    ) -> Vec<(String, [End; 2])> {
        let plug = |port: &Port| Some(end_of(places.get(&port.node)?, port));
        if let (true, [one, other]) = (segment.wire, &segment.ports[..]) {
            let ends = plug(one).zip(plug(other));
            let title = segment.name.to_string();
            return ends.map(|(a, b)| (title, [a, b])).into_iter().collect();
        }
        let id = self.switch_id(segment);
        let ports = segment.ports.iter().zip(0..).filter_map(|(port, number)| {
            let (adapter_number, port_number) = switch::port(self.switches, number);
            let socket = End {
                node_id: id,
                adapter_number,
                port_number,
                label: Some(label(switch::port_name(self.switches, number))),
            };
            let title = format!("{}:{}", port.node, port.interface);
            Some((title, [plug(port)?, socket]))
        });
        ports.collect()
    }

    /// Has something made or started. A server goes on with that when we have gone.
    pub(super) async fn make(
        &self,
        path: String,
        order: impl Serialize + Send + Sync + 'static,
    ) -> Result<(), ServerError> {
        let (server, url) = (Arc::clone(&self.server), self.server.url().clone());
        let made = self
            .pending_requests
            .run(async move { server.post::<serde_json::Value>(&path, &order).await });
        let reason = "this process is ending".to_owned();
        let made = made
            .await
            .unwrap_or(Err(ServerError::Broken { url, reason }));
        made.map(drop)
    }

    pub(super) fn path(&self) -> String {
        format!("projects/{}", self.url.project)
    }

    /// Returns warnings for a reader of the results.
    pub(super) fn warnings(&self) -> Vec<String> {
        let limited = self
            .plan
            .nodes
            .iter()
            .filter(|node| node.limits != Limits::default());
        let limited: Vec<&str> = limited.map(|node| node.settings.name.as_str()).collect();
        if limited.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "GNS3 {} holds no limits of memory, processors and processes: {} have none",
            self.server.version(),
            limited.join(", ")
        )]
    }
}

/// Has all requests answered, several at once.
pub(super) async fn all(
    requests: Vec<impl Future<Output = Result<(), BackendError>>>,
) -> Result<(), BackendError> {
    let requests = stream::iter(requests).buffer_unordered(IN_FLIGHT);
    requests.try_collect().await
}

/// The end of a link at a node.
fn end_of(place: &Place, port: &Port) -> End {
    let name = port.interface.to_string();
    End {
        node_id: place.id,
        adapter_number: place.adapters.get(&name).copied().unwrap_or_default(),
        port_number: 0,
        label: Some(label(name)),
    }
}

fn label(text: String) -> Label {
    Label {
        text,
        x: Some(0),
        y: 0,
        rotation: 0,
        style: None,
    }
}

fn count(segment: &Segment) -> u32 {
    u32::try_from(segment.ports.len()).unwrap_or(u32::MAX)
}

/// A node's variables, as GNS3 has them.
fn environment(node: &PlannedNode) -> Result<Option<String>, BackendError> {
    let mut lines = Vec::new();
    for (name, value) in &node.env {
        if let Some(why) = unfit(name, value) {
            return Err(BackendErrorKind::Lacking {
                missing: format!(
                    "node {} cannot have variable {name}: {why}",
                    node.settings.name
                ),
                remedy: "give it another name or value, or use another backend".to_owned(),
            }
            .at(BackendKind::Gns3, "making nodes"));
        }
        lines.push(format!("{name}={value}"));
    }
    Ok((!lines.is_empty()).then(|| lines.join("\n")))
}

/// Requests at once. A server does one thing at a time, and more would only wait there.
const IN_FLIGHT: usize = 8;

/// The space around everything, in pixels.
const MARGIN: i32 = 500;
