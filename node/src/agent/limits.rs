//! The node's control group, and the limits that were reached.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};

use nix::sys::statvfs::statvfs;
use plumbing::control_group::{ControlGroups, Counted, Group, Limit};
use protocol::limits::Reached;

/// The control group of a node's programs. It is made when the first of them starts, for many a node has none. The agent
/// stays outside, so captures do not count against the node's limits.
#[derive(Debug)]
pub struct NodeGroup {
    /// The places for groups.
    pub groups: &'static ControlGroups,
    /// The lab's name for its groups.
    pub lab: &'static str,
    /// The node's.
    pub node: &'static str,
    /// The limits of the group.
    pub limits: Vec<Limit>,
    /// Set if the node's file gives any of them: then there must be a group.
    pub is_asked_for: bool,
}

/// The node's limits as the agent enforces them.
#[derive(Debug, Default)]
pub(super) struct NodeLimits {
    group: Option<NodeGroup>,
    made: OnceLock<Group>,
    /// The node's disk is its own, so that it can be full.
    has_disk: bool,
}

impl NodeLimits {
    pub(super) fn new(group: Option<NodeGroup>) -> Self {
        Self {
            has_disk: group.is_some(),
            group,
            made: OnceLock::new(),
        }
    }

    /// Returns the files by which a program joins the node's group.
    pub(super) fn joins(&self) -> io::Result<Arc<[OwnedFd]>> {
        if let Some(made) = self.made.get() {
            return Ok(Arc::clone(&made.joins));
        }
        let Some(group) = &self.group else {
            return Ok(Arc::default());
        };
        let made = match group.groups.make(group.lab, group.node, &group.limits) {
            Err(error) if group.is_asked_for => return Err(error),
            made => made.unwrap_or_default(),
        };
        Ok(Arc::clone(&self.made.get_or_init(|| made).joins))
    }

    /// Returns the limits that the node has reached.
    pub(super) fn reached(&self) -> Reached {
        let count = |counted| self.made.get().map_or(0, |group| group.count(counted));
        let is_full = || statvfs("/").is_ok_and(|disk| disk.blocks_available() == 0);
        Reached {
            killed_for_memory: count(Counted::KilledForMemory),
            refused_pids: count(Counted::RefusedPids),
            disk_full: self.has_disk && is_full(),
        }
    }
}
