//! Where labs are recorded while they are up, and the lock on each.
//!
//! The state folder holds one folder a lab, named by its identity: its ledger, its lock, its record
//! once it is kept, and its nodes' sockets.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use protocol::name::LabName;

use crate::plan::LabId;

use super::{LabError, LabRecord};

/// The folder that all labs of this user are recorded in.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// The folder of one lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabFolder {
    path: PathBuf,
}

/// The right to act on a lab, held by one process at a time; it ends with the value, or the process.
#[derive(Debug)]
pub struct LabLock {
    /// Removed with it, while it is still held.
    path: PathBuf,
    _file: Flock<File>,
}

impl Drop for LabLock {
    fn drop(&mut self) {
        // It is gone already where its lab's folder is; else the next one to lock it does without.
        let _ = fs::remove_file(&self.path);
    }
}

impl StateDir {
    /// The state folder at `path`, made for this user alone if it is missing. One that is there stays
    /// as it is: it may have been named by mistake.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(path: PathBuf) -> Result<Self, LabError> {
        make_folder(&path)?;
        Ok(Self { path })
    }

    /// The state folder at `path`, if there is one.
    pub fn existing(path: PathBuf) -> Option<Self> {
        path.is_dir().then_some(Self { path })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder of a new lab.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(&self, lab: &LabId) -> Result<LabFolder, LabError> {
        let path = self.path.join(lab.to_string());
        make_folder(&path)?;
        Ok(LabFolder { path })
    }

    /// The folder of a lab, whether or not it exists.
    pub fn folder(&self, lab: &LabId) -> LabFolder {
        LabFolder {
            path: self.path.join(lab.to_string()),
        }
    }

    /// Every lab folder, sorted by name. What is not named as a lab's is nobody's business here.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub fn folders(&self) -> Result<Vec<LabFolder>, LabError> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|e| state("reading", &self.path, e))? {
            let path = entry.map_err(|e| state("reading", &self.path, e))?.path();
            let folder = LabFolder { path };
            if folder.name().parse::<LabId>().is_ok() && folder.path.is_dir() {
                folders.push(folder);
            }
        }
        folders.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(folders)
    }

    /// The records of all labs that are up, sorted by name.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub fn records(&self) -> Result<Vec<(LabFolder, LabRecord)>, LabError> {
        let mut records = Vec::new();
        for folder in self.folders()? {
            if let Some(record) = folder.record()? {
                records.push((folder, record));
            }
        }
        Ok(records)
    }

    /// The right to raise a lab of this name that stays up.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process is about to.
    pub fn lock_name(&self, name: &str) -> Result<LabLock, LabError> {
        lock(&self.path.join(format!("{name}{LOCK}")), name)
    }

    /// Removes the locks on names that killed processes have left.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub fn forget_names(&self) -> Result<(), LabError> {
        for entry in fs::read_dir(&self.path).map_err(|e| state("reading", &self.path, e))? {
            let path = entry.map_err(|e| state("reading", &self.path, e))?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(name) = file.strip_suffix(LOCK)
                && name.parse::<LabName>().is_ok()
                && is_lock(&path)
                && let Ok(forgotten) = lock(&path, name)
            {
                drop(forgotten);
            }
        }
        Ok(())
    }
}

impl LabFolder {
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lab's identity as text.
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Where the ledger is.
    pub fn ledger(&self) -> PathBuf {
        self.path.join("ledger.ndjson")
    }

    /// The right to act on the lab.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process has it.
    pub fn lock(&self) -> Result<LabLock, LabError> {
        lock(&self.path.join("lock"), &self.name())
    }

    /// The lab's record, if it was kept.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn record(&self) -> Result<Option<LabRecord>, LabError> {
        let path = self.path.join(RECORD);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| state("reading", &path, error.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(state("reading", &path, error)),
        }
    }

    /// Writes the lab's record: from now on it is up.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_record(&self, record: &LabRecord) -> Result<(), LabError> {
        let (path, part) = (self.path.join(RECORD), self.path.join("record.part"));
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|error| state("writing", &path, error.into()))?;
        fs::write(&part, bytes)
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|error| state("writing", &path, error))
    }

    /// Removes the folder, when nothing of the lab is left.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self) -> Result<(), LabError> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(state("removing", &self.path, error))
            }
            _ => Ok(()),
        }
    }
}

/// Takes the lock file at `path` and writes this process's number into it.
fn lock(path: &Path, lab: &str) -> Result<LabLock, LabError> {
    loop {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let file = options
            .open(path)
            .map_err(|error| state("making", path, error))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            // Whoever held it may have removed it in between: then this is not the file that others
            // will find.
            Ok(file) if !is_at(&file, path) => {}
            Ok(mut file) => {
                let written = file
                    .set_len(0)
                    .and_then(|()| file.rewind())
                    .and_then(|()| write!(*file, "{}", std::process::id()));
                written.map_err(|error| state("writing", path, error))?;
                return Ok(LabLock {
                    path: path.to_owned(),
                    _file: file,
                });
            }
            Err((mut file, _)) => {
                let mut pid = String::new();
                // The number is for the message only; without it the message still holds.
                if file.read_to_string(&mut pid).is_err() || pid.is_empty() {
                    "unknown".clone_into(&mut pid);
                }
                return Err(LabError::Busy {
                    lab: lab.to_owned(),
                    pid,
                });
            }
        }
    }
}

/// Whether a file holds a process's number and nothing else, as no other program's `.lock` does.
fn is_lock(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.parse::<u32>().is_ok())
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(found)) => (held.dev(), held.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

fn make_folder(path: &Path) -> Result<(), LabError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| own(path))
        .map_err(|error| state("making", path, error))
}

/// Whoever owns the folder of a lab's sockets owns the lab.
fn own(path: &Path) -> std::io::Result<()> {
    let owner = fs::metadata(path)?.uid();
    if owner == geteuid().as_raw() {
        return Ok(());
    }
    let text = format!("it belongs to user {owner}");
    Err(std::io::Error::other(text))
}

fn state(action: &'static str, path: &Path, source: std::io::Error) -> LabError {
    LabError::State {
        action,
        path: path.to_owned(),
        source,
    }
}

const RECORD: &str = "record.json";

/// What the lock on a name ends with.
const LOCK: &str = ".lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_acts_on_a_lab() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path().join("state")).unwrap();
        let lab = LabId {
            name: "two-servers".parse().unwrap(),
            instance: 7,
        };
        let folder = state.create(&lab).unwrap();
        let held = folder.lock().unwrap();
        let refused = folder.lock().unwrap_err().to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(held);
        let again = folder.lock().unwrap();
        drop(again);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_that_nobody_holds_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path().to_owned()).unwrap();
        let held = state.lock_name("held").unwrap();
        for (name, text) in [
            ("killed", "17"),
            ("yarn", "# yarn lockfile v1"),
            ("none", ""),
        ] {
            fs::write(dir.path().join(name).with_extension("lock"), text).unwrap();
        }
        state.forget_names().unwrap();
        let mut left: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["held.lock", "none.lock", "yarn.lock"]);
        drop(held);
        state.lock_name("held").unwrap();
    }

    #[test]
    fn a_folder_named_by_mistake_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let mode = || fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["thesis", "lab-1", "lab-0000001G", "lab-00000001"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let state = StateDir::open(dir.path().to_owned()).unwrap();
        let folders = state.folders().unwrap();
        let names: Vec<_> = folders.iter().map(LabFolder::name).collect();
        assert_eq!(names, ["lab-00000001"]);
        assert_eq!(mode(), 0o755);
    }
}
