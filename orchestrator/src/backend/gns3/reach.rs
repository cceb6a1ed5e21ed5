//! The ways to reach a node's agent: through the Docker engine behind the server, where that can be reached
//! from here, otherwise over the node's console.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::name::NodeName;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::timeout;
use uuid::Uuid;

use crate::backend::docker::Engine;
use crate::backend::docker::exec::{self, ExecError};
use crate::backend::{BackendError, BackendErrorKind, BackendKind, ByteStream};
use crate::gns3::container::{NODE, SOCKET};

use super::console::{Console, ConsoleErrorKind, PendingCloses};
use super::error::at;
use super::kept_stream::KeptStream;
use super::own_image;
use super::project_builder::Place;
use super::server::Server;

/// The name that GNS3 gives a node's container (`docker_vm.py`, `docker_name`).
pub(super) fn container_name(node: &str, project: Uuid) -> String {
    format!("GNS3.{node}.{project}")
}

/// The ways to the nodes of a project.
#[derive(Debug)]
pub(super) struct Reach {
    engine: Arc<Engine>,
    pending_closes: PendingCloses,
    project: Uuid,
    consoles: Mutex<BTreeMap<NodeName, Arc<Console>>>,
}

/// `GET /projects/ID/nodes/ID`.
#[derive(Debug, Deserialize)]
struct ConsoleAnswer {
    console: Option<u16>,
    #[serde(default)]
    console_host: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

impl ConsoleAnswer {
    /// The server's, for a node that can answer. A paused one's console is mute, and a reset, which mends that
    /// elsewhere, takes it away for good.
    async fn of_running(
        server: &Server,
        (node, path): (&NodeName, &str),
    ) -> Result<Self, BackendError> {
        let answer: Self = server.get(path).await.map_err(at(connecting(node)))?;
        match answer.status.as_deref() {
            Some("suspended") => Err(failed(node, paused(node))),
            Some("stopped") => Err(failed(node, STILL.to_owned())),
            _ => Ok(answer),
        }
    }
}

impl Reach {
    pub(super) fn new(
        (engine, pending_closes): (Arc<Engine>, PendingCloses),
        project: Uuid,
    ) -> Self {
        Self {
            engine,
            pending_closes,
            project,
            consoles: Mutex::default(),
        }
    }

    /// Opens a byte stream to a node's agent, which may still be starting.
    ///
    /// # Errors
    /// If it cannot be reached either way.
    pub(super) async fn open(
        &self,
        server: impl Future<Output = Result<Arc<Server>, BackendError>> + Send,
        (node, place): (&NodeName, &Place),
    ) -> Result<Box<dyn ByteStream>, BackendError> {
        let elsewhere = match self.by_engine((node, place)).await {
            Ok(stream) => return Ok(stream),
            Err(EngineRefusal::Here(error)) => return Err(error),
            Err(EngineRefusal::Not(why)) => why,
        };
        tracing::info!(%node, why = elsewhere, "reaching a node over its console");
        self.by_console(server.await?.as_ref(), (node, place)).await
    }

    async fn by_engine(
        &self,
        (node, place): (&NodeName, &Place),
    ) -> Result<Box<dyn ByteStream>, EngineRefusal> {
        let docker = self.engine.docker().await;
        let docker = docker.map_err(|error| EngineRefusal::Not(error.to_string()))?;
        let command = if place.foreign {
            own_image::connect(PATIENCE)
        } else {
            [NODE, "connect", "--wait", PATIENCE, SOCKET]
                .map(str::to_owned)
                .to_vec()
        };
        let container = container_name(node.as_str(), self.project);
        let stream = exec::connect(docker, (node, &container), command).await;
        stream.map_err(|error| match error {
            ExecError::Gone => EngineRefusal::Not(format!("the engine here has no {container}")),
            ExecError::Still => EngineRefusal::Here(failed(node, STILL.to_owned())),
            ExecError::Paused => EngineRefusal::Here(failed(node, paused(node))),
            ExecError::NoStreams => {
                EngineRefusal::Here(failed(node, "the engine attached no streams".to_owned()))
            }
            ExecError::Engine(error) => EngineRefusal::Here(failed(node, error.to_string())),
        })
    }

    async fn by_console(
        &self,
        server: &Server,
        (node, place): (&NodeName, &Place),
    ) -> Result<Box<dyn ByteStream>, BackendError> {
        let known = self.consoles.lock().await.get(node).cloned();
        let console = if let Some(console) = known {
            console
        } else {
            let console = Arc::new(self.console(server, (node, place)).await?);
            let mut consoles = self.consoles.lock().await;
            consoles.insert(node.clone(), Arc::clone(&console));
            console
        };
        let stream = console.open().await;
        Ok(Box::new(KeptStream {
            stream: stream.map_err(|error| failed(node, error.to_string()))?,
            _console: console,
        }))
    }

    async fn console(
        &self,
        server: &Server,
        (node, place): (&NodeName, &Place),
    ) -> Result<Console, BackendError> {
        let path = format!("projects/{}/nodes/{}", self.project, place.id);
        let answer = ConsoleAnswer::of_running(server, (node, &path)).await?;
        let Some(port) = answer.console else {
            return Err(failed(node, "the server gave it no console".to_owned()));
        };
        let host = answer.console_host.as_deref().unwrap_or_default();
        let host = match host.parse::<std::net::IpAddr>() {
            // It listens everywhere, also where we have asked.
            Ok(address) if address.is_unspecified() => server.url().host(),
            _ if host.is_empty() => server.url().host(),
            _ => host,
        };
        let program = if place.foreign { own_image::NODE } else { NODE };
        let command = format!("{program} console {SOCKET}");
        let connect =
            || Console::connect((host, port), node.clone(), &command, &self.pending_closes);
        let console = match connect().await {
            // A server 3.0 loses a console whose client was cut off (gns3-server #2344).
            Err(error) if matches!(error.kind, ConsoleErrorKind::Mute) => {
                // It may have been paused meanwhile.
                ConsoleAnswer::of_running(server, (node, &path)).await?;
                let path = format!("{path}/console/reset");
                // It takes as long as the engine behind the server takes to answer.
                match timeout(RESET, server.order(&path)).await {
                    Ok(reset) => reset.map_err(at(connecting(node)))?,
                    Err(_) => return Err(failed(node, error.to_string())),
                }
                connect().await
            }
            other => other,
        };
        console.map_err(|error| failed(node, error.to_string()))
    }
}

/// Why an engine is not the way.
enum EngineRefusal {
    /// The node is not behind it.
    Not(String),
    /// It is, and cannot be spoken to.
    Here(BackendError),
}

fn failed(node: &NodeName, reason: String) -> BackendError {
    BackendErrorKind::Node {
        node: node.to_string(),
        reason,
    }
    .at(BackendKind::Gns3, connecting(node))
}

fn paused(node: &NodeName) -> String {
    format!("it is paused; `orchestrator fault resume {node}` ends that")
}

fn connecting(node: &NodeName) -> String {
    format!("connecting to node {node}")
}

const STILL: &str = "it does not run";

/// The time that an agent may take to appear after GNS3 has called its node started, in seconds.
const PATIENCE: &str = "30";

/// The longest time that a server may take to reset a console.
const RESET: Duration = Duration::from_secs(20);
