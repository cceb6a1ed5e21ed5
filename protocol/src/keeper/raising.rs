//! The messages between a keeper and the process that raises its lab, over a socket pair: JSON in
//! [`crate::frame::Frame::Message`].
//!
//! The orchestrator sends one [`ToKeeper::Raise`]; the keeper answers [`FromKeeper::Raised`], or
//! [`FromKeeper::Failed`] and ends. If the orchestrator's end of the socket closes before
//! [`ToKeeper::Keep`] was said, the keeper ends, and the whole lab with it.

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::name::{InterfaceName, NetworkName, NodeName};
use crate::settings::{Host, MacAddress, NodeSettings};

/// The variable in the environment of a keeper and its nodes that says which lab they are of. Anybody can set
/// it, so it proves nothing: it names a lab to people, and never says what to remove.
pub const MARK: &str = "ORCHESTRATOR_LAB";

/// A message to the keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToKeeper {
    /// Makes the lab.
    Raise(Box<LabSpec>),
    /// Lets the lab live on without the orchestrator. Answered with [`FromKeeper::Kept`].
    Keep,
}

/// A message from the keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromKeeper {
    /// The lab is up: its nodes' networks are as their settings say, and their agents listen.
    Raised {
        /// Limits that cannot be enforced here, in words.
        warnings: Vec<String>,
    },
    /// The lab lives on.
    Kept,
    /// The lab could not be made; nothing of it is left when the keeper has ended.
    Failed(KeeperFailure),
}

/// The lab that the keeper is to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabSpec {
    /// The lab's identity, which names its control groups.
    pub lab: String,
    /// The nodes. A node's number is its place here; its agent's socket, in the keeper's working
    /// directory, is named by it.
    pub nodes: Vec<NodeSpec>,
    /// The Ethernet segments.
    pub segments: Vec<SegmentSpec>,
    /// Names that resolve in every node.
    pub hosts: Vec<Host>,
    /// A folder of this machine that nodes write to privately, beside those that always are: where
    /// the user is.
    pub working_directory: Option<String>,
    /// The home of the lab's user, whose interpreters nodes may see.
    #[serde(default)]
    pub home: Option<String>,
    /// Files and folders of this machine that no node in a sandbox may see, wherever they lie; absolute paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<String>,
    /// For tests: the step that fails, counted from zero over all that the keeper makes.
    pub fail_at: Option<u32>,
}

/// A node to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Absolute paths whose folders must be writable in it.
    pub file_targets: Vec<String>,
    /// Further parts of this machine that it sees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binds: Vec<Bind>,
    /// The resource limits that the file gives it.
    pub limits: Limits,
    /// The settings of its network, names of other nodes left out.
    pub settings: NodeSettings,
}

/// A folder or file of this machine that a node sees, read-only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bind {
    /// Its absolute path on this machine.
    pub from: String,
    /// Its absolute path in the node.
    pub to: String,
}

/// A segment to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSpec {
    /// Its name.
    pub name: NetworkName,
    /// Whether it is a direct wire of two ports, without a switch.
    pub wire: bool,
    /// The ports plugged into it.
    pub ports: Vec<PortSpec>,
}

/// A node's interface, plugged into a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// The node's number.
    pub node: u32,
    /// The interface's name.
    pub interface: InterfaceName,
    /// Its hardware address.
    pub mac: MacAddress,
}

/// Why a lab could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{step}: {reason}", of(.node.as_ref()))]
pub struct KeeperFailure {
    /// The node it concerns, where it concerns one.
    pub node: Option<NodeName>,
    /// The step that failed, in words.
    pub step: String,
    /// The system's answer, in words.
    pub reason: String,
    /// The system's error number.
    pub errno: Option<i32>,
}

fn of(node: Option<&NodeName>) -> String {
    node.map_or_else(String::new, |node| format!("node {node}: "))
}
