//! The run directory and the paths in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::whole::{self, write_whole};
use super::{EvidenceError, component};

/// A run's directory. It exists, and what was in it from an earlier run is gone.
///
/// ```text
/// report.json  junit.xml  report.md  report.html  events.ndjson  cells.ndjson  topology.toml
/// tables/<scenario>.csv
/// captures/<scenario>/<node>-<interface>.pcapng
/// received/<scenario>/<cell>/<node>/<file>
/// logs/<node>.log
/// ```
#[derive(Debug, Clone)]
pub struct RunFolder {
    root: PathBuf,
    /// Held as long as a run writes there.
    _lock: Option<Arc<Flock<fs::File>>>,
}

/// A cell of a scenario, by its place in the folder.
#[derive(Debug, Clone, Copy)]
pub struct CellPlace<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The cell's parameters.
    pub params: &'a BTreeMap<String, String>,
}

impl RunFolder {
    /// Makes `runs/<lab>-<time>` in `parent`; a number is added where a run of the same second has
    /// that name. `time` is a stamp without separators, as in `20261121-030112`.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn create(parent: &Path, lab: &str, time: &str) -> Result<Self, EvidenceError> {
        let runs = parent.join("runs");
        make(&runs)?;
        let first = component(&format!("{lab}-{time}"));
        let names = std::iter::once(first.clone()).chain((2..).map(|i| format!("{first}-{i}")));
        for name in names {
            let root = runs.join(name);
            match fs::create_dir(&root) {
                Ok(()) => {
                    let lock = lock(&root)?;
                    return Ok(Self { root, _lock: lock });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(EvidenceError::at(&root, error)),
            }
        }
        Err(EvidenceError::Occupied { path: runs })
    }

    /// Makes the folder that the user named. An earlier run in it is
    /// replaced: exactly the files and folders that a run makes are removed.
    ///
    /// # Errors
    /// [`EvidenceError::Occupied`] if it holds anything but an earlier run, [`EvidenceError::Busy`]
    /// if a run writes there at this time; else with the path.
    pub fn create_at(root: &Path) -> Result<Self, EvidenceError> {
        make(root)?;
        let lock = lock(root)?;
        let at = |e| EvidenceError::at(root, e);
        let occupied = fs::read_dir(root).map_err(at)?.next().is_some();
        // A run that was killed leaves no report, but its events.
        let ours = |name| root.join(name).is_file();
        if occupied && !ours(REPORT_JSON) && !ours(EVENTS) {
            let path = root.to_owned();
            return Err(EvidenceError::Occupied { path });
        }
        // The report goes last, so that a removal that was cut short can be taken up again.
        for name in FOLDERS.iter().chain(FILES).chain(&[REPORT_JSON]) {
            let path = root.join(name);
            remove(&whole::part(&path))?;
            remove(&path)?;
        }
        let folder = Self {
            root: root.to_owned(),
            _lock: lock,
        };
        // Whether anything can be written is known now, not after the run; and by this file the folder is known for
        // a run's.
        folder.write(EVENTS, b"")?;
        Ok(folder)
    }

    /// The folder of a run that was interrupted and shall go on. What is in it stays.
    ///
    /// # Errors
    /// [`EvidenceError::Busy`] if a run writes there at this time; else with the path.
    pub fn resume_at(root: &Path) -> Result<Self, EvidenceError> {
        fs::read_dir(root).map_err(|e| EvidenceError::at(root, e))?;
        let lock = lock(root)?;
        Ok(Self {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    /// The folder of a finished run.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn open(root: &Path) -> Result<Self, EvidenceError> {
        fs::read_dir(root).map_err(|e| EvidenceError::at(root, e))?;
        let root = root.to_owned();
        Ok(Self { root, _lock: None })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where one of the run's own files lies: [`REPORT_JSON`] and its like.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where an interface's capture lies; its folder is made. A number is added where a run that was
    /// interrupted has left one.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn capture(
        &self,
        scenario: &str,
        node: &str,
        interface: &str,
    ) -> Result<PathBuf, EvidenceError> {
        let folder = self.root.join("captures").join(component(scenario));
        make(&folder)?;
        let first = component(&format!("{node}-{interface}"));
        let names = std::iter::once(first.clone()).chain((2..).map(|i| format!("{first}-{i}")));
        let mut paths = names.map(|name| folder.join(name + ".pcapng"));
        let free = paths.find(|path| !path.exists());
        free.ok_or(EvidenceError::Occupied { path: folder })
    }

    /// The folder for what a node received in a cell; it is made.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn received(&self, cell: CellPlace<'_>, node: &str) -> Result<PathBuf, EvidenceError> {
        let folder = self.cell(cell).join(component(node));
        make(&folder)?;
        Ok(folder)
    }

    /// Removes what was received in a cell: all was equal, and nobody asked to keep it. Folders that
    /// are empty thereafter go too.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn drop_received(&self, cell: CellPlace<'_>) -> Result<(), EvidenceError> {
        let cell = self.cell(cell);
        remove(&cell)?;
        // Other cells may still have something there; then these stay.
        for folder in cell.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    /// Where a node's log lies; its folder is made.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn log(&self, node: &str) -> Result<PathBuf, EvidenceError> {
        let folder = self.root.join("logs");
        make(&folder)?;
        Ok(folder.join(component(node) + ".log"))
    }

    /// The path relative to the run directory, as reports name it.
    pub fn relative(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        inside.to_string_lossy().into_owned()
    }

    /// Writes a scenario's table as CSV; its folder is made.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn table(&self, scenario: &str, content: &[u8]) -> Result<(), EvidenceError> {
        make(&self.root.join(TABLES))?;
        let name = component(scenario) + ".csv";
        self.write(&format!("{TABLES}/{name}"), content)
    }

    /// Writes one of the run's own files; a reader sees the old content or the new, never a part.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), EvidenceError> {
        let path = self.root.join(name);
        write_whole(&path, content, 0o644).map_err(|e| EvidenceError::at(&path, e))
    }

    fn cell(&self, cell: CellPlace<'_>) -> PathBuf {
        let scenario = component(cell.scenario);
        let received = self.root.join("received").join(scenario);
        received.join(cell_name(cell.params))
    }
}

/// A cell's folder: `loss=5%,model=single-thread`, or `all` where there is no matrix.
fn cell_name(params: &BTreeMap<String, String>) -> String {
    if params.is_empty() {
        return "all".to_owned();
    }
    let pairs: Vec<String> = params.iter().map(|(k, v)| format!("{k}={v}")).collect();
    component(&pairs.join(","))
}

/// Locks the folder itself, so that nothing is left of the lock. `None` on a file system that has no
/// locks.
fn lock(root: &Path) -> Result<Option<Arc<Flock<fs::File>>>, EvidenceError> {
    let folder = fs::File::open(root).map_err(|e| EvidenceError::at(root, e))?;
    match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => Ok(Some(Arc::new(locked))),
        Err((_, Errno::EWOULDBLOCK)) => Err(EvidenceError::Busy {
            path: root.to_owned(),
        }),
        Err((_, error)) => {
            tracing::debug!(%error, "the run directory cannot be locked");
            Ok(None)
        }
    }
}

fn make(folder: &Path) -> Result<(), EvidenceError> {
    fs::create_dir_all(folder).map_err(|e| EvidenceError::at(folder, e))
}

fn remove(path: &Path) -> Result<(), EvidenceError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EvidenceError::at(path, error))
        }
        _ => Ok(()),
    }
}

/// The run as data.
pub const REPORT_JSON: &str = "report.json";
/// The run as a page.
pub const REPORT_HTML: &str = "report.html";
/// The run as text.
pub const REPORT_MARKDOWN: &str = "report.md";
/// The run as test cases.
pub const JUNIT: &str = "junit.xml";
/// The events of a run, as they happen.
pub const EVENTS: &str = "events.ndjson";
/// The topology, resolved.
pub const TOPOLOGY: &str = "topology.toml";

/// The result of each cell, as soon as it is known.
pub const CELLS: &str = "cells.ndjson";
/// The folder of tables.
const TABLES: &str = "tables";

const FILES: &[&str] = &[REPORT_HTML, REPORT_MARKDOWN, JUNIT, TOPOLOGY, CELLS, EVENTS];
const FOLDERS: &[&str] = &["captures", "received", "logs", TABLES];

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn two_runs_of_one_second_have_two_folders() {
        let root = tempfile::tempdir().unwrap();
        let make = || RunFolder::create(root.path(), "lab", "20261121-030112").unwrap();
        let (first, second) = (make(), make());
        assert!(first.root().ends_with("runs/lab-20261121-030112"));
        assert!(second.root().ends_with("runs/lab-20261121-030112-2"));
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_refused_and_untouched() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.tex"), b"precious").unwrap();
        let error = RunFolder::create_at(root.path()).unwrap_err();
        assert!(matches!(error, EvidenceError::Occupied { .. }), "{error}");
        assert_eq!(entries(root.path()), ["thesis.tex"]);
    }

    #[test]
    fn two_runs_do_not_write_into_one_folder_at_once() {
        let root = tempfile::tempdir().unwrap();
        let first = RunFolder::create_at(root.path()).unwrap();
        first.write(EVENTS, b"{}").unwrap();
        let error = RunFolder::create_at(root.path()).unwrap_err();
        assert!(matches!(error, EvidenceError::Busy { .. }), "{error}");
        assert_eq!(entries(root.path()), ["events.ndjson"]);
        drop(first);
        RunFolder::create_at(root.path()).unwrap();
    }

    #[test]
    fn an_earlier_run_is_replaced_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(&root.path().join("new/out")).unwrap();
        let capture = folder.capture("broadcast", "n-1", "eth0").unwrap();
        fs::write(capture, b"frames").unwrap();
        folder.write(REPORT_JSON, b"{}").unwrap();
        fs::write(folder.file("notes.txt"), b"mine").unwrap();
        let root = folder.root().to_owned();
        drop(folder);
        let folder = RunFolder::create_at(&root).unwrap();
        assert_eq!(entries(folder.root()), ["events.ndjson", "notes.txt"]);
    }

    #[test]
    fn a_place_that_cannot_be_a_folder_is_named_at_once() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = RunFolder::create_at(&file.join("out")).unwrap_err();
        assert!(error.to_string().contains("file/out"), "{error}");
        assert!(error.to_string().contains("--out"), "{error}");
    }

    #[test]
    fn hostile_names_stay_inside() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(root.path()).unwrap();
        let params = BTreeMap::from([("x".to_owned(), "../../../tmp".to_owned())]);
        let cell = CellPlace {
            scenario: "..",
            params: &params,
        };
        let path = folder.received(cell, "n-1").unwrap();
        let inside = path.canonicalize().unwrap();
        assert!(inside.starts_with(root.path().canonicalize().unwrap()));
        assert_eq!(
            path.strip_prefix(root.path()).unwrap().components().count(),
            4
        );
        folder.drop_received(cell).unwrap();
        assert_eq!(entries(root.path()), ["events.ndjson"]);
    }

    #[test]
    fn files_are_replaced_whole_and_readable() {
        use std::os::unix::fs::PermissionsExt;

        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create_at(root.path()).unwrap();
        for content in ["first", "second"] {
            folder.write(JUNIT, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(folder.file(JUNIT)).unwrap(), content);
        }
        let mode = fs::metadata(folder.file(JUNIT))
            .unwrap()
            .permissions()
            .mode();
        // The umask may take more away, never the owner's right to read.
        assert_eq!(mode & 0o400, 0o400);
        assert_eq!(entries(root.path()), ["events.ndjson", "junit.xml"]);
    }
}
