//! The state folder, in which labs are recorded while they are up. Each lab has a folder there, named by its
//! identity.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use plumbing::folder::{Entry, Folder};
use protocol::name::LabName;

use crate::backend::Origin;
use crate::plan::LabId;

use super::folder::{self, PART};
use super::lock::{self, NameLock};
use super::{LabError, LabFolder, LabLock, LabRecord, NewLab, Standing};

/// The folder that all labs of this user are recorded in.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
    origin: Origin,
}

impl StateDir {
    /// Opens the state folder at `path`, and makes it for this user alone if it is missing. A folder that exists
    /// stays as it is, since it may have been named by mistake.
    ///
    /// # Errors
    /// If it cannot be made, is a link or another user's, or others may write to it.
    pub fn open(path: PathBuf) -> Result<Self, LabError> {
        let opening = |error| failed("opening", &path, error);
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&path);
        made.map_err(|error| failed("making", &path, error))?;
        let folder = Folder::open(&path).map_err(opening)?;
        check(&folder).map_err(opening)?;
        settle(folder);
        let origin = Origin::here(&path).map_err(opening)?;
        Ok(Self { path, origin })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the origin of labs that are recorded here.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Makes the folder of a new lab.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(&self, lab: &LabId) -> Result<NewLab, LabError> {
        self.folder(lab).make(&self.origin)
    }

    /// Returns the folder of a lab, whether or not it exists.
    pub fn folder(&self, lab: &LabId) -> LabFolder {
        LabFolder::new(&self.path, lab.clone())
    }

    /// Lists every lab folder, sorted by name. Folders that are not named as a lab's, or that are not ours, are
    /// left out.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub fn folders(&self) -> Result<Vec<LabFolder>, LabError> {
        let named = self.entries()?.into_iter().filter_map(|entry| {
            let lab = entry.name.to_str()?.parse().ok()?;
            entry.is_folder.then(|| self.folder(&lab))
        });
        Ok(named.filter(LabFolder::is_ours).collect())
    }

    /// Lists every lab with its state, sorted by name.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub fn labs(&self) -> Result<Vec<(LabFolder, Standing)>, LabError> {
        let folders = self.folders()?.into_iter();
        Ok(folders
            .map(|folder| {
                let standing = folder.standing();
                (folder, standing)
            })
            .collect())
    }

    /// Lists the records of all labs that are up, sorted by name. A record that cannot be read is left out.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub fn records(&self) -> Result<Vec<(LabFolder, LabRecord)>, LabError> {
        let up = self
            .labs()?
            .into_iter()
            .filter_map(|(folder, standing)| match standing {
                Standing::Up(record) => Some((folder, *record)),
                _ => None,
            });
        Ok(up.collect())
    }

    /// Takes the right to raise a lab of this name that stays up.
    ///
    /// # Errors
    /// [`LabError::Busy`] if another process is about to raise one.
    pub fn lock_name(&self, name: &str) -> Result<NameLock, LabError> {
        let part = format!("{PART}{}-{name}{LOCK}", std::process::id());
        let path = self.path.join(format!("{name}{LOCK}"));
        NameLock::take(path, &self.path.join(part), name)
    }

    /// Lists the entries beside the labs' folders: folders and locks that are being made or removed, and locks on
    /// names. Killed processes leave them behind.
    ///
    /// # Errors
    /// If the state folder cannot be read.
    pub fn parts(&self) -> Result<Vec<Part>, LabError> {
        let state = Folder::open(&self.path).map_err(|e| failed("reading", &self.path, e))?;
        let parts = self.entries()?.into_iter().filter_map(|entry| {
            let path = self.path.join(&entry.name);
            let name = entry.name.to_str()?;
            if entry.is_folder {
                let left = folder::is_part(&state, &entry);
                left.then_some(Part::Folder(path))
            } else {
                is_lock(name).then_some(Part::Lock(path))
            }
        });
        Ok(parts.collect())
    }

    fn entries(&self) -> Result<Vec<Entry>, LabError> {
        let entries = Folder::open(&self.path).and_then(|folder| folder.entries());
        entries.map_err(|error| failed("reading", &self.path, error))
    }
}

/// An entry beside the labs' folders. A killed process has left it, or one at work still needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The folder of a lab that is being made or removed.
    Folder(PathBuf),
    /// A lock on a name, or a lock that is being made.
    Lock(PathBuf),
}

impl Part {
    /// Returns the lab whose folder it is.
    pub fn lab(&self) -> Option<LabId> {
        let Self::Folder(path) = self else {
            return None;
        };
        path.file_name()?.to_str()?.strip_prefix(PART)?.parse().ok()
    }

    /// Whether no process is at work with it.
    pub fn is_left(&self) -> bool {
        matches!(self, Self::Folder(path) if LabLock::of(path).is_ok())
    }

    /// Removes it, unless a process is at work with it. Returns whether it did.
    ///
    /// # Errors
    /// The system's. Fails too if it is not a lock.
    pub fn forget(&self) -> io::Result<bool> {
        match self {
            Self::Folder(path) => folder::forget_part(path),
            Self::Lock(path) => Ok(lock::forget(path)?.is_none()),
        }
    }
}

/// Whether a file has the name of a lock on a lab's name, or of such a lock that is being made.
fn is_lock(file: &str) -> bool {
    let Some(name) = file.strip_suffix(LOCK) else {
        return false;
    };
    match name.strip_prefix(PART) {
        None => name.parse::<LabName>().is_ok(),
        Some(part) => part.split_once('-').is_some_and(|(process, name)| {
            process.parse::<u32>().is_ok() && name.parse::<LabName>().is_ok()
        }),
    }
}

/// Has an overlay copy a folder of its lower layer up, which it would do at the first change: the folder is then born
/// anew, and labs that name its birth would no longer be of this folder.
fn settle(folder: Folder) {
    let folder = File::from(folder);
    let same = folder.metadata().map(|about| about.permissions());
    // A folder that cannot be changed takes no record of a lab either.
    drop(same.and_then(|mode| folder.set_permissions(mode)));
}

/// Refuses a state folder that another user owns or may write to: such a user would decide what is removed.
fn check(folder: &Folder) -> io::Result<()> {
    let stat = folder.stat()?;
    if !folder.is_own()? {
        let text = format!("it belongs to user {}", stat.st_uid);
        return Err(io::Error::other(text));
    }
    if stat.st_mode & OTHERS_WRITE != 0 {
        let text = "others may write to it; `chmod go-w` takes that from them";
        return Err(io::Error::other(text));
    }
    Ok(())
}

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> LabError {
    LabError::State {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The suffix of the lock on a name.
const LOCK: &str = ".lock";

/// Permission bits.
const OTHERS_WRITE: u32 = 0o022;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::backend::BackendKind;
    use crate::lab::FileLedger;

    fn state() -> (tempfile::TempDir, StateDir) {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(dir.path().join("state")).unwrap();
        (dir, state)
    }

    fn lab(instance: u32) -> LabId {
        LabId {
            name: "lab".parse().unwrap(),
            instance,
        }
    }

    fn forget_parts(state: &StateDir) {
        for part in state.parts().unwrap() {
            let _ = part.forget();
        }
    }

    fn names(state: &StateDir) -> Vec<String> {
        let entries = state.entries().unwrap().into_iter();
        entries
            .map(|entry| entry.name.into_string().unwrap())
            .collect()
    }

    #[test]
    fn one_process_at_a_time_acts_on_a_lab() {
        let (_dir, state) = state();
        let made = state.create(&lab(7)).unwrap();
        let refused = made.folder.lock().unwrap_err().to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        forget_parts(&state);
        drop(made.lock);
        let again = made.folder.lock().unwrap();
        made.folder.remove().unwrap();
        drop(again);
        assert_eq!(names(&state), [""; 0]);
        made.folder.lock().unwrap_err();
    }

    #[test]
    fn names_that_nobody_holds_are_forgotten() {
        let (_dir, state) = state();
        let held = state.lock_name("held").unwrap();
        for (name, text) in [
            ("killed.lock", "17"),
            (".part-17-killed.lock", "17"),
            (".part-18-killed.lock", ""),
            ("yarn.lock", "# yarn lockfile v1"),
            ("none.lock", ""),
        ] {
            fs::write(state.path().join(name), text).unwrap();
        }
        forget_parts(&state);
        assert_eq!(names(&state), ["held.lock", "none.lock", "yarn.lock"]);
        let busy = state.lock_name("held").unwrap_err().to_string();
        assert!(busy.contains(&std::process::id().to_string()), "{busy}");
        drop(held);
        state.lock_name("held").unwrap();
        state.lock_name("yarn").unwrap_err();
        symlink("/etc/passwd", state.path().join("linked.lock")).unwrap();
        fs::create_dir(state.path().join("folder.lock")).unwrap();
        for name in ["linked", "folder"] {
            let refused = state.lock_name(name).unwrap_err().to_string();
            let path = state.path().join(format!("{name}.lock"));
            assert!(
                refused.starts_with(&format!("taking {}", path.display())),
                "{refused}"
            );
            assert!(refused.contains("move it away"), "{refused}");
        }
    }

    #[test]
    fn folders_that_were_being_made_or_removed_are_forgotten_and_no_others() {
        let (_dir, state) = state();
        let part = |name: &str| state.path().join(format!("{PART}{name}"));
        for name in ["lab-00000001", "lab-00000002", "thesis"] {
            fs::create_dir(part(name)).unwrap();
        }
        fs::write(part("lab-00000002").join("chapter.tex"), "precious").unwrap();
        // Without our ledger, what has the names of our files is somebody's.
        fs::create_dir(part("lab-00000004")).unwrap();
        fs::write(part("lab-00000004").join("record.json"), "precious").unwrap();
        // One that was cut off as it was made.
        fs::create_dir(part("lab-00000005")).unwrap();
        fs::write(part("lab-00000005").join("ledger.ndjson"), "{\"orig").unwrap();
        let made = state.create(&lab(3)).unwrap();
        fs::rename(made.folder.path(), part("lab-00000003")).unwrap();
        forget_parts(&state);
        let at_work = [
            ".part-lab-00000002",
            ".part-lab-00000003",
            ".part-lab-00000004",
            ".part-thesis",
        ];
        assert_eq!(names(&state), at_work);
        drop(made.lock);
        forget_parts(&state);
        let strangers = [".part-lab-00000002", ".part-lab-00000004", ".part-thesis"];
        assert_eq!(names(&state), strangers);
    }

    #[test]
    fn a_folder_named_by_mistake_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let mode = || fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["thesis", "lab-1", "lab-0000001G", "lab-00000001"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("lab-00000001/ledger.ndjson"), "mine\n").unwrap();
        let state = StateDir::open(dir.path().to_owned()).unwrap();
        assert_eq!(state.folders().unwrap(), []);
        drop(state.create(&lab(2)).unwrap());
        let folders = state.folders().unwrap();
        let names: Vec<_> = folders.iter().map(LabFolder::name).collect();
        assert_eq!(names, ["lab-00000002"]);
        assert_eq!(mode(), 0o755);
    }

    #[test]
    fn a_folder_that_others_may_write_to_or_that_is_a_link_is_refused() {
        let (dir, state) = state();
        let link = dir.path().join("link");
        symlink(state.path(), &link).unwrap();
        StateDir::open(link).unwrap_err();
        for mode in [0o722, 0o770, 0o1777] {
            fs::set_permissions(state.path(), fs::Permissions::from_mode(mode)).unwrap();
            let refused = StateDir::open(state.path().to_owned()).unwrap_err();
            assert!(refused.to_string().contains("chmod go-w"), "{refused}");
        }
    }

    #[test]
    fn what_a_lab_did_not_make_is_not_removed() {
        let (dir, state) = state();
        let made = state.create(&lab(1)).unwrap();
        let folder = &made.folder;
        let stranger = folder.path().join("thesis.tex");
        fs::write(&stranger, "precious").unwrap();
        let refused = folder.remove().unwrap_err().to_string();
        assert!(refused.contains("thesis.tex"), "{refused}");
        fs::remove_file(stranger).unwrap();
        let precious = dir.path().join("precious");
        fs::create_dir(&precious).unwrap();
        symlink(&precious, folder.path().join("nodes")).unwrap();
        folder.remove().unwrap_err();
        fs::remove_file(folder.path().join("nodes")).unwrap();
        // Files of a keeper that was never recorded go; a stranger beside them stays.
        let nodes = folder.path().join("nodes");
        fs::create_dir(&nodes).unwrap();
        for name in ["keeper.log", "0", "core"] {
            fs::write(nodes.join(name), "").unwrap();
        }
        let refused = folder.remove().unwrap_err().to_string();
        assert!(refused.contains("`core`"), "{refused}");
        fs::remove_file(nodes.join("core")).unwrap();
        folder.remove().unwrap();
        assert!(precious.exists() && !folder.path().exists());
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_apart() {
        let (_dir, state) = state();
        let made = state.create(&lab(1)).unwrap();
        drop(FileLedger::open(BackendKind::Fake, made.folder.ledger()).unwrap());
        let record = made.folder.path().join("record.json");
        let is = |standing: &Standing, unreadable| {
            assert_eq!(
                matches!(standing, Standing::Unreadable(_)),
                unreadable,
                "{standing:?}"
            );
        };
        is(&made.folder.standing(), false);
        fs::write(&record, "{").unwrap();
        is(&made.folder.standing(), true);
        fs::remove_file(&record).unwrap();
        nix::unistd::mkfifo(&record, nix::sys::stat::Mode::S_IRWXU).unwrap();
        is(&made.folder.standing(), true);
        made.folder.begin_removal().unwrap();
        assert!(matches!(made.folder.standing(), Standing::Ending));
        made.folder.remove().unwrap();
        assert_eq!(state.folders().unwrap(), []);
    }
}
