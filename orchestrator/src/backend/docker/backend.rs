//! The trait [`Backend`] for container engines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::backend::{
    Backend, BackendError, BackendKind, Fabric, LabHandle, Ledger, NodeBinary, Origin, Owned,
    Resource,
};
use crate::plan::Plan;

use super::container::{ContainerFactory, Started, kernel_lacks_ipv6};
use super::engine::Engine;
use super::error::{at, lacking};
use super::fabric::DockerFabric;
use super::network::Networks;
use super::{gns3_image, image, late, mark, removal, seclusion, translation};
use crate::backend::pending_request::PendingRequests;

/// Labs on a Docker engine. It is connected to when it is first needed.
#[derive(Debug)]
pub struct DockerBackend {
    engine: Engine,
    pending_requests: PendingRequests,
    node: NodeBinary,
    /// The place where labs are raised and recorded.
    origin: Option<Origin>,
}

impl DockerBackend {
    /// The engine that `DOCKER_HOST` names, else the one of this machine. `node` is the static node
    /// binary.
    pub fn from_environment(node: NodeBinary) -> Self {
        Self::with_engine(Engine::from_environment(), node)
    }

    /// The engine at `host`, an address as `DOCKER_HOST` has it.
    pub fn at_host(host: impl Into<String>, node: NodeBinary) -> Self {
        Self::with_engine(Engine::new(host.into()), node)
    }

    /// Marks labs with the place where they are raised and recorded. A lab without that mark can never be proved to
    /// be ours.
    #[must_use]
    pub fn recorded_in(self, origin: Origin) -> Self {
        Self {
            origin: Some(origin),
            ..self
        }
    }

    fn with_engine(engine: Engine, node: NodeBinary) -> Self {
        Self {
            engine,
            pending_requests: PendingRequests::default(),
            node,
            origin: None,
        }
    }

    /// Lists the built-in images of every version that the engine keeps from one lab to the next. They belong to
    /// no lab. [`Backend::remove`] removes them.
    ///
    /// # Errors
    /// The engine's.
    pub async fn cached_images(&self) -> Result<Vec<Resource>, BackendError> {
        let tags = image::cached(self.engine.docker().await?).await;
        let tags = self.engine.heed(tags)?;
        Ok(tags.into_iter().map(Resource::Image).collect())
    }

    /// Puts the image of nodes on GNS3's servers into the engine, under this tag.
    ///
    /// # Errors
    /// The engine's, or that no engine answers.
    pub async fn make_gns3_image(&self, tag: &str) -> Result<(), BackendError> {
        gns3_image::load(self.engine.docker().await?, self.node()?, tag).await
    }

    /// Does the same, unless the engine has the image already with this very node binary inside.
    ///
    /// # Errors
    /// The engine's, or that no engine answers.
    pub async fn renew_gns3_image(&self, tag: &str) -> Result<(), BackendError> {
        let docker = self.engine.docker().await?;
        let Some(old) = image::other_than(docker, tag, self.node()?).await else {
            return Ok(());
        };
        gns3_image::load(docker, self.node()?, tag).await?;
        image::forget(docker, &old).await;
        Ok(())
    }

    /// Makes sure that all images are there, and returns the built-in one's tag.
    async fn images(&self, plan: &Plan) -> Result<String, BackendError> {
        let docker = self.engine.docker().await?;
        let images: BTreeSet<&str> = plan
            .nodes
            .iter()
            .filter_map(|node| node.image.as_deref())
            .collect();
        let own = try_join_all(images.into_iter().map(|name| image::of_user(docker, name)));
        let (tag, _) = tokio::try_join!(image::built_in(docker, self.node()?), own)?;
        Ok(tag)
    }

    /// Makes everything in `plan` and starts the nodes.
    async fn make(
        &self,
        plan: &Plan,
        ledger: Arc<dyn Ledger>,
    ) -> Result<DockerFabric, BackendError> {
        let docker = self.engine.docker().await?;
        let local = self.engine.is_local();
        let labels = mark::labels(&plan.lab, self.origin.as_ref());
        let networks = async {
            let networks =
                Networks::survey(docker, &self.pending_requests, plan, &labels, local).await?;
            let made = networks.make_all(ledger.as_ref()).await?;
            Ok((made, networks.warnings()))
        };
        let ((made, mut warnings), built_in) = tokio::try_join!(networks, self.images(plan))?;
        let factory = ContainerFactory {
            docker,
            pending_requests: &self.pending_requests,
            lab: &plan.lab,
            labels: &labels,
            endpoints: &made.endpoints,
            built_in,
            node: self.node_archive(plan)?,
            without_ipv6: local && kernel_lacks_ipv6(),
        };
        let mut starts = Vec::new();
        for node in &plan.nodes {
            starts.push(factory.start(node, ledger.as_ref()));
        }
        let started = stream::iter(starts)
            .buffer_unordered(IN_FLIGHT)
            .try_collect();
        let secluded = seclusion::seclude(&factory, &made.bridges, ledger.as_ref());
        let (started, exposed): (Vec<Started>, _) = tokio::try_join!(started, secluded)?;
        warnings.extend(exposed);

        let mut containers = BTreeMap::new();
        let mut attached = BTreeMap::new();
        for node in started {
            containers.insert(node.name.clone(), node.container);
            attached.insert(node.name, node.stream);
            warnings.extend(node.warnings);
        }
        Ok(DockerFabric {
            docker: docker.clone(),
            lab: plan.lab.clone(),
            containers,
            attached: Mutex::new(attached),
            endpoints: made.endpoints,
            warnings,
            filtered: translation::reaches_bridges(local),
        })
    }

    fn node(&self) -> Result<&'static [u8], BackendError> {
        (self.node)().map_err(|error| at("reading the node binary")(error.into()))
    }

    fn node_archive(&self, plan: &Plan) -> Result<Bytes, BackendError> {
        if plan.nodes.iter().all(|node| node.image.is_none()) {
            return Ok(Bytes::new());
        }
        image::node_archive(self.node()?)
            .map_err(|error| at("packing the node binary")(error.into()))
    }
}

#[async_trait]
impl Backend for DockerBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Docker
    }

    async fn preflight(&self, plan: &Plan) -> Result<(), BackendError> {
        self.engine.docker().await?;
        for segment in &plan.segments {
            let ports = segment.ports.len();
            if ports > BRIDGE_PORTS {
                return Err(lacking(
                    format!(
                        "network {} has {ports} ports, and a bridge takes 1 023",
                        segment.name
                    ),
                    "spread the nodes over several networks joined by a forwarding node",
                    "checking the plan",
                ));
            }
        }
        Ok(())
    }

    async fn raise(
        &self,
        plan: &Plan,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Box<dyn Fabric>, BackendError> {
        let fabric = self.engine.heed(self.make(plan, ledger).await)?;
        Ok(Box::new(fabric))
    }

    async fn attach(&self, handle: &LabHandle) -> Result<Box<dyn Fabric>, BackendError> {
        Ok(Box::new(DockerFabric {
            docker: self.engine.docker().await?.clone(),
            lab: handle.lab.clone(),
            containers: handle.nodes.iter().cloned().collect(),
            attached: Mutex::default(),
            endpoints: BTreeMap::new(),
            warnings: Vec::new(),
            filtered: false,
        }))
    }

    async fn remove(&self, resource: &Resource) -> Result<(), BackendError> {
        self.pending_requests.settled().await;
        let docker = self.engine.docker().await?;
        self.engine.heed(removal::remove(docker, resource).await)
    }

    async fn settle(&self, expected: &[Resource], patience: Duration) {
        if expected.is_empty() || patience.is_zero() {
            return;
        }
        if let Ok(docker) = self.engine.docker().await {
            late::made(docker, expected, patience).await;
        }
    }

    async fn survey(&self) -> Result<Vec<Owned>, BackendError> {
        let docker = self.engine.docker().await?;
        let owned = removal::survey(docker, self.origin.as_ref()).await;
        self.engine.heed(owned)
    }
}

/// The most containers that are being started at once. More would not make an engine faster.
const IN_FLIGHT: usize = 16;

/// The ports of a Linux bridge: `BR_MAX_PORTS` less the one that is never used.
const BRIDGE_PORTS: usize = 1023;
