//! A lab that is up on a server.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use protocol::link::Port;
use protocol::name::{InterfaceName, NodeName};
use protocol::settings::{FoundBy, NodeSettings};
use serde::{Deserialize, Serialize};

use crate::backend::docker::Engine;
use crate::backend::{BackendError, BackendErrorKind, BackendKind, ByteStream, Fabric, LabHandle};
use crate::control::CaptureStream;
use crate::plan::{LabId, LinkConditions};
use crate::topology::model::FaultKind;

use super::address::ProjectUrl;
use super::capture;
use super::console::PendingCloses;
use super::error::at;
use super::link::Links;
use super::project_builder::Place;
use super::reach::Reach;
use super::server::Server;
use super::servers::Servers;

/// A lab that is up on a server. It lives on without us.
#[derive(Debug)]
pub(super) struct Gns3Fabric {
    pub(super) servers: Arc<Servers>,
    pub(super) reach: Reach,
    pub(super) lab: LabId,
    pub(super) url: ProjectUrl,
    pub(super) places: BTreeMap<NodeName, Place>,
    pub(super) warnings: Vec<String>,
}

/// The handle by which a node of a kept lab is found again.
#[derive(Debug, Serialize, Deserialize)]
struct NodeHandle {
    project: String,
    place: Place,
}

#[async_trait]
impl Fabric for Gns3Fabric {
    async fn open(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError> {
        let place = self.place(node, format!("connecting to node {node}"))?;
        let server = self.servers.at(&self.url.server);
        self.reach.open(server, (node, place)).await
    }

    /// GNS3 calls interfaces by their adapters' numbers.
    fn settings(&self, planned: &NodeSettings) -> NodeSettings {
        let mut settings = planned.clone();
        let adapters = self.places.get(&planned.name).map(|place| &place.adapters);
        for interface in &mut settings.interfaces {
            let adapter = adapters.and_then(|all| all.get(interface.name.as_str()));
            let called = adapter.and_then(|number| format!("eth{number}").parse().ok());
            if let Some(called) = called.filter(|name: &InterfaceName| *name != interface.name) {
                interface.found_by = FoundBy::Called(called);
            }
        }
        settings
    }

    async fn tap(
        &self,
        port: &Port,
        snap_length: Option<u32>,
    ) -> Result<Option<CaptureStream>, BackendError> {
        let server = self.servers.at(&self.url.server).await?;
        let links = Links::of(&server, self.url.project).await?;
        let link = links.of_port(&self.places, port)?;
        let stream = capture::begin(server, links.path(link), (port, snap_length)).await?;
        Ok(Some(stream))
    }

    async fn set_conditions(
        &self,
        conditions: &LinkConditions,
    ) -> Result<Vec<String>, BackendError> {
        let server = self.servers.at(&self.url.server).await?;
        let links = Links::of(&server, self.url.project).await?;
        links
            .set_conditions(&server, conditions, &self.places)
            .await
    }

    async fn begin_fault(&self, fault: &FaultKind) -> Result<bool, BackendError> {
        self.set_fault(fault, true).await
    }

    async fn end_fault(&self, fault: &FaultKind) -> Result<bool, BackendError> {
        self.set_fault(fault, false).await
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    async fn keep(&self) -> Result<LabHandle, BackendError> {
        let held = |(node, place): (&NodeName, &Place)| {
            let held = NodeHandle {
                project: self.url.to_string(),
                place: place.clone(),
            };
            let text = serde_json::to_string(&held).map_err(|error| {
                BackendErrorKind::system(error).at(BackendKind::Gns3, "keeping the lab")
            })?;
            Ok((node.clone(), text))
        };
        Ok(LabHandle {
            lab: self.lab.clone(),
            backend: BackendKind::Gns3,
            nodes: self
                .places
                .iter()
                .map(held)
                .collect::<Result<_, BackendError>>()?,
            hosts: BTreeMap::new(),
        })
    }
}

impl Gns3Fabric {
    /// Begins or ends a fault, as far as the server can.
    async fn set_fault(&self, fault: &FaultKind, active: bool) -> Result<bool, BackendError> {
        let server = self.servers.at(&self.url.server).await?;
        let project = self.url.project;
        match fault {
            FaultKind::Down(end) => {
                let links = Links::of(&server, project).await?;
                let port = Port {
                    node: end.node.clone(),
                    interface: end.interface.clone(),
                };
                let link = links.of_port(&self.places, &port)?;
                links.suspend(&server, (link, &port), active).await?;
            }
            FaultKind::Pause(node) => {
                let id = self.place(node, "pausing nodes")?.id;
                pause(
                    &server,
                    (node, format!("projects/{project}/nodes/{id}")),
                    active,
                )
                .await?;
            }
            FaultKind::Partition(_) | FaultKind::Kill(_) => return Ok(false),
        }
        Ok(true)
    }

    fn place(&self, node: &NodeName, action: impl Into<String>) -> Result<&Place, BackendError> {
        self.places.get(node).ok_or_else(|| {
            let kind = BackendErrorKind::Node {
                node: node.to_string(),
                reason: "the lab has no such node".to_owned(),
            };
            kind.at(BackendKind::Gns3, action)
        })
    }

    /// The lab that a record tells of.
    ///
    /// # Errors
    /// If it was written by something else.
    pub(super) fn of(
        handle: &LabHandle,
        servers: Arc<Servers>,
        (engine, pending_closes): (Arc<Engine>, PendingCloses),
    ) -> Result<Self, BackendError> {
        let action = "reading what was recorded of the lab";
        let mut places = BTreeMap::new();
        let mut url = None;
        for (node, text) in &handle.nodes {
            let held: NodeHandle = serde_json::from_str(text)
                .map_err(|error| BackendErrorKind::system(error).at(BackendKind::Gns3, action))?;
            let of_node = held.project.parse::<ProjectUrl>();
            let of_node = of_node
                .map_err(|error| BackendErrorKind::system(error).at(BackendKind::Gns3, action))?;
            url = Some(of_node);
            places.insert(node.clone(), held.place);
        }
        let url = url.ok_or_else(|| {
            let nothing = std::io::Error::other("it has no nodes");
            BackendErrorKind::system(nothing).at(BackendKind::Gns3, action)
        })?;
        Ok(Self {
            servers,
            reach: Reach::new((engine, pending_closes), url.project),
            lab: handle.lab.clone(),
            url,
            places,
            warnings: Vec::new(),
        })
    }
}

/// Stops a node's processes where they are, or lets them go on.
async fn pause(
    server: &Server,
    (node, path): (&NodeName, String),
    paused: bool,
) -> Result<(), BackendError> {
    let action = || format!("pausing or resuming node {node}");
    let answer: StatusAnswer = server.get(&path).await.map_err(at(action()))?;
    // A paused node is let go on by being started.
    let word = match (answer.status.as_str(), paused) {
        ("suspended", true) | ("started", false) => return Ok(()),
        ("started", true) => "suspend",
        ("suspended", false) => "start",
        (status, _) => {
            let kind = BackendErrorKind::Node {
                node: node.to_string(),
                reason: format!("it does not run: the server says that it is {status}"),
            };
            return Err(kind.at(BackendKind::Gns3, action()));
        }
    };
    let order = server.order(&format!("{path}/{word}")).await;
    order.map_err(at(action()))
}

/// `GET /projects/ID/nodes/ID`.
#[derive(Debug, Deserialize)]
struct StatusAnswer {
    status: String,
}
