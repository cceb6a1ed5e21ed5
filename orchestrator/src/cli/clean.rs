//! `clean`: removes what crashed runs have left, by marks of ownership alone.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::backend::docker::DockerBackend;
use crate::backend::gns3::{Gns3Backend, ServerUrl};
use crate::backend::{Backend, BackendKind, Owned, Resource};
use crate::embedded::node_binary;
use crate::lab::removal::remove_all;
use crate::lab::{FileLedger, LabError, LabFolder, LabLock, StateDir};
use crate::plan::LabId;

use super::args::{CleanArgs, Format};
use super::failure::{Failure, Status};
use super::printer::Printer;
use super::site::Site;

/// Removes everything that carries our mark and belongs to no lab that is up or at work.
///
/// # Errors
/// If a backend that is there cannot be looked through, or something cannot be removed.
pub async fn clean(args: CleanArgs, console: Printer, site: &Site) -> Result<Status, Failure> {
    let state = &site.state;
    let (mut left, mut unseen) = (Leftover::default(), false);
    let unfinished = Unfinished::find(state)?;
    let kinds = [BackendKind::Netns, BackendKind::Docker].map(|kind| site.backend(kind));
    let servers = site.servers(&unfinished.resources).into_iter();
    let servers = servers.map(|server| {
        let url = server.url().cloned();
        (Arc::new(server) as Arc<dyn Backend>, url)
    });
    for (backend, server) in kinds
        .into_iter()
        .map(|backend| (backend, None))
        .chain(servers)
    {
        let kind = backend.kind();
        backend
            .settle(&unfinished.resources, unfinished.patience())
            .await;
        match backend.survey().await {
            Ok(owned) => left.add((kind, server), &backend, owned),
            Err(error) if kind == BackendKind::Docker => {
                console.note(format_args!("Docker was not looked through: {error}"));
            }
            Err(error) if kind == BackendKind::Gns3 => {
                unseen = true;
                console.warn(format_args!(
                    "a GNS3 server was not looked through: {error}"
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let mut account = Account {
        unseen,
        ..Account::new(args.dry_run, console)
    };
    left.tell_of_the_dead(state, &mut account)?;
    for (lab, found) in std::mem::take(&mut left.labs) {
        // Whether it is up or at work is known where it was raised from, if that is still there.
        let recorded = found.state.and_then(StateDir::existing);
        let recorded = recorded.as_ref().unwrap_or(state);
        let Some(_claim) = claim(recorded, &lab, &mut account)? else {
            continue;
        };
        for resource in &found.resources {
            account.removes(resource);
        }
        if args.dry_run {
            continue;
        }
        match remove_all(&found.backend, &found.resources).await {
            Ok(()) => recorded.folder(&lab).remove()?,
            Err(left) => account.fails(LabError::from(left)),
        }
    }
    stale_folders(state, &left.looked_through, &mut account)?;
    if !args.dry_run {
        state.forget_names()?;
    }
    images(&args, &mut account).await?;
    account.close()
}

/// What was done, told as it is done or, in JSON, at the end.
#[derive(Debug, Serialize)]
struct Account {
    #[serde(skip)]
    console: Printer,
    /// Whether there is a place that was not looked through.
    #[serde(skip)]
    unseen: bool,
    dry_run: bool,
    /// What was removed, or would be.
    removed: Vec<String>,
    /// What stays, and why.
    stays: Vec<String>,
    /// What could not be removed, and why.
    failed: Vec<String>,
}

impl Account {
    fn new(dry_run: bool, console: Printer) -> Self {
        Self {
            console,
            unseen: false,
            dry_run,
            removed: Vec::new(),
            stays: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn removes(&mut self, what: impl Display) {
        let verb = if self.dry_run {
            "would remove"
        } else {
            "removing"
        };
        if self.console.format == Format::Table {
            self.console.result(format_args!("{verb} {what}"));
        }
        self.removed.push(what.to_string());
    }

    fn leaves(&mut self, why: String) {
        self.console.note(&why);
        self.stays.push(why);
    }

    fn misses(&mut self, text: String) {
        self.failed.push(text.clone());
        self.console.fail(&Failure::Error(text));
    }

    fn fails(&mut self, error: LabError) {
        self.failed.push(error.to_string());
        self.console.fail(&Failure::Lab(error));
    }

    fn close(self) -> Result<Status, Failure> {
        if self.console.format == Format::Json {
            self.console.json(&self)?;
        } else if !self.failed.is_empty() {
            // Said already.
        } else if self.removed.is_empty() && self.unseen {
            self.console.note("nothing was found elsewhere");
        } else if self.removed.is_empty() && self.stays.is_empty() {
            self.console.note("nothing is left of any lab");
        } else if self.removed.is_empty() {
            self.console.note("nothing is left of any other lab");
        }
        Ok(if self.failed.is_empty() {
            Status::Passed
        } else {
            Status::Leftovers
        })
    }
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
    looked_through: LookedThrough,
}

/// The backends that were looked through, GNS3's with their servers.
#[derive(Default)]
struct LookedThrough(Vec<(BackendKind, Option<ServerUrl>)>);

impl LookedThrough {
    /// Whether a resource would have been found.
    fn covers(&self, resource: &Resource) -> bool {
        if resource.backend() == BackendKind::Fake {
            // It ended with its process.
            return true;
        }
        let on = Gns3Backend::server_of(resource);
        let mut all = self.0.iter();
        all.any(|(kind, server)| *kind == resource.backend() && *server == on)
    }

    /// The first of a lab's resources that would not have been found.
    fn missed(&self, folder: &LabFolder) -> Result<Option<Resource>, LabError> {
        let listed = FileLedger::read(&folder.ledger())?;
        Ok(listed.into_iter().find(|resource| !self.covers(resource)))
    }
}

/// What was found of a lab.
struct Found {
    backend: Arc<dyn Backend>,
    /// The state folder that it is recorded in, where its mark tells.
    state: Option<PathBuf>,
    resources: Vec<Resource>,
}

impl Leftover {
    fn add(
        &mut self,
        (kind, server): (BackendKind, Option<ServerUrl>),
        backend: &Arc<dyn Backend>,
        owned: Vec<Owned>,
    ) {
        tracing::debug!(%kind, found = owned.len(), "looked for leftovers");
        self.looked_through.0.push((kind, server));
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

    /// Tells of labs that are recorded as up and have nothing left.
    fn tell_of_the_dead(&self, state: &StateDir, account: &mut Account) -> Result<(), Failure> {
        for (folder, record) in state.records()? {
            let hold = &record.handle;
            // What was raised on an engine that was not asked may well live.
            let was_asked = self.looked_through.missed(&folder)?.is_none();
            if was_asked && !self.labs.contains_key(&hold.lab) {
                account.leaves(format!(
                    "{} is recorded as up, but nothing of it is left here; {} forgets it",
                    hold.lab,
                    down(&hold.lab, state)
                ));
            }
        }
        Ok(())
    }
}

/// The right to remove a lab's leftovers; `None` if it is up or at work.
fn claim(state: &StateDir, lab: &LabId, account: &mut Account) -> Result<Option<Claim>, Failure> {
    let folder = state.folder(lab);
    match folder.path().try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(Some(Claim { _lock: None })),
        // Only its owner can tell whether it is up.
        Err(error) => {
            let path = folder.path().display();
            account.leaves(format!(
                "{lab} stays, for it is another user's: {path}: {error}"
            ));
            return Ok(None);
        }
    }
    if folder.record()?.is_some() {
        account.leaves(format!(
            "{lab} is up and stays; {} takes it away",
            down(lab, state)
        ));
        return Ok(None);
    }
    match folder.lock() {
        Ok(lock) => Ok(Some(Claim { _lock: Some(lock) })),
        Err(LabError::Busy { lab, pid }) => {
            account.leaves(format!("{lab} is at work in process {pid} and stays"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What takes a lab down that is recorded there.
fn down(lab: &LabId, state: &StateDir) -> String {
    let (name, folder) = (&lab.name, state.path().display());
    format!("`orchestrator down {name} --state-dir {folder}`")
}

struct Claim {
    _lock: Option<LabLock>,
}

/// Removes folders of labs of which nothing else is left. One that lists what could not be looked for
/// stays: nothing else tells of that.
fn stale_folders(
    state: &StateDir,
    looked_through: &LookedThrough,
    account: &mut Account,
) -> Result<(), Failure> {
    for folder in state.folders()? {
        if folder.record()?.is_some() {
            continue;
        }
        let Ok(_lock) = folder.lock() else { continue };
        if let Some(resource) = looked_through.missed(&folder)? {
            account.misses(format!(
                "{resource} could not be looked for; mend that and run `orchestrator clean` again, or \
                 remove {} if it is gone for good",
                folder.path().display()
            ));
            continue;
        }
        account.removes(format_args!("state folder {}", folder.path().display()));
        if !account.dry_run {
            folder.remove()?;
        }
    }
    Ok(())
}

/// Names the cached node images, and removes them where asked to.
async fn images(args: &CleanArgs, account: &mut Account) -> Result<(), Failure> {
    let docker = DockerBackend::from_environment(node_binary());
    let Ok(cached) = docker.cached_images().await else {
        return Ok(());
    };
    for image in cached {
        if !args.images {
            let console = account.console;
            console.note(format_args!(
                "{image} stays as a cache; --images removes it"
            ));
            continue;
        }
        account.removes(&image);
        if !args.dry_run {
            docker.remove(&image).await?;
        }
    }
    Ok(())
}

/// How long after its request an engine may make something: its requests end within this time even
/// on a busy machine.
const IN_THE_MAKING: Duration = Duration::from_secs(5);
