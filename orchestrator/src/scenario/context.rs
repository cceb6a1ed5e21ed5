//! The context that every scenario gets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::name::NodeName;
use sha2::{Digest, Sha256};

use crate::backend::Capabilities;
use crate::control::Control;
use crate::evidence::{self, CaptureBudget, EvidenceError, Journal, RunFolder, component};
use crate::lab::Lab;
use crate::report::event::RunEvent;
use crate::topology::matrix::Params;
use crate::topology::model::{Scenario, Topology};
use crate::topology::{Cells, Diagnostics};

use super::role::Role;

/// An observer of a run's events. It must not block.
pub trait Observer: Send + Sync {
    /// Takes note of an event.
    fn observe(&self, event: &RunEvent);
}

/// The context that every scenario gets.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// The lab that is up.
    pub lab: &'a Lab,
    /// The topology that it was raised from.
    pub topology: &'a Topology,
    /// The cells of its matrices.
    pub cells: &'a Cells,
    /// The capabilities of its links, as known before it was raised.
    pub capabilities: Capabilities,
    /// Where evidence goes.
    pub evidence: &'a RunFolder,
    /// The bytes that captures may still take.
    pub budget: &'a Arc<CaptureBudget>,
    /// The results of cells, from now and before an interruption.
    pub journal: &'a Journal,
    /// The observer of events.
    pub observer: &'a dyn Observer,
    /// The seed of everything random.
    pub seed: u32,
    /// Whether received files are kept even where they are equal.
    pub keep_received: bool,
}

impl std::fmt::Debug for RunContext<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RunContext")
            .field("lab", self.lab)
            .finish_non_exhaustive()
    }
}

/// Why a scenario could not be carried out. A wrong result is no error but a finding.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A node could not.
    #[error(transparent)]
    Control(#[from] crate::control::ControlError),
    /// A file that goes into a node could not be read.
    #[error(transparent)]
    Lab(#[from] crate::lab::LabError),
    /// Evidence could not be written.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Files could not be compared.
    #[error(transparent)]
    Files(#[from] crate::verify::files::FilesError),
    /// A file that was sent cannot be looked at any more.
    #[error("cannot look at {path}, which was sent: {source}")]
    Original {
        /// The file on this machine.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A file was changed after nodes were given it: nothing can be said of their copies.
    #[error(
        "{0} was changed during the run, so that copies of it prove nothing; leave it as it is and run again"
    )]
    OriginalChanged(PathBuf),
    /// A node's file that others are to equal goes on and on.
    #[error(
        "node {node}: {path} is longer than the {read} bytes that are read of a file that others are to equal; make it shorter, or compare it inside the lab"
    )]
    TooLong {
        /// The node.
        node: NodeName,
        /// The file in the node.
        path: String,
        /// The bytes that were read.
        read: u64,
    },
    /// A defect of this program.
    #[error("the verifier broke off: {0}")]
    Verifier(String),
    /// The lab that is up has no such node: it was raised from another file.
    #[error("the lab that is up has no node {0}; take it down and raise it again from this file")]
    NoNode(NodeName),
    /// The node was there when the lab was raised, and does not answer any more.
    #[error(
        "node {node} does not answer: {why}; where nothing else mends that, take the lab down and raise it again"
    )]
    Gone {
        /// The node.
        node: NodeName,
        /// The symptom.
        why: String,
    },
    /// A role did not come up.
    #[error("the {role} on {node} did not come up: {instead}")]
    NotReady {
        /// The role that was started.
        role: &'static str,
        /// The node.
        node: NodeName,
        /// The unexpected behaviour.
        instead: String,
    },
    /// No segment holds the sender and all receivers.
    #[error(
        "no network holds {from} and all of its receivers; broadcasts do not leave their network"
    )]
    NoCommonNetwork {
        /// The sender.
        from: NodeName,
    },
    /// A receiver has no IPv4 address.
    #[error("{0} has no IPv4 address in the lab that is up; raise it again from this file")]
    NoAddress(NodeName),
    /// A table of published figures cannot be read.
    #[error(transparent)]
    Published(#[from] Diagnostics),
}

impl RunContext<'_> {
    /// The control connection to a node.
    ///
    /// # Errors
    /// If the node is gone, or the lab that is up was raised from another file.
    pub fn node(&self, name: &NodeName) -> Result<&Control, ScenarioError> {
        if let Some(control) = self.lab.node(name) {
            return Ok(control);
        }
        let node = name.clone();
        Err(match self.lab.gone().get(name).cloned() {
            Some(why) => ScenarioError::Gone { node, why },
            None => ScenarioError::NoNode(node),
        })
    }

    /// The variables that the file gives all programs of a node.
    pub fn env(&self, name: &NodeName) -> BTreeMap<String, String> {
        let node = self.topology.nodes.iter().find(|node| node.name == *name);
        node.map(|node| node.env.clone()).unwrap_or_default()
    }

    /// Starts a role on a node.
    ///
    /// # Errors
    /// If the lab that is up was raised from another file, or the role cannot be started.
    pub async fn role(
        &self,
        name: &NodeName,
        arguments: Vec<String>,
    ) -> Result<Role, ScenarioError> {
        Ok(Role::start(self.node(name)?, self.env(name), arguments).await?)
    }

    /// Tells the observer.
    pub fn tell(&self, event: &RunEvent) {
        self.observer.observe(event);
    }
}

/// A scenario's place in its file and in the run directory.
#[derive(Debug, Clone, Copy)]
pub struct CellPlace<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The combination.
    pub params: &'a Params,
    /// Its number among the scenario's cells, from 0.
    pub index: usize,
}

impl CellPlace<'_> {
    /// Its place in the run directory.
    pub fn evidence(&self) -> evidence::CellPlace<'_> {
        evidence::CellPlace {
            scenario: &self.scenario.name,
            params: self.params,
        }
    }

    /// Returns the seed of a node's random numbers in this cell.
    pub fn seed(&self, cx: &RunContext<'_>, node: &NodeName) -> String {
        let purpose = format!(
            "{:08x}/{}/{}/{node}",
            cx.seed, self.scenario.name, self.index
        );
        let drawn = Sha256::digest(purpose);
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| drawn[place]);
        u32::from_be_bytes([a, b, c, d]).to_string()
    }

    /// A folder in a node that no other cell uses.
    pub fn folder(&self, purpose: &str) -> String {
        format!(
            "/root/{purpose}/{}/{}",
            component(&self.scenario.name),
            self.index
        )
    }
}

impl CellPlace<'_> {
    /// The cell's time limit in seconds, for roles to end by themselves.
    pub fn seconds(&self) -> u64 {
        self.scenario.timeout.as_secs().max(1)
    }
}

/// The last component of a path as text.
pub fn base_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
