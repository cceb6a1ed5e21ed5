//! Removes leftovers of labs whose processes were killed. Everything that it removes is proved to be ours: by a
//! ledger in the state folder, or by a mark. Such a mark is one that only this program sets, and it names this
//! machine, its last start and this folder.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, BackendError, BackendErrorKind, BackendKind, Provenance, Resource};
use crate::plan::LabId;

use super::removal::remove_all;
use super::search::{Found, search};
use super::state::Part;
use super::{LabError, LabFolder, LabLock, Standing, StateDir};

/// An observer of a sweep.
pub trait Observer {
    /// Takes note that a thing is being removed, or would be.
    fn removing(&mut self, thing: &dyn Display);
    /// Takes note that a lab stays, with the reason.
    fn staying(&mut self, why: String);
    /// Takes note that a thing could not be removed, or may exist and could not be looked for.
    fn failed(&mut self, why: String);
    /// Takes note that a backend was not searched. No known lab should be on it.
    fn unseen(&mut self, backend: BackendKind, why: &BackendError);
}

/// A search for leftovers: the backends to search, and the labs to look for.
#[derive(Debug)]
pub struct Sweep<'a> {
    /// The folder in which labs are recorded.
    pub state: &'a StateDir,
    /// The backends on which they may have left something.
    pub backends: &'a [Arc<dyn Backend>],
    /// The names or identities of the labs to remove; empty: all that are recorded here.
    pub only: &'a [String],
    /// Whether things are only named, and not removed.
    pub dry_run: bool,
}

impl Sweep<'_> {
    /// Removes the leftovers, and continues past failures. Returns those of the named labs of which there was
    /// nothing.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub async fn run(&self, observer: &mut dyn Observer) -> Result<Vec<String>, LabError> {
        let found = search(self.state, self.backends).await?;
        self.tell_of_unseen(&found, observer)?;
        let recorded = self.state.folders()?;
        let mut labs: BTreeSet<LabId> = recorded.iter().map(|f| f.lab().clone()).collect();
        labs.extend(found.labs.keys().cloned());
        let mut missing: BTreeSet<&String> = self.only.iter().collect();
        for lab in labs.iter().filter(|lab| self.is_meant(lab)) {
            missing.retain(|called| !is_called(lab, called));
            let folder = self.state.folder(lab);
            if folder.is_ours() {
                self.sweep_recorded(&folder, &found, observer).await;
            } else if folder.is_there() {
                tell_of_unread(&folder, &found, observer);
            } else {
                self.sweep_marked(lab, &found, observer).await;
            }
        }
        self.sweep_parts(&mut missing, observer)?;
        Ok(missing.into_iter().cloned().collect())
    }

    /// Whether a lab is named by its whole identity.
    fn is_named(&self, lab: &LabId) -> bool {
        self.only.contains(&lab.to_string())
    }

    /// Whether a node of a lab that is up answers here.
    async fn answers(&self, standing: &Standing) -> bool {
        let Standing::Up(record) = standing else {
            return false;
        };
        let handle = &record.handle;
        for backend in self.backends.iter().filter(|b| b.kind() == handle.backend) {
            let opened = async {
                let fabric = backend.attach(handle).await.ok()?;
                let (node, _) = handle.nodes.first()?;
                fabric.open(node).await.ok()
            };
            if let Ok(Some(_)) = tokio::time::timeout(ANSWER, opened).await {
                return true;
            }
        }
        false
    }

    fn is_meant(&self, lab: &LabId) -> bool {
        self.only.is_empty() || self.only.iter().any(|called| is_called(lab, called))
    }

    /// Tells of the backends that could not be searched. An engine or server that does not answer may have
    /// anything. One that does not exist is taken to have only the labs that are recorded as up there.
    fn tell_of_unseen(&self, found: &Found, observer: &mut dyn Observer) -> Result<(), LabError> {
        for (backend, error) in &found.unseen {
            let is_silent = !matches!(error.kind, BackendErrorKind::Lacking { .. });
            let on = |folder: &LabFolder| {
                let listed = folder.listed();
                listed.is_ok_and(|listed| listed.resources.iter().any(|r| backend.holds(r)))
            };
            let labs = self.state.labs()?.into_iter();
            let labs = labs.filter(|(folder, standing)| {
                on(folder) && (is_silent || !matches!(standing, Standing::Unfinished))
            });
            let labs: Vec<_> = labs.map(|(folder, _)| folder.name()).collect();
            let there = match labs.as_slice() {
                [] if is_silent => "labs that no folder records may be there".to_owned(),
                [] => {
                    observer.unseen(backend.kind(), error);
                    continue;
                }
                labs => format!("there may be: {}", labs.join(", ")),
            };
            observer.failed(format!(
                "{error}; {there}; mend that, then run `orchestrator clean` again"
            ));
        }
        Ok(())
    }

    /// Sweeps a lab with a folder here.
    async fn sweep_recorded(&self, folder: &LabFolder, found: &Found, observer: &mut dyn Observer) {
        let lab = folder.lab();
        let elsewhere = folder
            .listed()
            .and_then(|listed| folder.check_reach(&listed));
        let elsewhere = elsewhere
            .err()
            .filter(|error| matches!(error, LabError::Elsewhere { .. }));
        match (folder.standing(), elsewhere) {
            // A user who names the lab knows that place to be gone, unless its nodes say otherwise.
            (standing, Some(_)) if self.is_named(lab) => {
                if self.answers(&standing).await {
                    observer.staying(format!("{lab} stays, for its nodes answer"));
                } else {
                    self.sweep_idle(folder, found, observer).await;
                }
            }
            (_, Some(error)) => observer.staying(format!(
                "{error}, or name it where that is gone: `orchestrator clean {lab}`; it stays"
            )),
            (Standing::Up(_), _) if found.has_nothing_of(folder) => observer.staying(format!(
                "{lab} is recorded as up, but nothing of it is left here; {} forgets it",
                self.down(lab)
            )),
            (Standing::Up(_), _) => observer.staying(format!(
                "{lab} is up and stays; {} takes it away",
                self.down(lab)
            )),
            (Standing::Unreadable(error), _) => observer.failed(format!(
                "{error}; so it is not known whether {lab} is up; {} takes it away",
                self.down(lab)
            )),
            (Standing::Unfinished | Standing::Ending, _) => {
                self.sweep_idle(folder, found, observer).await;
            }
        }
    }

    /// Sweeps a lab that is not up, unless a process is at work with it.
    pub(super) async fn sweep_idle(
        &self,
        folder: &LabFolder,
        found: &Found,
        observer: &mut dyn Observer,
    ) {
        match folder.lock() {
            // It may have come up, or been raised again, before it was locked.
            Ok(_) if is_kept(&folder.standing()) && !self.is_named(folder.lab()) => {
                observer.staying(format!("{} has just come up and stays", folder.lab()));
            }
            Ok(lock) => self.sweep_leftovers(folder, found, (lock, observer)).await,
            Err(LabError::Busy { lab, pid }) => {
                observer.staying(format!("{lab} is at work in process {pid} and stays"));
            }
            // Its process has just removed it.
            Err(_) if !folder.is_there() => {}
            Err(error) => observer.failed(error.to_string()),
        }
    }

    async fn sweep_leftovers(
        &self,
        folder: &LabFolder,
        found: &Found,
        (_lock, observer): (LabLock, &mut dyn Observer),
    ) {
        let listed = match folder.listed() {
            Ok(listed) => listed,
            Err(error) => return observer.failed(error.to_string()),
        };
        if let Some(resource) = listed.resources.iter().find(|r| !self.sees(found, r)) {
            return observer.failed(format!(
                "{resource} could not be looked for; mend that and run `orchestrator clean` again, or \
                 remove {} if it is gone for good",
                folder.path().display()
            ));
        }
        let there = found.of(folder.lab());
        for (_, owned) in there {
            if listed.resources.contains(&owned.resource) {
                observer.removing(&owned.resource);
            }
        }
        observer.removing(&format_args!("state folder {}", folder.path().display()));
        if self.dry_run {
            return;
        }
        if let Err(error) = folder.begin_removal() {
            return observer.failed(error.to_string());
        }
        for backend in self.backends {
            let own = listed.resources.iter().filter(|r| backend.holds(r));
            let own: Vec<_> = own.cloned().collect();
            if let Err(left) = remove_all(backend, &own).await {
                return observer.failed(LabError::from(left).to_string());
            }
        }
        let removed = folder
            .check_all_read(&listed)
            .and_then(|()| folder.remove());
        if let Err(error) = removed {
            observer.failed(error.to_string());
        }
    }

    /// Sweeps a lab that is known only by marks.
    async fn sweep_marked(&self, lab: &LabId, found: &Found, observer: &mut dyn Observer) {
        let is_named = self.is_named(lab);
        let mut stays = None;
        for (backend, owned) in found.of(lab) {
            let proved = match &owned.provenance {
                Provenance::Ours => true,
                Provenance::Elsewhere { .. } if is_named => true,
                Provenance::Elsewhere { why } => {
                    let by_name = format!("`orchestrator clean {lab}`");
                    stays = Some(format!(
                        "{lab} {why} and stays; clean it there, or name it: {by_name}"
                    ));
                    false
                }
                Provenance::Hint { why } => {
                    let proof = "which proves nothing: take it down where it was raised";
                    stays.get_or_insert(format!("{lab} {why} and stays, {proof}"));
                    false
                }
            };
            if !proved {
                continue;
            }
            observer.removing(&owned.resource);
            if !self.dry_run
                && let Err(left) = remove_all(backend, std::slice::from_ref(&owned.resource)).await
            {
                observer.failed(LabError::from(left).to_string());
            }
        }
        if let Some(why) = stays {
            observer.staying(why);
        }
    }

    /// Sweeps the entries beside the labs' folders.
    fn sweep_parts(
        &self,
        missing: &mut BTreeSet<&String>,
        observer: &mut dyn Observer,
    ) -> Result<(), LabError> {
        for part in self.state.parts()? {
            if let Some(lab) = part.lab() {
                if !self.is_meant(&lab) {
                    continue;
                }
                missing.retain(|called| !is_called(&lab, called));
            }
            let forgotten = if self.dry_run {
                Ok(part.is_left())
            } else {
                part.forget()
            };
            match (part, forgotten) {
                (Part::Folder(path), Ok(true)) => {
                    observer.removing(&format_args!("state folder {}", path.display()));
                }
                // A file that is no lock of ours stays, and is not reported.
                (Part::Lock(_), _) | (_, Ok(false)) => {}
                (Part::Folder(path), Err(error)) => {
                    observer.failed(format!("removing {}: {error}", path.display()));
                }
            }
        }
        Ok(())
    }

    /// Whether the search would have found a resource.
    fn sees(&self, found: &Found, resource: &Resource) -> bool {
        let unseen = found
            .unseen
            .iter()
            .any(|(backend, _)| backend.holds(resource));
        // A lab in memory ended with its process.
        matches!(resource, Resource::Fake(_))
            || !unseen && self.backends.iter().any(|backend| backend.holds(resource))
    }

    /// Returns the command that takes down a lab that is recorded here.
    fn down(&self, lab: &LabId) -> String {
        let (name, folder) = (&lab.name, self.state.path().display());
        format!("`orchestrator down {name} --state-dir {folder}`")
    }
}

/// Tells of a folder that has a lab's name, and a ledger that cannot be read.
fn tell_of_unread(folder: &LabFolder, found: &Found, observer: &mut dyn Observer) {
    let (lab, ledger) = (folder.lab(), folder.ledger());
    let why = format!(
        "{lab} stays, for it is not known whether it is up: {} cannot be read as a ledger",
        ledger.display()
    );
    let mut owned = found.of(lab).iter();
    if owned.any(|(_, owned)| owned.provenance == Provenance::Ours) {
        observer.failed(why);
    } else {
        observer.staying(why);
    }
}

fn is_kept(standing: &Standing) -> bool {
    matches!(standing, Standing::Up(_) | Standing::Unreadable(_))
}

fn is_called(lab: &LabId, called: &str) -> bool {
    lab.name.as_str() == called || lab.to_string() == called
}

/// The time in which a node that lives is reached.
const ANSWER: Duration = Duration::from_secs(5);
