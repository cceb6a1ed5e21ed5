//! The trait [`Backend`] for GNS3 servers.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::docker::{DockerBackend, Engine};
use crate::backend::pending_request::PendingRequests;
use crate::backend::{
    Backend, BackendError, BackendErrorKind, BackendKind, Capabilities, Fabric, LabHandle, Ledger,
    NodeBinary, Origin, Owned, Resource,
};
use crate::gns3::container::IMAGE;
use crate::gns3::device::ADAPTERS;
use crate::gns3::switch::{self, SwitchKind};
use crate::plan::{Carrier, Plan};
use async_trait::async_trait;

use super::address::{Access, ProjectUrl, ServerUrl};
use super::compute::{Placement, check_images, computes};
use super::condition::unsupported;
use super::console::PendingCloses;
use super::error::{ServerError, at};
use super::fabric::Gns3Fabric;
use super::project_builder::ProjectBuilder;
use super::reach::Reach;
use super::server::{PROBE_TIMEOUT, Server};
use super::servers::Servers;
use super::{mark, removal};

/// The options of raising labs on a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The server, and the user there.
    pub access: Access,
    /// The kind of node that switches become.
    pub switches: SwitchKind,
}

/// Labs on a GNS3 server. It is connected to when it is first needed.
#[derive(Debug)]
pub struct Gns3Backend {
    options: Options,
    node: NodeBinary,
    engine: Arc<Engine>,
    pending_requests: PendingRequests,
    pending_closes: PendingCloses,
    /// The place where labs are raised and recorded.
    origin: Origin,
    servers: Arc<Servers>,
}

impl Gns3Backend {
    /// Takes the server that `options` name. `node` is the static node binary. The Docker engine behind the server
    /// is the one that `DOCKER_HOST` names, else this machine's, if nodes are found there. Sessions over consoles
    /// are ended with `pending_closes`.
    pub fn new(
        options: Options,
        node: NodeBinary,
        origin: Origin,
        pending_closes: PendingCloses,
    ) -> Self {
        Self {
            servers: Arc::new(Servers::new(options.access.credentials.clone())),
            options,
            node,
            engine: Arc::new(Engine::from_environment()),
            pending_requests: PendingRequests::default(),
            pending_closes,
            origin,
        }
    }

    /// Connects to the server, and returns it once it answers and accepts the user.
    ///
    /// # Errors
    /// If it does not, with the reason.
    pub async fn server(&self) -> Result<Arc<Server>, BackendError> {
        let url = self.options.access.url.clone().ok_or_else(|| {
            BackendErrorKind::Lacking {
                missing: "no GNS3 server is named".to_owned(),
                remedy: "give --gns3-url, as in --gns3-url http://127.0.0.1:3080".to_owned(),
            }
            .at(BackendKind::Gns3, "looking for the server")
        })?;
        self.servers.at(&url).await
    }

    /// Returns the place where labs are raised and recorded.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the address of the server.
    pub fn url(&self) -> Option<&ServerUrl> {
        self.options.access.url.as_ref()
    }

    /// Returns the server that a resource is on.
    pub fn server_of(resource: &Resource) -> Option<ServerUrl> {
        let Resource::Project(url) = resource else {
            return None;
        };
        url.parse::<ProjectUrl>().ok().map(|url| url.server)
    }

    fn ways(&self) -> (Arc<Engine>, PendingCloses) {
        (Arc::clone(&self.engine), self.pending_closes.clone())
    }

    /// Puts our image into the engine of this machine, if the server is on this machine too.
    async fn make_image(&self, server: &Server, plan: &Plan) -> Result<(), BackendError> {
        let needed = plan.nodes.iter().any(|node| node.image.is_none());
        let is_here = server.url().is_local() && self.engine.is_local();
        if !needed || !is_here || self.engine.docker().await.is_err() {
            return Ok(());
        }
        let docker = DockerBackend::from_environment(self.node);
        docker.renew_gns3_image(IMAGE).await
    }
}

#[async_trait]
impl Backend for Gns3Backend {
    fn kind(&self) -> BackendKind {
        BackendKind::Gns3
    }

    async fn preflight(&self, plan: &Plan) -> Result<(), BackendError> {
        self.server().await?;
        let most = switch::most(self.options.switches);
        for segment in plan.segments.iter().filter(|segment| !segment.wire) {
            let ports = segment.ports.len();
            if ports > usize::try_from(most).unwrap_or(usize::MAX) {
                let missing = format!(
                    "network {} has {ports} ports, and its switch takes {most}",
                    segment.name
                );
                let remedy = "spread the nodes over several networks joined by a forwarding node";
                return Err(lacking(missing, remedy));
            }
        }
        if let Some(node) = plan.nodes.iter().find(|node| !node.binds.is_empty()) {
            let missing = format!(
                "node {} has `binds`, and GNS3 shows nothing of this machine",
                node.name
            );
            return Err(lacking(missing, "put files into it with `files`"));
        }
        let most = usize::try_from(ADAPTERS).unwrap_or(usize::MAX);
        for node in &plan.nodes {
            let count = node.settings.interfaces.len();
            if count > most {
                let name = &node.settings.name;
                let missing = format!("node {name} has {count} interfaces, and GNS3 allows {most}");
                return Err(lacking(missing, "give it fewer"));
            }
        }
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(Carrier::Program, unsupported)
    }

    async fn raise(
        &self,
        plan: &Plan,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Box<dyn Fabric>, BackendError> {
        let server = self.server().await?;
        self.make_image(&server, plan).await?;
        let computes = computes(&server)
            .await
            .map_err(at("listing the server's computes"))?;
        let placement = Placement::of(plan, &computes)?;
        check_images(&server, plan, (&placement, &computes)).await?;
        let url = ProjectUrl {
            server: server.url().clone(),
            project: ProjectBuilder::identity(plan).project(),
        };
        ledger.record(&Resource::Project(url.to_string()))?;
        let builder = ProjectBuilder {
            server: Arc::clone(&server),
            pending_requests: &self.pending_requests,
            url: &url,
            plan,
            placement,
            switches: self.options.switches,
            binary: self.node,
        };
        let mark = mark::variables(&plan.lab, &self.origin);
        builder.project(mark).await?;
        let places = builder.nodes().await?;
        builder.links(&places).await?;
        builder.start(&places).await?;
        let warnings = builder.warnings();
        Ok(Box::new(Gns3Fabric {
            servers: Arc::clone(&self.servers),
            reach: Reach::new(self.ways(), url.project),
            lab: plan.lab.clone(),
            url,
            places,
            warnings,
        }))
    }

    async fn attach(&self, handle: &LabHandle) -> Result<Box<dyn Fabric>, BackendError> {
        let fabric = Gns3Fabric::of(handle, Arc::clone(&self.servers), self.ways())?;
        Ok(Box::new(fabric))
    }

    async fn remove(&self, resource: &Resource) -> Result<(), BackendError> {
        let action = || format!("removing {resource}");
        let Resource::Project(url) = resource else {
            let stranger = std::io::Error::other("a GNS3 server has no such resources");
            return Err(BackendErrorKind::system(stranger).at(BackendKind::Gns3, action()));
        };
        let url: ProjectUrl = url
            .parse()
            .map_err(|error| BackendErrorKind::system(error).at(BackendKind::Gns3, action()))?;
        self.pending_requests.settled().await;
        let server = self.servers.at(&url.server).await?;
        removal::remove(&server, &self.engine, &url).await
    }

    /// A server carries out a request even if its sender is gone, and sends an event for each part of it.
    async fn settle(&self, expected: &[Resource], patience: Duration) {
        for resource in expected {
            let Resource::Project(url) = resource else {
                continue;
            };
            let Ok(url) = url.parse::<ProjectUrl>() else {
                continue;
            };
            let quiet = removal::quiet(&self.servers, &url);
            // The end of the events cannot be known, but their duration has a limit.
            let _ = tokio::time::timeout(patience, quiet).await;
        }
    }

    fn holds(&self, resource: &Resource) -> bool {
        Self::server_of(resource)
            .as_ref()
            .is_some_and(|server| Some(server) == self.url())
    }

    async fn survey(&self) -> Result<Vec<Owned>, BackendError> {
        let server = self.server().await?;
        let survey = removal::survey(&server, &self.origin);
        let found = tokio::time::timeout(PROBE_TIMEOUT, survey).await;
        found.unwrap_or_else(|_| {
            let silent = ServerError::Silent(server.url().clone());
            Err(at(format!("listing the projects at {}", server.url()))(
                silent,
            ))
        })
    }
}

fn lacking(missing: String, remedy: &str) -> BackendError {
    BackendErrorKind::Lacking {
        missing,
        remedy: remedy.to_owned(),
    }
    .at(BackendKind::Gns3, "checking the plan")
}
