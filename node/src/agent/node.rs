//! The agent's knowledge of its node.

use protocol::control::{Command, Failure, Reply, Status};

use super::children::Children;
use super::program::ProcessSetup;
use super::service::Service;

/// A node, shared by all connections.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) children: Children,
    pub(super) setup: ProcessSetup,
    /// The node's own command.
    pub(super) service: Service,
}

impl Node {
    pub(super) fn new(setup: ProcessSetup) -> Self {
        Self {
            children: Children::default(),
            setup,
            service: Service::default(),
        }
    }

    /// Starts the node's own command.
    pub(super) fn launch(&self, command: &Command) -> Result<Reply, Failure> {
        self.service
            .launch(&self.setup, &self.children, command)
            .map(|pid| Reply::Started {
                pid: pid.as_raw().unsigned_abs(),
            })
    }

    /// Returns the node's current state.
    pub(super) async fn status(&self) -> Status {
        let processes = tokio::task::spawn_blocking(count_processes).await;
        Status {
            processes: processes.unwrap_or_default(),
            command: self.service.state(),
            reached: self.setup.limits.reached(),
        }
    }
}

/// The folders in `/proc` that have numbers for names.
fn count_processes() -> u32 {
    let is_process = |name: &std::ffi::OsStr| name.to_string_lossy().parse::<u32>().is_ok();
    let count = std::fs::read_dir("/proc").map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| is_process(&entry.file_name()))
            .count()
    });
    u32::try_from(count).unwrap_or(u32::MAX)
}
