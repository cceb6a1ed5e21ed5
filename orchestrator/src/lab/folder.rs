//! The folder of one lab: its ledger, its record once it is kept, and its nodes' sockets.
//!
//! A folder under a lab's name holds a ledger, whose first line says where the lab was raised. A folder without
//! such a ledger is not ours. A folder that is being made or removed has another name.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plumbing::folder::{Entry, Folder};

use crate::backend::netns::{SOCKETS, is_made_by_keeper, remove_sockets};
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

/// The new folder of a lab that this process is about to raise.
#[derive(Debug)]
pub struct NewLab {
    /// The folder.
    pub folder: LabFolder,
    /// The right to act on the lab. It was taken before the folder had its name.
    pub lock: LabLock,
}

/// The state of a lab.
#[derive(Debug)]
pub enum Standing {
    /// It is being raised or run, or was when its process was killed.
    Unfinished,
    /// It is up.
    Up(Box<LabRecord>),
    /// Its removal has begun and is not complete.
    Ending,
    /// It was kept, but its record cannot be read.
    Unreadable(LabError),
}

impl LabFolder {
    pub(super) fn new(state: &Path, lab: LabId) -> Self {
        Self {
            state: state.to_owned(),
            lab,
        }
    }

    /// Makes the folder, which is locked from the first moment.
    pub(super) fn make(self, origin: &Origin) -> Result<NewLab, LabError> {
        let path = self.path();
        let making = |error| failed("making", &path, error);
        let part = self.state.join(format!("{PART}{}", self.lab));
        let lock = loop {
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&part)
                .map_err(making)?;
            match LabLock::after(&part) {
                // A `clean` took it for a leftover of a killed process.
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

    /// Returns the path of the folder.
    pub fn path(&self) -> PathBuf {
        self.state.join(self.lab.to_string())
    }

    /// Returns the lab.
    pub fn lab(&self) -> &LabId {
        &self.lab
    }

    /// Returns the lab's identity as text.
    pub fn name(&self) -> String {
        self.lab.to_string()
    }

    /// Returns the path of the ledger.
    pub fn ledger(&self) -> PathBuf {
        self.path().join(LEDGER)
    }

    /// Whether the folder exists.
    pub fn is_there(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
    }

    /// Whether this program made the folder.
    pub(super) fn is_ours(&self) -> bool {
        ledger::is_ours(&self.ledger())
    }

    /// Reads the ledger.
    ///
    /// # Errors
    /// If it cannot be read, or is not ours.
    pub fn listed(&self) -> Result<Listed, LabError> {
        ledger::read(&self.ledger())
    }

    /// Takes the right to act on the lab.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process has it.
    pub fn lock(&self) -> Result<LabLock, LabError> {
        LabLock::of(&self.path())
    }

    /// Takes the right to act on the lab, also where a `clean` holds it for a moment to look at the lab.
    ///
    /// # Errors
    /// As [`LabFolder::lock`].
    pub async fn lock_soon(&self) -> Result<LabLock, LabError> {
        match self.lock() {
            Err(LabError::Busy { .. }) => {}
            other => return other,
        }
        let path = self.path();
        let waiting = tokio::task::spawn_blocking(move || LabLock::after(&path));
        match tokio::time::timeout(MOMENT, waiting).await {
            Ok(Ok(locked)) => locked,
            _ => self.lock(),
        }
    }

    /// Returns the state of the lab.
    pub fn standing(&self) -> Standing {
        let there = |name: &str| fs::symlink_metadata(self.path().join(name)).is_ok();
        match self.record() {
            Ok(Some(record)) => Standing::Up(Box::new(record)),
            Ok(None) if there(ENDING) => Standing::Ending,
            Ok(None) => Standing::Unfinished,
            Err(error) => Standing::Unreadable(error),
        }
    }

    /// Reads the lab's record, if the lab was kept.
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

    /// Writes the lab's record. From now on the lab is up.
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

    /// Checks that the leftovers of the lab can be removed from here. A process's number means nothing in another
    /// process namespace or on another machine.
    ///
    /// # Errors
    /// [`LabError::Elsewhere`] otherwise.
    pub(super) fn check_reach(&self, listed: &Listed) -> Result<(), LabError> {
        let here = Origin::here(&self.state).map_err(|e| failed("reading", &self.state, e))?;
        let local = |resource: &Resource| resource.backend() == BackendKind::Netns;
        let has_processes = listed.resources.iter().any(local);
        let place = match here.relation(&listed.origin) {
            Relation::Here => return Ok(()),
            Relation::OtherMachine => "on another machine",
            Relation::OtherFolder => "from another state folder, of which this one is a copy",
            // An engine is the same for all of them.
            _ if !has_processes => return Ok(()),
            Relation::OtherNamespace => {
                "in another process, user or time namespace of this machine"
            }
            Relation::Unclear => "where this process cannot tell, for /proc is closed to it",
        };
        Err(LabError::Elsewhere {
            lab: self.name(),
            place,
        })
    }

    /// Finds out that the ledger lists nothing that this version does not know.
    ///
    /// # Errors
    /// [`LabError::Unread`] otherwise.
    pub(super) fn check_all_read(&self, listed: &Listed) -> Result<(), LabError> {
        match listed.unread {
            0 => Ok(()),
            lines => Err(LabError::Unread {
                path: self.ledger(),
                lines,
            }),
        }
    }

    /// Records that the lab is being removed. It is no longer up, and the next process that finds it continues
    /// the removal.
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

    /// Removes the folder once nothing of the lab is left. Only entries that this program made are removed.
    ///
    /// # Errors
    /// If it cannot be removed, or holds anything else.
    pub fn remove(&self) -> Result<(), LabError> {
        let path = self.path();
        let removed = Folder::open(&self.state).and_then(|state| {
            let folder = state.folder(self.name())?;
            refuse_strangers(&folder)?;
            let part = format!("{PART}{}", self.lab);
            let name = match state.rename(self.name(), &part) {
                Ok(()) => part,
                // An overlay renames no folder of its lower layer (rename(2)). It is removed under its name.
                Err(error) if error.kind() == ErrorKind::CrossesDevices => self.name(),
                Err(error) => return Err(error),
            };
            empty(&folder)?;
            state.remove_folder(&name)
        });
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("removing", &path, error))
            }
            _ => Ok(()),
        }
    }
}

/// Removes the rest of a lab's folder whose making or removal was cut short, unless a process is at work with it.
/// Returns whether it did.
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

/// Whether an entry is the folder of a lab that is being made or removed. Such a folder belongs to this user and
/// holds nothing but entries that this program makes.
pub(super) fn is_part(state: &Folder, entry: &Entry) -> bool {
    let lab = entry.name.to_str().and_then(|name| name.strip_prefix(PART));
    let named = lab.is_some_and(|lab| lab.parse::<LabId>().is_ok());
    let is_ours = || {
        let folder = state.folder(&entry.name)?;
        refuse_strangers(&folder)?;
        Ok::<_, io::Error>(folder.is_own()? && is_begun(&folder)?)
    };
    named && entry.is_folder && is_ours().unwrap_or(false)
}

/// Whether the folder of a lab that is being made or removed began with our ledger. That is made first, and
/// removed last.
fn is_begun(folder: &Folder) -> io::Result<bool> {
    let entries = folder.entries()?;
    if entries.is_empty() {
        return Ok(true);
    }
    let ledger = folder.read(LEDGER, ledger::LONGEST)?;
    // It may have been cut off in its first line.
    let torn = entries.len() == 1 && !ledger.contains(&b'\n');
    Ok(torn || ledger::begins_as_ours(&ledger))
}

/// Checks that a lab's folder holds nothing but entries that this program makes.
fn refuse_strangers(folder: &Folder) -> io::Result<()> {
    let stranger = |entry: &Entry| entry.is_folder != (entry.name == SOCKETS) || !is_ours(entry);
    let mut entries = folder.entries()?;
    if entries
        .iter()
        .any(|entry| entry.is_folder && entry.name == SOCKETS)
    {
        let sockets = folder.folder(SOCKETS)?.entries()?.into_iter();
        entries.extend(sockets.filter(|entry| !is_made_by_keeper(entry)));
    }
    match entries.iter().find(|entry| stranger(entry)) {
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

/// Removes the entries that this program makes in a lab's folder, the ledger last.
fn empty(folder: &Folder) -> io::Result<()> {
    let entries = folder.entries()?;
    for entry in entries.iter().filter(|entry| entry.name != LEDGER) {
        if entry.is_folder {
            remove_sockets(folder)?;
        } else {
            folder.remove_file(&entry.name)?;
        }
    }
    match folder.remove_file(LEDGER) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The prefix of the names of folders and locks that are being made or removed.
pub(super) const PART: &str = ".part-";

pub(super) const LEDGER: &str = "ledger.ndjson";
const RECORD: &str = "record.json";
const RECORD_PART: &str = "record.part";
/// The record of a lab whose removal has begun.
const ENDING: &str = "ending.json";
const OURS: [&str; 5] = [LEDGER, RECORD, RECORD_PART, ENDING, SOCKETS];

/// The longest look at a lab, on a machine that has much else to do.
const MOMENT: Duration = Duration::from_secs(2);

/// The most bytes of a record, which holds the plan and the topology's text.
const LONGEST_RECORD: u64 = 256 << 20;
