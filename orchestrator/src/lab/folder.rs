//! The folder of one lab: its ledger, its record once it is kept, and its nodes' sockets.
//!
//! A folder that has a lab's name has a ledger that begins with where the lab was raised; one without was not
//! made by us. What was begun to be made or removed has another name.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use plumbing::folder::{Entry, Folder};

use crate::backend::origin::Relation;
use crate::backend::{BackendKind, Origin, Resource};
use crate::plan::LabId;

use super::ledger::{self, Listed};
use super::state::failed;
use super::{LabError, LabLock, LabRecord};

/// The folder of one lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabFolder {
    state: PathBuf,
    lab: LabId,
}

/// A lab's folder that was made a moment ago, for this process to raise the lab.
#[derive(Debug)]
pub struct NewLab {
    /// The folder.
    pub folder: LabFolder,
    /// The right to act on the lab, held since before the folder had its name.
    pub lock: LabLock,
}

/// How far a lab has come.
#[derive(Debug)]
pub enum Standing {
    /// It is being raised or run, or was when its process was killed.
    Unfinished,
    /// It is up.
    Up(Box<LabRecord>),
    /// Its removal was begun, and is not over.
    Ending,
    /// It was kept, and its record cannot be read.
    Unreadable(LabError),
}

impl LabFolder {
    pub(super) fn new(state: &Path, lab: LabId) -> Self {
        Self {
            state: state.to_owned(),
            lab,
        }
    }

    /// Makes the folder, locked from its first moment.
    pub(super) fn make(self, origin: &Origin) -> Result<NewLab, LabError> {
        let path = self.path();
        let making = |error| failed("making", &path, error);
        let part = self.state.join(format!("{PART}{}", self.lab));
        let lock = loop {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&part)
                .map_err(making)?;
            match LabLock::of(&part) {
                // A `clean` took it for one that a killed process had left.
                Err(LabError::State { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                locked => break locked?,
            }
        };
        let made =
            ledger::begin(&part.join(LEDGER), origin).and_then(|()| fs::rename(&part, &path));
        if let Err(error) = made {
            drop(lock);
            let _ = forget_part(&part);
            return Err(making(error));
        }
        Ok(NewLab { folder: self, lock })
    }

    /// The folder itself.
    pub fn path(&self) -> PathBuf {
        self.state.join(self.lab.to_string())
    }

    /// The lab.
    pub fn lab(&self) -> &LabId {
        &self.lab
    }

    /// The lab's identity as text.
    pub fn name(&self) -> String {
        self.lab.to_string()
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> PathBuf {
        self.path().join(LEDGER)
    }

    /// Whether there is anything of it.
    pub fn is_there(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
    }

    /// Whether it is a folder that we have made.
    pub(super) fn is_ours(&self) -> bool {
        ledger::is_ours(&self.ledger())
    }

    /// What the ledger lists.
    ///
    /// # Errors
    /// If it cannot be read, or is none of ours.
    pub fn listed(&self) -> Result<Listed, LabError> {
        ledger::read(&self.ledger())
    }

    /// The right to act on the lab.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process has it.
    pub fn lock(&self) -> Result<LabLock, LabError> {
        LabLock::of(&self.path())
    }

    /// How far the lab has come.
    pub fn standing(&self) -> Standing {
        let there = |name: &str| fs::symlink_metadata(self.path().join(name)).is_ok();
        match self.record() {
            Ok(Some(record)) => Standing::Up(Box::new(record)),
            Ok(None) if there(ENDING) => Standing::Ending,
            Ok(None) => Standing::Unfinished,
            Err(error) => Standing::Unreadable(error),
        }
    }

    /// The lab's record, if it was kept.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn record(&self) -> Result<Option<LabRecord>, LabError> {
        let folder = match Folder::open(&self.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| failed("reading", &self.path(), error))?,
        };
        let reading = |error| failed("reading", &self.path().join(RECORD), error);
        match folder.read(RECORD, LONGEST_RECORD) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| reading(error.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(reading(error)),
        }
    }

    /// Writes the lab's record: from now on it is up.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_record(&self, record: &LabRecord) -> Result<(), LabError> {
        let (path, part) = (self.path().join(RECORD), self.path().join(RECORD_PART));
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|error| failed("writing", &path, error.into()))?;
        fs::write(&part, bytes)
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|error| failed("writing", &path, error))
    }

    /// Finds out that what is left of the lab can be removed from here. A process's number means nothing in another
    /// process namespace, and less on another machine.
    ///
    /// # Errors
    /// [`LabError::Elsewhere`] otherwise.
    pub(super) fn check_reach(&self, listed: &Listed) -> Result<(), LabError> {
        let here = Origin::here(&self.state).map_err(|e| failed("reading", &self.state, e))?;
        let why = match here.relation(&listed.origin) {
            Relation::Here => return Ok(()),
            Relation::OtherNamespace => "another process namespace of this machine",
            Relation::OtherMachine => "another machine",
        };
        let local = |resource: &Resource| resource.backend() == BackendKind::Netns;
        if !listed.resources.iter().any(local) {
            return Ok(());
        }
        Err(LabError::Elsewhere {
            lab: self.name(),
            place: why,
        })
    }

    /// Takes note that the lab is being removed: it is up no longer, and whoever finds it goes on with that.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub(super) fn begin_removal(&self) -> Result<(), LabError> {
        let path = self.path();
        match Folder::open(&path).and_then(|folder| folder.rename(RECORD, ENDING)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("changing", &path.join(RECORD), error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the folder, when nothing of the lab is left. Only what we have made in it is removed.
    ///
    /// # Errors
    /// If it cannot be removed, or holds something else.
    pub fn remove(&self) -> Result<(), LabError> {
        let path = self.path();
        let removed = Folder::open(&self.state).and_then(|state| {
            let folder = state.folder(self.name())?;
            refuse_strangers(&folder)?;
            let part = format!("{PART}{}", self.lab);
            state.rename(self.name(), &part)?;
            empty(&folder)?;
            state.remove_folder(&part)
        });
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("removing", &path, error))
            }
            _ => Ok(()),
        }
    }
}

/// Removes what is left of the folder of a lab whose making or removal was cut short, unless a process is at work
/// with it; whether it did.
pub(super) fn forget_part(path: &Path) -> io::Result<bool> {
    let Ok(_lock) = LabLock::of(path) else {
        return Ok(false);
    };
    let (Some(state), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(false);
    };
    let state = Folder::open(state)?;
    let folder = state.folder(name)?;
    refuse_strangers(&folder)?;
    empty(&folder)?;
    state.remove_folder(name)?;
    Ok(true)
}

/// Whether it is a folder of a lab that is being made or removed, this user's, with nothing in it but what we make.
pub(super) fn is_part(state: &Folder, entry: &Entry) -> bool {
    let lab = entry.name.to_str().and_then(|name| name.strip_prefix(PART));
    let named = lab.is_some_and(|lab| lab.parse::<LabId>().is_ok());
    let is_ours = || {
        let folder = state.folder(&entry.name)?;
        refuse_strangers(&folder)?;
        folder.is_own()
    };
    named && entry.is_folder && is_ours().unwrap_or(false)
}

/// Finds out that there is nothing in a lab's folder but what we make there.
fn refuse_strangers(folder: &Folder) -> io::Result<()> {
    let stranger = |entry: &Entry| entry.is_folder != (entry.name == NODES) || !is_ours(entry);
    match folder.entries()?.iter().find(|entry| stranger(entry)) {
        None => Ok(()),
        Some(entry) => {
            let name = entry.name.to_string_lossy();
            let text = format!("it holds `{name}`, which is none of ours; move that away");
            Err(io::Error::other(text))
        }
    }
}

fn is_ours(entry: &Entry) -> bool {
    OURS.iter().any(|name| entry.name == *name)
}

/// Removes what we make in a lab's folder, its ledger last.
fn empty(folder: &Folder) -> io::Result<()> {
    let entries = folder.entries()?;
    for entry in entries.iter().filter(|entry| entry.name != LEDGER) {
        if entry.is_folder {
            // What its backend makes there, it has removed.
            folder.remove_folder(&entry.name)?;
        } else {
            folder.remove_file(&entry.name)?;
        }
    }
    match folder.remove_file(LEDGER) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What the name begins with of a folder that is being made or removed, and of what else is.
pub(super) const PART: &str = ".part-";

pub(super) const LEDGER: &str = "ledger.ndjson";
const RECORD: &str = "record.json";
const RECORD_PART: &str = "record.part";
/// The record of a lab whose removal was begun.
const ENDING: &str = "ending.json";
/// The folder of the agents' sockets.
const NODES: &str = "nodes";
const OURS: [&str; 5] = [LEDGER, RECORD, RECORD_PART, ENDING, NODES];

/// Bytes: a record holds the plan and the topology's text.
const LONGEST_RECORD: u64 = 256 << 20;
