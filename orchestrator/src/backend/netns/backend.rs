//! The netns backend.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plumbing::control_group::ControlGroups;
use protocol::keeper::KeeperFailure;

use crate::backend::{
    Backend, BackendError, BackendErrorKind, BackendKind, Capabilities, Fabric, LabHandle, Ledger,
    Owned, Resource,
};
use crate::plan::{LabId, Plan};

use super::channel::KeeperChannel;
use super::fabric::NetnsFabric;
use super::keeper::{Keeper, KeeperError};
use super::removal::SOCKETS;
use super::{preflight, removal, spec};

/// Labs in Linux namespaces on this machine.
#[derive(Debug)]
pub struct NetnsBackend {
    state: PathBuf,
    program: PathBuf,
    fail_at: Option<u32>,
}

impl NetnsBackend {
    /// Returns a backend whose nodes run the node binary at `program`. Each lab's sockets are in a folder in `state` that
    /// is named by the lab's identity.
    pub fn new(state: PathBuf, program: PathBuf) -> Self {
        Self {
            state,
            program,
            fail_at: None,
        }
    }

    /// Makes keepers fail at the step with this number, counted from zero. For tests.
    #[must_use]
    pub fn failing_at(self, step: u32) -> Self {
        Self {
            fail_at: Some(step),
            ..self
        }
    }

    fn folder(&self, lab: &LabId) -> PathBuf {
        self.state.join(lab.to_string())
    }
}

#[async_trait]
impl Backend for NetnsBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Netns
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::KERNEL.keeping_conditions()
    }

    async fn preflight(&self, plan: &Plan) -> Result<(), BackendError> {
        preflight::check(plan).map_err(|kind| kind.at(BackendKind::Netns, "looking at the plan"))
    }

    async fn raise(
        &self,
        plan: &Plan,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Box<dyn Fabric>, BackendError> {
        let failed = |kind: BackendErrorKind| kind.at(BackendKind::Netns, "raising the lab");
        let lab = plan.lab.clone();
        let groups =
            ControlGroups::find().map_err(|error| failed(BackendErrorKind::system(error)))?;
        if groups.has_place() {
            ledger.record(&Resource::ControlGroup { lab: lab.clone() })?;
        }
        let folder = self.folder(&lab).join(SOCKETS);
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&folder);
        let making = |error| format!("making {}: {error}", folder.display());
        made.map_err(|error| failed(in_folder(error.kind(), making(error))))?;
        let spec = spec::lab_spec(plan, self.fail_at);
        let started = Keeper::start(&self.program, &folder, &lab);
        let (mut keeper, process) = started.map_err(|error| failed(explained(error)))?;
        let resource = Resource::Keeper {
            lab: lab.clone(),
            process,
        };
        if let Err(error) = ledger.record(&resource) {
            // Nobody would find it again.
            drop(keeper);
            self.remove(&resource).await?;
            return Err(error);
        }
        let told = keeper.raise(spec).await;
        told.map_err(|error| failed(explained(error)))?;
        let deadline = DEADLINE + DEADLINE_A_NODE * u32::try_from(plan.nodes.len()).unwrap_or(0);
        let raised = tokio::time::timeout(deadline, keeper.raised()).await;
        let raised = raised.map_err(|_| {
            failed(BackendErrorKind::Deadline {
                seconds: deadline.as_secs(),
                awaited: "the lab's keeper to make all nodes".to_owned(),
            })
        })?;
        let warnings = raised.map_err(|error| failed(explained(error)))?;
        let sockets = plan.nodes.iter().enumerate();
        let channel = KeeperChannel::new(lab.clone(), &folder);
        Ok(Box::new(NetnsFabric {
            lab,
            sockets: sockets
                .map(|(number, node)| (node.name.clone(), folder.join(number.to_string())))
                .collect(),
            keeper: Some(tokio::sync::Mutex::new(keeper)),
            channel,
            warnings,
        }))
    }

    async fn attach(&self, handle: &LabHandle) -> Result<Box<dyn Fabric>, BackendError> {
        let sockets = handle.nodes.iter();
        Ok(Box::new(NetnsFabric {
            lab: handle.lab.clone(),
            sockets: sockets
                .map(|(node, path)| (node.clone(), PathBuf::from(path)))
                .collect(),
            keeper: None,
            channel: KeeperChannel::new(
                handle.lab.clone(),
                &self.folder(&handle.lab).join(SOCKETS),
            ),
            warnings: Vec::new(),
        }))
    }

    async fn remove(&self, resource: &Resource) -> Result<(), BackendError> {
        let (lab, keeper) = match resource {
            Resource::Keeper { lab, process } => (lab.clone(), Some(*process)),
            Resource::ControlGroup { lab, .. } => (lab.clone(), None),
            _ => return Ok(()),
        };
        let folder = self.folder(&lab);
        let action = format!("removing {resource}");
        // A control group is empty only once the keeper is gone, and the keeper may still be making some.
        on_a_thread_that_may_wait(action, move || removal::remove(&lab, keeper, &folder)).await
    }

    async fn survey(&self) -> Result<Vec<Owned>, BackendError> {
        on_a_thread_that_may_wait("looking for labs".to_owned(), removal::survey).await
    }
}

async fn on_a_thread_that_may_wait<T: Send + 'static>(
    action: String,
    work: impl FnOnce() -> Result<T, BackendErrorKind> + Send + 'static,
) -> Result<T, BackendError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(BackendErrorKind::system(error)))
        .map_err(|kind| kind.at(BackendKind::Netns, action))
}

/// The time that making a lab may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
const DEADLINE_A_NODE: Duration = Duration::from_millis(200);

/// Translates a keeper's failure. If the machine lacks something, the result has the remedy.
fn explained(error: KeeperError) -> BackendErrorKind {
    match error {
        KeeperError::Failed(failure) => match preflight::remedy(&failure) {
            Some(remedy) => BackendErrorKind::Lacking {
                missing: failure.to_string(),
                remedy: remedy.to_owned(),
            },
            None => concerning(failure),
        },
        KeeperError::System { ref source, .. } => in_folder(source.kind(), error.to_string()),
        other => BackendErrorKind::system(other),
    }
}

/// Explains an error on a file in a lab's folder.
fn in_folder(kind: io::ErrorKind, error: String) -> BackendErrorKind {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BackendErrorKind::Lacking {
            missing: error,
            remedy: "free space there, or inodes (`df -i` counts them)".to_owned(),
        },
        _ => BackendErrorKind::system(io::Error::new(kind, error)),
    }
}

fn concerning(failure: KeeperFailure) -> BackendErrorKind {
    match failure.node {
        Some(node) => BackendErrorKind::Node {
            node: node.to_string(),
            reason: format!("{}: {}", failure.step, failure.reason),
        },
        None => BackendErrorKind::system(failure),
    }
}
