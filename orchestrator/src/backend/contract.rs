//! The contract of a place where labs can run.
//!
//! Nodes differ between backends only in how their agent is reached: starting programs, moving
//! files, capturing and waiting are [`crate::control`]'s, the same everywhere.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plumbing::process::ProcessIdentity;
use protocol::link::{Change, HeldConditions, Port};
use protocol::name::NodeName;
use protocol::settings::NodeSettings;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::control::{CaptureStream, Control};
use crate::plan::{LabId, LinkConditions, Plan};
use crate::topology::model::FaultKind;

use super::{BackendError, Capabilities};

/// The target of the log's lines that say what is waited for. They are shown even where nothing else is.
pub const WAITING: &str = "waiting";

/// Reads the node binary: the bytes of a static ELF file for this machine's architecture.
pub type NodeBinary = fn() -> io::Result<&'static [u8]>;

/// A place where labs can run.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// Returns the kind of this backend.
    fn kind(&self) -> BackendKind;

    /// Whether `plan` can be raised here. Changes nothing.
    ///
    /// # Errors
    /// Names what this machine lacks and how to mend it.
    async fn preflight(&self, plan: &Plan) -> Result<(), BackendError>;

    /// Returns the capabilities of its links, which do not change. Callers ask before anything is raised.
    fn capabilities(&self) -> Capabilities {
        Capabilities::KERNEL
    }

    /// Makes everything in `plan`. Each resource is given to `ledger` before it is made. When it
    /// returns, every node's interfaces exist and its agent can be reached; their networks are configured where [`Fabric::is_configured`] says so.
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
    async fn attach(&self, handle: &LabHandle) -> Result<Box<dyn Fabric>, BackendError>;

    /// Removes one resource and waits until it is gone. One that is already gone counts as removed.
    async fn remove(&self, resource: &Resource) -> Result<(), BackendError>;

    /// Waits until the things exist that a killed process asked for: each of `expected`, unless `patience` ends
    /// before. There is something to wait for only where requests outlive their sender.
    async fn settle(&self, _expected: &[Resource], _patience: Duration) {}

    /// Lists everything here that carries a lab's mark, whether or not a ledger knows it, and says whether
    /// the mark proves anything. Waits for an answer for seconds at most.
    async fn survey(&self) -> Result<Vec<Owned>, BackendError>;

    /// Returns whether this backend would find a resource.
    fn holds(&self, resource: &Resource) -> bool {
        resource.host().is_none() && resource.backend() == self.kind()
    }
}

/// A lab that is up.
#[async_trait]
pub trait Fabric: fmt::Debug + Send + Sync {
    /// Opens a new byte stream to a node's agent, over which [`crate::control`] speaks. Any number
    /// may be open at once.
    async fn open(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError>;

    /// Returns whether the nodes' networks were configured as the nodes were made, so that agents need not.
    fn is_configured(&self) -> bool {
        false
    }

    /// Returns the network settings for a node's agent: the plan's, unless the backend's engine named or
    /// addressed the interfaces in its own way.
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
        conditions: &LinkConditions,
    ) -> Result<Vec<String>, BackendError> {
        // A lab that keeps conditions keeps these. Nothing applies them, so there is nothing to say of any link.
        let change = Change::Replace(conditions.imperfect());
        self.change_conditions(change).await?;
        Ok(Vec::new())
    }

    /// Returns the conditions that the lab keeps, as the last change left them, whichever process made it. `None`
    /// where [`Capabilities::keeps_conditions`] says that it keeps none.
    async fn conditions(&self) -> Result<Option<HeldConditions>, BackendError> {
        Ok(None)
    }

    /// Changes the conditions that the lab keeps, whole or not at all, and returns the revision that this leads to.
    /// Any number of processes may do so at once. `None` where it keeps none.
    async fn change_conditions(&self, _change: Change) -> Result<Option<u64>, BackendError> {
        Ok(None)
    }

    /// Makes a fault begin; returns `false` where the backend has no means for it. A fault that has begun
    /// already stays as it is.
    async fn begin_fault(&self, _fault: &FaultKind) -> Result<bool, BackendError> {
        Ok(false)
    }

    /// Ends a fault; returns `false` where the backend has no means for it. Ending one that has not begun
    /// changes nothing.
    async fn end_fault(&self, _fault: &FaultKind) -> Result<bool, BackendError> {
        Ok(false)
    }

    /// Returns warnings for a reader of the results, such as limits that could not be enforced.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Makes sure that packets pass between nodes, which are configured, where something outside of the lab may
    /// keep them from it.
    ///
    /// # Errors
    /// Names the obstacle, and its remedy.
    async fn check_passage(
        &self,
        _plan: &Plan,
        _controls: &BTreeMap<NodeName, Control>,
    ) -> Result<(), BackendError> {
        Ok(())
    }

    /// Leaves the lab up when this process ends, and returns what [`Backend::attach`] needs. Without
    /// it, a lab may end with the process that raised it.
    async fn keep(&self) -> Result<LabHandle, BackendError>;
}

/// A byte stream to an agent.
pub trait ByteStream: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> ByteStream for T {}

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

/// The name of a machine that has a part of a lab, where that is not the one that the backend is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostName(pub String);

impl fmt::Display for HostName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
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
    /// A lab's control group on every hierarchy, with those of its nodes.
    ControlGroup {
        /// The lab.
        lab: LabId,
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
    /// A resource on another machine. No backend of this version has any; what a later one recorded is never
    /// taken for gone.
    OnHost {
        /// The machine.
        host: HostName,
        /// The resource there.
        resource: Box<Self>,
    },
}

impl Resource {
    /// Returns the machine that it is on, unless that is the one that its backend is for.
    pub fn host(&self) -> Option<&HostName> {
        match self {
            Self::OnHost { host, .. } => Some(host),
            _ => None,
        }
    }

    /// Where it is.
    pub fn backend(&self) -> BackendKind {
        match self {
            Self::OnHost { resource, .. } => resource.backend(),
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
            Self::ControlGroup { lab } => write!(out, "control group of {lab}"),
            Self::Container(name) => write!(out, "container {name}"),
            Self::ContainerNetwork(name) => write!(out, "network {name}"),
            Self::Image(tag) => write!(out, "image {tag}"),
            Self::Project(url) => write!(out, "project {url}"),
            Self::Fake(name) => out.write_str(name),
            Self::OnHost { host, resource } => write!(out, "{resource} on {host}"),
        }
    }
}

/// A resource that a survey found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The lab whose mark it carries.
    pub lab: LabId,
    /// The resource itself.
    pub resource: Resource,
    /// The strength of the mark as a proof.
    pub provenance: Provenance,
}

/// The proof that a mark gives of where a thing comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// It was made on this machine, since its last start, for a lab of this state folder.
    Ours,
    /// The mark names another place, or none. A user who knows better may name the lab.
    Elsewhere {
        /// The reason, as the end of a sentence: `is recorded in …`.
        why: String,
    },
    /// Anybody could have set the mark: it is a hint for people.
    Hint {
        /// The place where it was seen, as the end of a sentence.
        why: String,
    },
}

/// The handle by which a kept lab is found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabHandle {
    /// The lab.
    pub lab: LabId,
    /// Where it runs.
    pub backend: BackendKind,
    /// The nodes, each with what its agent is found by: a socket's path, a container's name.
    pub nodes: Vec<(NodeName, String)>,
    /// The machines of those nodes that are not on the one that the backend is for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<NodeName, HostName>,
}
