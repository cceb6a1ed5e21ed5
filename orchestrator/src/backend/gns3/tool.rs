//! The programs that a server works with. It tells of them only when something is made that needs them,
//! so that is tried, in a project of its own that is removed at once.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::backend::Origin;
use crate::gns3::device::SWITCH;
use crate::plan::LabId;

use super::compute::Compute;
use super::error::{DYNAMIPS, ServerError, UBRIDGE};
use super::mark;
use super::server::Server;

/// A program that a server works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Carries every link.
    Ubridge,
    /// Makes Ethernet switches.
    Dynamips,
}

impl Tool {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ubridge => "ubridge",
            Self::Dynamips => "dynamips",
        }
    }

    /// Whether no lab can do without it.
    pub fn is_needed(self) -> bool {
        self == Self::Ubridge
    }

    /// Returns how to install it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Ubridge => UBRIDGE,
            Self::Dynamips => DYNAMIPS,
        }
    }

    /// A type of node that cannot be made without it.
    fn trial(self) -> &'static str {
        match self {
            Self::Ubridge => "cloud",
            Self::Dynamips => SWITCH,
        }
    }
}

/// Checks which tools work on a machine, and why the others do not.
pub async fn tools(
    server: &Server,
    compute: &Compute,
    origin: &Origin,
) -> Vec<(Tool, Result<(), ServerError>)> {
    let project = Uuid::new_v4();
    if let Err(error) = open(server, project, origin).await {
        return vec![(Tool::Ubridge, Err(error))];
    }
    let mut found = Vec::new();
    for tool in [Tool::Ubridge, Tool::Dynamips] {
        found.push((tool, attempt(server, project, (tool, compute)).await));
    }
    if let Err(error) = server.delete(&format!("projects/{project}")).await {
        tracing::warn!(%error, %project, "a trial project stays; `orchestrator clean` removes it");
    }
    found
}

async fn open(server: &Server, project: Uuid, origin: &Origin) -> Result<(), ServerError> {
    let instance = u32::from_be_bytes(
        project
            .as_bytes()
            .first_chunk()
            .copied()
            .unwrap_or_default(),
    );
    // Marked like a lab, so that it is cleaned up if this process ends before it is removed.
    let mark = "doctor".parse().ok().map(|name| LabId { name, instance });
    let mark = mark.map(|lab| mark::variables(&lab, origin));
    let order = json!({
        "name": format!("doctor-{instance:08x}"),
        "project_id": project,
        "auto_close": false,
        "variables": mark,
    });
    server.post::<Value>("projects", &order).await.map(drop)
}

async fn attempt(
    server: &Server,
    project: Uuid,
    (tool, compute): (Tool, &Compute),
) -> Result<(), ServerError> {
    let order = json!({
        "name": tool.name(),
        "node_type": tool.trial(),
        "compute_id": compute.compute_id,
    });
    let path = format!("projects/{project}/nodes");
    server.post::<Value>(&path, &order).await.map(drop)
}
