//! Takes away labs that were dropped: by an early return on an error, by a cancelled future, by a panic.
//! `drop` cannot wait, so it hands the lab over, and `main` waits for the reaper.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::backend::Backend;

use super::removal::remove_all;
use super::{LabError, LabFolder, LabLock, Leftovers};

/// The receiver of dropped labs.
#[derive(Debug, Clone)]
pub struct Reaper {
    orphans: mpsc::UnboundedSender<Orphan>,
}

/// The work of the reaper, to be waited for.
#[derive(Debug)]
pub struct Reaping {
    task: JoinHandle<Vec<LabError>>,
}

/// The remains of a dropped lab.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) folder: LabFolder,
    pub(super) lock: Option<LabLock>,
}

impl Reaper {
    /// Starts a reaper. It ends when the last [`Reaper`] is dropped and nothing is left to do.
    pub fn start() -> (Self, Reaping) {
        let (orphans, mut queue) = mpsc::unbounded_channel::<Orphan>();
        let task = tokio::spawn(async move {
            let mut failures = Vec::new();
            while let Some(orphan) = queue.recv().await {
                if let Err(error) = take_away(&orphan.backend, &orphan.folder).await {
                    failures.push(error);
                }
                drop(orphan.lock);
            }
            failures
        });
        (Self { orphans }, Reaping { task })
    }

    pub(super) fn inherit(&self, orphan: Orphan) {
        if let Err(lost) = self.orphans.send(orphan) {
            tracing::error!(
                lab = lost.0.folder.name(),
                "left a lab behind; run `orchestrator clean`"
            );
        }
    }
}

impl Reaping {
    /// Waits until everything that was handed over is gone. Returns the labs that could not be removed.
    pub async fn drain(self) -> Vec<LabError> {
        self.task.await.unwrap_or_default()
    }
}

/// Removes everything in a lab's ledger, then its folder.
///
/// # Errors
/// The resources that could not be removed. The folder then stays, so that the next process can continue.
pub async fn take_away(backend: &Arc<dyn Backend>, folder: &LabFolder) -> Result<(), LabError> {
    if !folder.is_there() {
        return Ok(());
    }
    let listed = folder.listed()?;
    folder.check_reach(&listed)?;
    folder.begin_removal()?;
    let removed = remove_all(backend, &listed.resources).await;
    removed.map_err(|left: Leftovers| LabError::Leftovers(left))?;
    folder.remove()
}
