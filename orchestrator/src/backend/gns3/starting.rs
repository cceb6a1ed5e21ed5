//! Starts what was made, and makes sure that it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::name::NodeName;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::backend::{BackendError, BackendErrorKind, BackendKind};
use crate::gns3::switch::SwitchKind;

use super::error::at;
use super::project_builder::{Place, ProjectBuilder, all};

/// `GET /projects/ID/nodes`, an entry.
#[derive(Debug, Deserialize)]
struct NodeAnswer {
    name: String,
    status: String,
}

impl ProjectBuilder<'_> {
    /// Starts everything, and makes sure that it was: a server has been seen to call a start good that
    /// was not.
    pub(super) async fn start(
        &self,
        places: &BTreeMap<NodeName, Place>,
    ) -> Result<(), BackendError> {
        let mut ids: Vec<(String, Uuid)> = places
            .iter()
            .map(|(name, place)| (name.to_string(), place.id))
            .collect();
        if self.switches == SwitchKind::Docker {
            let switches = self.plan.segments.iter().filter(|segment| !segment.wire);
            ids.extend(switches.map(|s| (s.name.to_string(), self.switch_id(s))));
        }
        let starts = ids.into_iter().map(|(name, id)| async move {
            let path = format!("{}/nodes/{id}/start", self.path());
            let started = self.make(path, json!({})).await;
            started.map_err(at(format!("starting node {name}")))
        });
        all(starts.collect()).await?;
        let waited = tokio::time::timeout(PATIENCE, self.all_started()).await;
        if let Ok(ended) = waited {
            ended?;
        }
        match self.sleeper().await? {
            None => Ok(()),
            Some(node) => Err(BackendErrorKind::Node {
                node: node.name,
                reason: format!(
                    "the server has started it, and says after {} s that it is {}",
                    PATIENCE.as_secs(),
                    node.status
                ),
            }
            .at(BackendKind::Gns3, STARTING)),
        }
    }

    /// Waits until the server knows of all that they run. It hears from other computes a moment after it
    /// has had nodes started there, and tells whoever listens that something has changed.
    async fn all_started(&self) -> Result<(), BackendError> {
        if self.sleeper().await?.is_none() {
            return Ok(());
        }
        let path = format!("{}/notifications", self.path());
        let mut changes = self.server.stream(&path).await.map_err(at(STARTING))?;
        while self.sleeper().await?.is_some() {
            let change = changes.chunk().await;
            let change = change.map_err(|error| at(STARTING)(self.server.broken(&error)))?;
            if change.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// A node that does not run.
    async fn sleeper(&self) -> Result<Option<NodeAnswer>, BackendError> {
        let path = format!("{}/nodes", self.path());
        let nodes: Vec<NodeAnswer> = self.server.get(&path).await.map_err(at(STARTING))?;
        Ok(nodes.into_iter().find(|node| node.status != "started"))
    }
}

const STARTING: &str = "starting nodes";

/// The longest time that other computes may take to report that their nodes run.
const PATIENCE: Duration = Duration::from_secs(30);
