//! Makes a project of a plan, call by call: so that every part has an identity of ours and its place
//! among the server's machines, which an import would give out anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::name::NodeName;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::backend::creation::Creations;
use crate::backend::{BackendError, BackendErrorKind, BackendKind};
use crate::gns3::adapter::Adapters;
use crate::gns3::container::{IMAGE, WAITING, unfit};
use crate::gns3::device::{DOCKER, Docker, properties};
use crate::gns3::document::{End, Label, Node as Device};
use crate::gns3::filter::Filters;
use crate::gns3::identity::Identity;
use crate::gns3::switch::{self, SwitchKind};
use crate::plan::position::{HALF_NODE, HALF_SWITCH, corner};
use crate::plan::{Plan, PlannedNode, Port, Segment};

use super::address::ProjectUrl;
use super::compute::Placement;
use super::error::{ServerError, at};
use super::link::Links;
use super::mark::Variable;
use super::own_image;
use super::server::Server;

/// A project to be made.
#[derive(Debug)]
pub(super) struct Site<'a> {
    pub(super) server: Arc<Server>,
    /// Its requests that must end.
    pub(super) creations: &'a Creations,
    pub(super) url: &'a ProjectUrl,
    pub(super) plan: &'a Plan,
    pub(super) placement: Placement,
    pub(super) switches: SwitchKind,
    /// The node binary, for images that have none.
    pub(super) binary: &'static [u8],
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

/// `GET /projects/ID/nodes`, an entry.
#[derive(Debug, Deserialize)]
struct NodeAnswer {
    name: String,
    status: String,
}

/// `POST /projects/ID/links`.
#[derive(Debug, Serialize)]
struct LinkOrder {
    nodes: [End; 2],
    filters: Filters,
}

impl Site<'_> {
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
        let switches = self.plan.segments.iter().filter(|segment| !segment.wire);
        let switches = switches.map(|segment| self.device(self.switch(segment), &segment.name));
        let switches = switches.collect::<Vec<_>>();
        let nodes = self.plan.nodes.iter().enumerate();
        let nodes = nodes.map(|(number, node)| self.node(number, node));
        let nodes = nodes.collect::<Vec<_>>();
        let ((), places): ((), Vec<(NodeName, Place)>) = tokio::try_join!(
            stream::iter(switches)
                .buffer_unordered(IN_FLIGHT)
                .try_collect(),
            stream::iter(nodes)
                .buffer_unordered(IN_FLIGHT)
                .try_collect(),
        )?;
        Ok(places.into_iter().collect())
    }

    async fn node(
        &self,
        number: usize,
        node: &PlannedNode,
    ) -> Result<(NodeName, Place), BackendError> {
        let name = &node.settings.name;
        let interfaces = || node.settings.interfaces.iter();
        let adapters = Adapters::of(interfaces().map(|i| &i.name));
        let place = Place {
            id: Self::identity(self.plan).of("node", name.as_str()),
            adapters: interfaces()
                .enumerate()
                .map(|(place, i)| (i.name.to_string(), adapters.number(place)))
                .collect(),
            foreign: node.image.is_some(),
        };
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
        let device = Device {
            compute_id: self.placement.node(name).to_owned(),
            custom_adapters: adapters.particulars(interfaces().map(|i| (&i.name, i.mac))),
            symbol: Some(":/symbols/docker_guest.svg".to_owned()),
            properties: properties(&container),
            ..Device::new(place.id, name.to_string(), DOCKER, corner)
        };
        self.device(device, name).await?;
        if place.foreign {
            let folder = format!("{}/nodes/{}", self.path(), place.id);
            let put = own_image::deliver(&self.server, &folder, self.binary);
            put.await
                .map_err(at(format!("giving node {name} its agent")))?;
        }
        Ok((name.clone(), place))
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

    fn switch_id(&self, segment: &Segment) -> Uuid {
        Self::identity(self.plan).of("switch", segment.name.as_str())
    }

    async fn device(
        &self,
        device: Device,
        name: &impl std::fmt::Display,
    ) -> Result<(), BackendError> {
        let action = format!("making {name} on compute {}", device.compute_id);
        let made = self.make(format!("{}/nodes", self.path()), device).await;
        made.map_err(at(action))
    }

    /// Plugs everything in, and makes sure that the server knows each link: it has been seen to drop
    /// some in silence.
    pub(super) async fn links(
        &self,
        places: &BTreeMap<NodeName, Place>,
    ) -> Result<(), BackendError> {
        let orders: Vec<_> = self
            .plan
            .segments
            .iter()
            .flat_map(|segment| self.ends(segment, places))
            .map(|(title, nodes)| self.link(title, nodes))
            .collect();
        let expected = orders.len();
        stream::iter(orders)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await?;
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

    /// Starts everything, and makes sure that it was: a server has been seen to call a start good that
    /// was not.
    pub(super) async fn start(
        &self,
        places: &BTreeMap<NodeName, Place>,
    ) -> Result<(), BackendError> {
        let mut ids: Vec<(String, Uuid)> = places
            .iter()
            .map(|(name, place)| (name.to_string(), place.id))
            .collect();
        if self.switches == SwitchKind::Docker {
            let switches = self.plan.segments.iter().filter(|segment| !segment.wire);
            ids.extend(switches.map(|s| (s.name.to_string(), self.switch_id(s))));
        }
        let starts = ids.into_iter().map(|(name, id)| async move {
            let path = format!("{}/nodes/{id}/start", self.path());
            let started = self.make(path, json!({})).await;
            started.map_err(at(format!("starting node {name}")))
        });
        let starts = starts.collect::<Vec<_>>();
        stream::iter(starts)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await?;
        let waited = tokio::time::timeout(PATIENCE, self.all_started()).await;
        if let Ok(ended) = waited {
            ended?;
        }
        match self.sleeper().await? {
            None => Ok(()),
            Some(node) => Err(BackendErrorKind::Node {
                node: node.name,
                reason: format!(
                    "the server has started it, and says after {} s that it is {}",
                    PATIENCE.as_secs(),
                    node.status
                ),
            }
            .at(BackendKind::Gns3, STARTING)),
        }
    }

    /// Waits until the server knows of all that they run. It hears from other computes a moment after it
    /// has had nodes started there, and tells whoever listens that something has changed.
    async fn all_started(&self) -> Result<(), BackendError> {
        if self.sleeper().await?.is_none() {
            return Ok(());
        }
        let path = format!("{}/notifications", self.path());
        let mut changes = self.server.stream(&path).await.map_err(at(STARTING))?;
        while self.sleeper().await?.is_some() {
            let change = changes.chunk().await;
            let change = change.map_err(|error| at(STARTING)(self.server.broken(&error)))?;
            if change.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// A node that does not run.
    async fn sleeper(&self) -> Result<Option<NodeAnswer>, BackendError> {
        let path = format!("{}/nodes", self.path());
        let nodes: Vec<NodeAnswer> = self.server.get(&path).await.map_err(at(STARTING))?;
        Ok(nodes.into_iter().find(|node| node.status != "started"))
    }

    /// Has something made or started. A server goes on with that when we have gone.
    async fn make(
        &self,
        path: String,
        order: impl Serialize + Send + Sync + 'static,
    ) -> Result<(), ServerError> {
        let (server, url) = (Arc::clone(&self.server), self.server.url().clone());
        let made = self
            .creations
            .run(async move { server.post::<serde_json::Value>(&path, &order).await });
        let reason = "this process is ending".to_owned();
        let made = made
            .await
            .unwrap_or(Err(ServerError::Broken { url, reason }));
        made.map(drop)
    }

    fn path(&self) -> String {
        format!("projects/{}", self.url.project)
    }

    /// What a reader of the results must know.
    pub(super) fn warnings(&self) -> Vec<String> {
        let limited = self.plan.nodes.iter().filter(|node| {
            node.memory.is_some() || node.milli_cpus.is_some() || node.pids.is_some()
        });
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
                what: format!(
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

const STARTING: &str = "starting nodes";

/// How long other computes may take to say that their nodes run.
const PATIENCE: Duration = Duration::from_secs(30);

/// Requests at once. A server does one thing at a time, and more would only wait there.
const IN_FLIGHT: usize = 8;

/// What is around everything, in pixels.
const MARGIN: i32 = 500;
