//! A netns lab that is up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use protocol::keeper::channel::{Reply, Request};
use protocol::link::{Change, HeldConditions};
use protocol::name::NodeName;
use tokio::sync::Mutex;

use crate::backend::{BackendError, BackendErrorKind, BackendKind, ByteStream, Fabric, LabHandle};
use crate::plan::LabId;

use super::channel::{ChannelError, KeeperChannel};
use super::keeper::Keeper;
use super::socket::connect;

/// A lab that is up.
#[derive(Debug)]
pub(super) struct NetnsFabric {
    pub(super) lab: LabId,
    /// The path of each node's agent's socket.
    pub(super) sockets: BTreeMap<NodeName, PathBuf>,
    /// The keeper, where this process raised the lab.
    pub(super) keeper: Option<Mutex<Keeper>>,
    /// The way to the keeper that every process has.
    pub(super) channel: KeeperChannel,
    pub(super) warnings: Vec<String>,
}

#[async_trait]
impl Fabric for NetnsFabric {
    async fn open(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError> {
        let failed = |reason: String| {
            let node = node.to_string();
            BackendErrorKind::Node { node, reason }.at(BackendKind::Netns, "reaching an agent")
        };
        let Some(path) = self.sockets.get(node) else {
            return Err(failed("the lab has no such node".to_owned()));
        };
        match connect(path).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(failed(format!(
                "its agent does not answer at {}: {error}",
                path.display()
            ))),
        }
    }

    /// Each node has set itself up before its keeper calls the lab raised.
    fn is_configured(&self) -> bool {
        true
    }

    async fn conditions(&self) -> Result<Option<HeldConditions>, BackendError> {
        let failed =
            |kind: BackendErrorKind| kind.at(BackendKind::Netns, "reading the links' conditions");
        match self
            .channel
            .ask(Request::Conditions)
            .await
            .map_err(failed)?
        {
            Reply::Conditions(held) => Ok(Some(held)),
            _ => Err(failed(BackendErrorKind::system(ChannelError::Confused))),
        }
    }

    async fn change_conditions(&self, change: Change) -> Result<Option<u64>, BackendError> {
        let failed =
            |kind: BackendErrorKind| kind.at(BackendKind::Netns, "changing links' conditions");
        let request = Request::Change(change);
        match self.channel.ask(request).await.map_err(failed)? {
            Reply::Changed { revision } => Ok(Some(revision)),
            _ => Err(failed(BackendErrorKind::system(ChannelError::Confused))),
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    async fn keep(&self) -> Result<LabHandle, BackendError> {
        if let Some(keeper) = &self.keeper {
            let kept = keeper.lock().await.keep().await;
            kept.map_err(|error| {
                BackendErrorKind::system(error).at(BackendKind::Netns, "keeping the lab")
            })?;
        }
        let text = |(node, path): (&NodeName, &PathBuf)| {
            (node.clone(), path.to_string_lossy().into_owned())
        };
        Ok(LabHandle {
            lab: self.lab.clone(),
            backend: BackendKind::Netns,
            nodes: self.sockets.iter().map(text).collect(),
            hosts: BTreeMap::new(),
        })
    }
}
