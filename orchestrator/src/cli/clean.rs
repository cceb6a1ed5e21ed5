//! `clean`: removes what crashed runs have left, by marks of ownership alone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::backend::docker::DockerBackend;
use crate::backend::{Backend, BackendKind, Owned, Resource};
use crate::embedded::node_binary;
use crate::lab::removal::remove_all;
use crate::lab::{FileLedger, LabError, LabLock, StateDir};
use crate::plan::LabId;

use super::args::CleanArgs;
use super::console::Console;
use super::failure::{Failure, Status};
use super::select;

/// Removes everything that carries our mark and belongs to no lab that is up or at work.
///
/// # Errors
/// If a backend that is there cannot be looked through, or something cannot be removed.
pub async fn clean(args: CleanArgs, console: Console, state: &StateDir) -> Result<Status, Failure> {
    let mut left = Leftover::default();
    let unfinished = Unfinished::find(state)?;
    for kind in [BackendKind::Netns, BackendKind::Docker] {
        let backend = select::backend(kind, state);
        backend
            .settle(&unfinished.resources, unfinished.patience())
            .await;
        match backend.survey().await {
            Ok(owned) => left.add(kind, &backend, owned),
            Err(error) if kind == BackendKind::Docker => {
                console.note(format_args!("Docker was not looked through: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let mut status = Status::Passed;
    let mut removed = 0;
    let verb = removal_verb(&args);
    for (lab, found) in left.labs {
        // Whether it is up or at work is known where it was raised from, if that is still there.
        let recorded = found.state.and_then(StateDir::existing);
        let recorded = recorded.as_ref().unwrap_or(state);
        let Some(_claim) = claim(recorded, &lab, console)? else {
            continue;
        };
        removed += found.resources.len();
        for resource in &found.resources {
            console.result(format_args!("{verb} {resource}"));
        }
        if !args.dry_run
            && let Err(error) = remove_all(&found.backend, &found.resources).await
        {
            console.fail(&Failure::Lab(error.into()));
            status = Status::Leftovers;
            continue;
        }
        if !args.dry_run {
            recorded.folder(&lab).remove()?;
        }
    }
    removed += stale_folders(&args, state, console)?;
    if !args.dry_run {
        state.forget_names()?;
    }
    images(&args, console).await?;
    if removed == 0 {
        console.note("nothing is left of any lab");
    }
    Ok(status)
}

/// What killed processes had recorded that they would make.
#[derive(Default)]
struct Unfinished {
    resources: Vec<Resource>,
    /// When the last was recorded.
    latest: Option<SystemTime>,
}

impl Unfinished {
    fn find(state: &StateDir) -> Result<Self, Failure> {
        let mut unfinished = Self::default();
        for folder in state.folders()? {
            if folder.record()?.is_some() {
                continue;
            }
            let Ok(_lock) = folder.lock() else { continue };
            let ledger = folder.ledger();
            unfinished.resources.extend(FileLedger::read(&ledger)?);
            let written = std::fs::metadata(ledger).and_then(|meta| meta.modified());
            unfinished.latest = unfinished.latest.max(written.ok());
        }
        Ok(unfinished)
    }

    /// How much longer it may be until what was asked for is there.
    fn patience(&self) -> Duration {
        let age = self.latest.and_then(|latest| latest.elapsed().ok());
        age.map_or(Duration::ZERO, |age| IN_THE_MAKING.saturating_sub(age))
    }
}

/// What was found, by lab.
#[derive(Default)]
struct Leftover {
    labs: BTreeMap<LabId, Found>,
}

/// What was found of a lab.
struct Found {
    backend: Arc<dyn Backend>,
    /// The state folder that it is recorded in, where its mark tells.
    state: Option<PathBuf>,
    resources: Vec<Resource>,
}

impl Leftover {
    fn add(&mut self, kind: BackendKind, backend: &Arc<dyn Backend>, owned: Vec<Owned>) {
        tracing::debug!(%kind, found = owned.len(), "looked for leftovers");
        for one in owned {
            let found = self.labs.entry(one.lab).or_insert_with(|| Found {
                backend: Arc::clone(backend),
                state: None,
                resources: Vec::new(),
            });
            found.resources.push(one.resource);
            found.state = found.state.take().or(one.state);
        }
        for found in self.labs.values_mut() {
            // In the order in which labs are made: processes and containers last.
            found.resources.sort_by_key(|resource| match resource {
                Resource::ControlGroup { .. } | Resource::ContainerNetwork(_) => 0,
                _ => 1,
            });
        }
    }
}

/// The right to remove a lab's leftovers; `None` if it is up or at work.
fn claim(state: &StateDir, lab: &LabId, console: Console) -> Result<Option<Claim>, Failure> {
    let folder = state.folder(lab);
    match folder.path().try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(Some(Claim { _lock: None })),
        // Only its owner can tell whether it is up.
        Err(error) => {
            let path = folder.path().display();
            console.note(format_args!(
                "{lab} stays, for it is another user's: {path}: {error}"
            ));
            return Ok(None);
        }
    }
    if folder.record()?.is_some() {
        console.note(format_args!(
            "{lab} is up and stays; `orchestrator down {} --state-dir {}` takes it away",
            lab.name,
            state.path().display()
        ));
        return Ok(None);
    }
    match folder.lock() {
        Ok(lock) => Ok(Some(Claim { _lock: Some(lock) })),
        Err(LabError::Busy { lab, pid }) => {
            console.note(format_args!("{lab} is at work in process {pid} and stays"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

struct Claim {
    _lock: Option<LabLock>,
}

/// Removes folders of labs of which nothing else is left. Returns how many.
fn stale_folders(args: &CleanArgs, state: &StateDir, console: Console) -> Result<usize, Failure> {
    let mut count = 0;
    for folder in state.folders()? {
        if folder.record()?.is_some() {
            continue;
        }
        let Ok(_lock) = folder.lock() else { continue };
        count += 1;
        console.result(format_args!(
            "{} state folder {}",
            removal_verb(args),
            folder.path().display()
        ));
        if !args.dry_run {
            folder.remove()?;
        }
    }
    Ok(count)
}

/// Names the cached node images, and removes them where asked to.
async fn images(args: &CleanArgs, console: Console) -> Result<(), Failure> {
    let docker = DockerBackend::from_environment(node_binary());
    let Ok(cached) = docker.cached_images().await else {
        return Ok(());
    };
    for image in cached {
        if !args.images {
            console.note(format_args!(
                "{image} stays as a cache; --images removes it"
            ));
            continue;
        }
        console.result(format_args!("{} {image}", removal_verb(args)));
        if !args.dry_run {
            docker.remove(&image).await?;
        }
    }
    Ok(())
}

fn removal_verb(args: &CleanArgs) -> &'static str {
    if args.dry_run {
        "would remove"
    } else {
        "removing"
    }
}

/// How long after its request an engine may make something: its requests end within this time even
/// on a busy machine.
const IN_THE_MAKING: Duration = Duration::from_secs(5);
