//! A lab that is up on an engine.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bollard::Docker;
use protocol::link::Port;
use protocol::name::NodeName;
use protocol::role::PROGRAM_OF_AGENT;
use protocol::settings::{FoundBy, NodeSettings};

use crate::backend::{BackendError, BackendErrorKind, BackendKind, ByteStream, Fabric, LabHandle};
use crate::control::Control;
use crate::plan::{LabId, Plan};

use super::attached_stream::AttachedStream;
use super::container::SOCKET;
use super::error::at;
use super::exec::{self, ExecError};
use super::network::Endpoint;
use super::passage;

/// A lab that is up on an engine. Its containers live on without us.
#[derive(Debug)]
pub(super) struct DockerFabric {
    pub(super) docker: Docker,
    pub(super) lab: LabId,
    /// Each node's container.
    pub(super) containers: BTreeMap<NodeName, String>,
    /// The agents' standard streams, each good for one connection.
    pub(super) attached: Mutex<BTreeMap<NodeName, AttachedStream>>,
    /// The addresses that the engine gave to each port.
    pub(super) endpoints: BTreeMap<Port, Endpoint>,
    pub(super) warnings: Vec<String>,
    /// Set where the engine's kernel hands bridged packets to its firewall, or may.
    pub(super) filtered: bool,
}

#[async_trait]
impl Fabric for DockerFabric {
    /// The first connection goes over the agent's standard streams, which costs nothing; later ones
    /// over a `node connect` that runs beside it.
    async fn open(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError> {
        let attached = self.attached.lock();
        let attached = attached
            .unwrap_or_else(PoisonError::into_inner)
            .remove(node);
        match attached {
            Some(stream) => Ok(Box::new(stream)),
            None => self.connect(node).await,
        }
    }

    /// The engine names and addresses interfaces in its own way, so the agent finds each by the
    /// address that it was given.
    fn settings(&self, planned: &NodeSettings) -> NodeSettings {
        let mut settings = planned.clone();
        for interface in &mut settings.interfaces {
            let port = Port {
                node: planned.name.clone(),
                interface: interface.name.clone(),
            };
            if let Some(endpoint) = self.endpoints.get(&port) {
                let address = endpoint.address.into();
                interface.found_by = match endpoint.tunnel {
                    None => FoundBy::Address(address),
                    Some(id) => FoundBy::Tunnel { over: address, id },
                };
            }
        }
        settings
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    async fn check_passage(
        &self,
        plan: &Plan,
        controls: &BTreeMap<NodeName, Control>,
    ) -> Result<(), BackendError> {
        if !self.filtered {
            return Ok(());
        }
        passage::check(plan, controls).await
    }

    async fn keep(&self) -> Result<LabHandle, BackendError> {
        Ok(LabHandle {
            lab: self.lab.clone(),
            backend: BackendKind::Docker,
            nodes: self.containers.clone().into_iter().collect(),
            hosts: BTreeMap::new(),
        })
    }
}

impl DockerFabric {
    async fn connect(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError> {
        let action = format!("connecting to node {node}");
        let gone = |reason: &str| {
            BackendErrorKind::Node {
                node: node.to_string(),
                reason: reason.to_owned(),
            }
            .at(BackendKind::Docker, action.clone())
        };
        let container = self.containers.get(node);
        let container = container.ok_or_else(|| gone("the lab has no such node"))?;
        // A program of the node could put another in place of the file.
        let command = [PROGRAM_OF_AGENT, "connect", SOCKET]
            .map(str::to_owned)
            .to_vec();
        let stream = exec::connect(&self.docker, (node, container), command).await;
        stream.map_err(|error| match error {
            ExecError::Gone => gone("its container is gone"),
            ExecError::Still => gone("its container does not run"),
            ExecError::Paused => gone("its container is paused"),
            ExecError::NoStreams => gone("the engine attached no streams"),
            ExecError::Engine(error) => at(action.clone())(error),
        })
    }
}
