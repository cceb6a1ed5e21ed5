//! What a place where labs can run must be able to do.
//!
//! Nodes differ between backends only in how their agent is reached: starting programs, moving
//! files, capturing and waiting are [`crate::control`]'s, the same everywhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plumbing::process::ProcessIdentity;
use protocol::name::NodeName;
use protocol::settings::NodeSettings;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::control::CaptureStream;
use crate::plan::{LabId, LinkConditions, Plan, Port};
use crate::topology::model::FaultKind;

use super::{BackendError, Capabilities};

/// A place where labs can run.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// Which one it is.
    fn kind(&self) -> BackendKind;

    /// Whether `plan` can be raised here. Changes nothing.
    ///
    /// # Errors
    /// Names what this machine lacks and how to mend it.
    async fn preflight(&self, plan: &Plan) -> Result<(), BackendError>;

    /// Returns what its links can do, which does not change. Callers ask before anything is raised.
    fn capabilities(&self) -> Capabilities {
        Capabilities::KERNEL
    }

    /// Makes everything in `plan`. Each resource is given to `ledger` before it is made. When it
    /// returns, every node's interfaces exist and its agent can be reached; nothing is configured.
    ///
    /// # Errors
    /// On error, or if the future is dropped, what was made so far stays; its resources are in the
    /// ledger and are the caller's to remove.
    async fn raise(
        &self,
        plan: &Plan,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Box<dyn Fabric>, BackendError>;

    /// Takes hold of a lab that an earlier process kept. Which of its nodes still live is found out
    /// by [`Fabric::open`]: one that is dead is no reason not to reach the others.
    async fn attach(&self, hold: &Hold) -> Result<Box<dyn Fabric>, BackendError>;

    /// Removes one resource and waits until it is gone. One that is already gone counts as removed.
    async fn remove(&self, resource: &Resource) -> Result<(), BackendError>;

    /// Waits until what a process asked for before it was killed is there: each of `expected`, unless
    /// `patience` ends before. Only where requests outlive their sender is there anything to wait for.
    async fn settle(&self, _expected: &[Resource], _patience: Duration) {}

    /// Lists everything here that carries a lab's mark, whether or not a ledger knows it, and says whether
    /// the mark proves anything.
    async fn survey(&self) -> Result<Vec<Owned>, BackendError>;

    /// Whether a resource is where this backend looks.
    fn holds(&self, resource: &Resource) -> bool {
        resource.backend() == self.kind()
    }
}

/// A lab that is up.
#[async_trait]
pub trait Fabric: fmt::Debug + Send + Sync {
    /// Opens a new byte stream to a node's agent, over which [`crate::control`] speaks. Any number
    /// may be open at once.
    async fn open(&self, node: &NodeName) -> Result<Box<dyn Wire>, BackendError>;

    /// What a node's agent is to be told of its network: the plan's settings, unless the backend's
    /// engine named or addressed the interfaces in its own way.
    fn settings(&self, planned: &NodeSettings) -> NodeSettings {
        planned.clone()
    }

    /// Begins to capture what passes on an interface's link, where the backend can do that better than
    /// the node itself. `snap_length`: what is kept of each frame, in bytes.
    async fn tap(
        &self,
        _port: &Port,
        _snap_length: Option<u32>,
    ) -> Result<Option<CaptureStream>, BackendError> {
        Ok(None)
    }

    /// Gives every link these conditions, in place of those that it had, and says for each that has any what
    /// it does now and by what means. A link that is not found fails the call before any is changed. Called
    /// only with conditions of which [`Capabilities::unsupported`] names none.
    async fn set_conditions(
        &self,
        _conditions: &LinkConditions,
    ) -> Result<Vec<String>, BackendError> {
        Ok(Vec::new())
    }

    /// Has a fault begin, or end; whether it could: `false` where the backend has no means for it. To begin
    /// twice or to end what has not begun changes nothing.
    async fn fault(&self, _fault: &FaultKind, _turn: Turn) -> Result<bool, BackendError> {
        Ok(false)
    }

    /// What a reader of the results must know of this lab: limits that could not be enforced, ….
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Leaves the lab up when this process ends, and returns what [`Backend::attach`] needs. Without
    /// it, a lab may end with the process that raised it.
    async fn keep(&self) -> Result<Hold, BackendError>;
}

/// The two ends of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It begins.
    Begin,
    /// It is over.
    End,
}

/// A byte stream to an agent.
pub trait Wire: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Wire for T {}

/// Where the write-ahead list of a lab's resources is kept.
pub trait Ledger: fmt::Debug + Send + Sync {
    /// Puts `resource` on disk; returns before the resource may be made.
    ///
    /// # Errors
    /// The disk's.
    fn record(&self, resource: &Resource) -> Result<(), BackendError>;
}

/// The backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// Linux namespaces on this machine.
    Netns,
    /// A Docker engine.
    Docker,
    /// A GNS3 server.
    Gns3,
    /// In memory, for tests.
    Fake,
}

impl fmt::Display for BackendKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Netns => "netns",
            Self::Docker => "docker",
            Self::Gns3 => "gns3",
            Self::Fake => "fake",
        })
    }
}

/// Something that a lab has made and that must be removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// The process that holds a netns lab's bridges and is the parent of its nodes. They end with it.
    Keeper {
        /// The lab.
        lab: LabId,
        /// The process, which does nothing before it is recorded.
        process: ProcessIdentity,
    },
    /// A node's control group on every hierarchy.
    ControlGroup {
        /// The lab.
        lab: LabId,
        /// The node.
        node: NodeName,
    },
    /// A container, by name.
    Container(String),
    /// A container network, by name.
    ContainerNetwork(String),
    /// An image built for a lab or run, by tag.
    Image(String),
    /// A project on a GNS3 server, by its address there.
    Project(String),
    /// Something of the in-memory backend.
    Fake(String),
}

impl Resource {
    /// Where it is.
    pub fn backend(&self) -> BackendKind {
        match self {
            Self::Keeper { .. } | Self::ControlGroup { .. } => BackendKind::Netns,
            Self::Container(_) | Self::ContainerNetwork(_) | Self::Image(_) => BackendKind::Docker,
            Self::Project(_) => BackendKind::Gns3,
            Self::Fake(_) => BackendKind::Fake,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keeper { lab, .. } => write!(out, "keeper of {lab}"),
            Self::ControlGroup { lab, node } => write!(out, "control group of {lab}/{node}"),
            Self::Container(name) => write!(out, "container {name}"),
            Self::ContainerNetwork(name) => write!(out, "network {name}"),
            Self::Image(tag) => write!(out, "image {tag}"),
            Self::Project(url) => write!(out, "project {url}"),
            Self::Fake(name) => out.write_str(name),
        }
    }
}

/// A resource that a survey found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The lab whose mark it carries.
    pub lab: LabId,
    /// What it is.
    pub resource: Resource,
    /// What the mark proves.
    pub provenance: Provenance,
}

/// What a mark proves of where a thing comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// It was made on this machine, since its last start, for a lab of this state folder.
    Ours,
    /// The mark names another place, or none. Who knows better may name the lab.
    Elsewhere {
        /// Says so as the end of a sentence: `is recorded in …`.
        why: String,
    },
    /// Anybody could have set the mark: it is a hint for people.
    Hint {
        /// Says where it was seen, as the end of a sentence.
        why: String,
    },
}

/// What a kept lab is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The lab.
    pub lab: LabId,
    /// Where it runs.
    pub backend: BackendKind,
    /// The nodes, each with what its agent is found by: a socket's path, a container's name.
    pub nodes: Vec<(NodeName, String)>,
}
