//! The plan of a lab: everything that a backend must make, decided before anything is made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use protocol::keeper::Bind;
use protocol::limits::Limits;
use protocol::link::Port;
use protocol::name::{LabName, NetworkName, NodeName};
use protocol::settings::{Host, NodeSettings};
use serde::{Deserialize, Serialize};

use super::LinkConditions;
use super::position::Positions;

/// The identity of a raised lab, on this machine and in every report: the lab's name and eight hexadecimal
/// digits, `two-servers-7f3a91c2`. It is part of every mark of ownership.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LabId {
    /// The lab's name.
    pub name: LabName,
    /// The instance, random.
    pub instance: u32,
}

impl std::fmt::Display for LabId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-{:08x}", self.name, self.instance)
    }
}

impl std::str::FromStr for LabId {
    type Err = NoLabId;

    /// Reads exactly what its `Display` writes.
    fn from_str(text: &str) -> Result<Self, NoLabId> {
        let read = || {
            let (name, instance) = text.rsplit_once('-')?;
            Some(Self {
                name: name.parse().ok()?,
                instance: u32::from_str_radix(instance, 16).ok()?,
            })
        };
        read().filter(|lab| lab.to_string() == text).ok_or(NoLabId)
    }
}

/// A text is not a lab's name with `-` and eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a lab's name with eight hexadecimal digits")]
pub struct NoLabId;

/// Everything that a backend must make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The lab.
    pub lab: LabId,
    /// Files and folders of this machine that no node in a sandbox may see, wherever they lie; absolute paths.
    #[serde(default)]
    pub hidden: BTreeSet<PathBuf>,
    /// The segments: the file's networks first, then one of two ports for each direct wire.
    pub segments: Vec<Segment>,
    /// The links, with the conditions that the file gives them where no cell says otherwise.
    #[serde(default)]
    pub links: LinkConditions,
    /// The nodes, in the file's order.
    pub nodes: Vec<PlannedNode>,
    /// Names that resolve in every node: the nodes with all their addresses.
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// Where everything is in a window.
    #[serde(default)]
    pub positions: Positions,
}

/// An Ethernet segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The network's name; for a wire `link-1`, `link-2`, ….
    pub name: NetworkName,
    /// Whether it is a direct wire: exactly two ports and no switch between.
    pub wire: bool,
    /// The ports plugged into it.
    pub ports: Vec<Port>,
}

/// A node to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedNode {
    /// Its name.
    pub name: NodeName,
    /// The container image, where not the built-in one.
    pub image: Option<String>,
    /// The machine that it is to run on, where a server has several.
    #[serde(default)]
    pub compute: Option<String>,
    /// Variables of its environment.
    pub env: BTreeMap<String, String>,
    /// The resource limits that the file gives it.
    pub limits: Limits,
    /// Absolute paths that files will be put at, so that a backend without a writable root can make
    /// their folders writable.
    pub file_targets: Vec<String>,
    /// Folders and files of this machine that it sees, read-only.
    #[serde(default)]
    pub binds: Vec<Bind>,
    /// The settings that its agent applies, beside the plan's hosts.
    pub settings: NodeSettings,
}

impl Plan {
    /// Returns all that a node's agent shall set up.
    pub fn settings(&self, node: &PlannedNode) -> NodeSettings {
        NodeSettings {
            hosts: self.hosts.clone(),
            ..node.settings.clone()
        }
    }
}
