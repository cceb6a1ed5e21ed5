//! The search for everything that carries a lab's mark, on all backends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;

use crate::backend::{Backend, BackendError, Owned, Resource};
use crate::plan::LabId;

use super::{LabError, LabFolder, Standing, StateDir};

/// A thing and the backend that has it.
pub(super) type There = (Arc<dyn Backend>, Owned);

/// The things that the backends have.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) labs: BTreeMap<LabId, Vec<There>>,
    /// The backends that could not be searched.
    pub(super) unseen: Vec<(Arc<dyn Backend>, BackendError)>,
}

/// Searches all backends. Waits first for things that a killed process asked an engine for.
pub(super) async fn search(
    state: &StateDir,
    backends: &[Arc<dyn Backend>],
) -> Result<Found, LabError> {
    let unfinished = Unfinished::find(state)?;
    let searched = backends.iter().map(|backend| look(backend, &unfinished));
    let searched = join_all(searched).await;
    let mut found = Found::default();
    for (backend, owned) in backends.iter().zip(searched) {
        match owned {
            Ok(owned) => found.add(backend, owned),
            Err(error) => found.unseen.push((Arc::clone(backend), error)),
        }
    }
    Ok(found)
}

/// Searches one backend.
async fn look(
    backend: &Arc<dyn Backend>,
    unfinished: &Unfinished,
) -> Result<Vec<Owned>, BackendError> {
    let owned = backend.survey().await?;
    let expected: Vec<_> = unfinished.resources_of(backend).collect();
    let patience = unfinished.patience();
    if expected.is_empty() || patience.is_zero() {
        return Ok(owned);
    }
    backend.settle(&expected, patience).await;
    backend.survey().await
}

impl Found {
    fn add(&mut self, backend: &Arc<dyn Backend>, owned: Vec<Owned>) {
        tracing::debug!(kind = %backend.kind(), found = owned.len(), "looked for leftovers");
        for one in owned {
            let there = self.labs.entry(one.lab.clone()).or_default();
            there.push((Arc::clone(backend), one));
        }
        for there in self.labs.values_mut() {
            // Networks are removed after the containers that are on them.
            there.sort_by_key(|(_, owned)| matches!(owned.resource, Resource::ContainerNetwork(_)));
        }
    }

    pub(super) fn of(&self, lab: &LabId) -> &[There] {
        self.labs.get(lab).map_or(&[], Vec::as_slice)
    }

    /// Returns whether every backend of a lab's resources was searched, and none of them was found but control groups, in
    /// which nothing lives where there is no keeper.
    pub(super) fn has_nothing_of(&self, folder: &LabFolder) -> bool {
        let unseen = |resource: &Resource| {
            resource.host().is_some() || self.unseen.iter().any(|(b, _)| b.holds(resource))
        };
        // A process of another user namespace shows no mark, but it lives.
        let lives = |resource: &Resource| match resource {
            Resource::Keeper { process, .. } => !matches!(process.hold(), Ok(None)),
            _ => false,
        };
        let listed = folder.listed().map(|listed| listed.resources);
        let gone = |listed: Vec<Resource>| !listed.iter().any(|r| unseen(r) || lives(r));
        let is_empty = |(_, owned): &There| matches!(owned.resource, Resource::ControlGroup { .. });
        listed.is_ok_and(gone) && self.of(folder.lab()).iter().all(is_empty)
    }
}

/// The resources that killed processes had recorded before making them.
#[derive(Default)]
struct Unfinished {
    resources: Vec<Resource>,
    /// The time when the last was recorded.
    latest: Option<SystemTime>,
}

impl Unfinished {
    fn find(state: &StateDir) -> Result<Self, LabError> {
        let mut unfinished = Self::default();
        for (folder, standing) in state.labs()? {
            if !matches!(standing, Standing::Unfinished | Standing::Ending) {
                continue;
            }
            let Ok(_lock) = folder.lock() else { continue };
            let Ok(listed) = folder.listed() else {
                continue;
            };
            unfinished.resources.extend(listed.resources);
            let written = std::fs::metadata(folder.ledger()).and_then(|meta| meta.modified());
            unfinished.latest = unfinished.latest.max(written.ok());
        }
        Ok(unfinished)
    }

    fn resources_of(&self, backend: &Arc<dyn Backend>) -> impl Iterator<Item = Resource> {
        let own = self
            .resources
            .iter()
            .filter(|resource| backend.holds(resource));
        own.cloned()
    }

    /// Returns the time that may still pass until these resources exist.
    fn patience(&self) -> Duration {
        let age = self.latest.and_then(|latest| latest.elapsed().ok());
        age.map_or(Duration::ZERO, |age| IN_THE_MAKING.saturating_sub(age))
    }
}

/// The time from a request until the engine has made the thing, at most. Requests end within it even on a busy
/// machine.
const IN_THE_MAKING: Duration = Duration::from_secs(5);
