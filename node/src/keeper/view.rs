//! The parts of this machine that a node sees.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder or file of this machine that nodes see.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// Its place in nodes.
    pub(super) target: PathBuf,
    /// Its place in the keeper's root.
    pub(super) source: PathBuf,
    /// The place in the keeper's root of a lower layer for a node's own writes.
    pub(super) layer: PathBuf,
}

/// A node's view of this machine.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Layers of its root, the uppermost first.
    pub(super) layers: Vec<&'static Path>,
    /// Parts shown read-only, with what is mounted below them.
    pub(super) shown: Vec<Shown>,
    /// Folders that it writes to privately, parents before children.
    pub(super) private: Vec<Private>,
    /// Files and folders of this machine that it must not see.
    pub(super) hidden: Vec<PathBuf>,
}

/// A folder that a node writes to privately.
#[derive(Debug, Clone)]
pub(super) struct Private {
    /// Its place in nodes.
    pub(super) target: PathBuf,
    /// The place in the keeper's root of what lies below the node's writes.
    pub(super) layer: PathBuf,
}

impl View {
    /// Returns the lower layer for a folder that is shown read-only, by itself or within another one.
    pub(super) fn layer_of(&self, folder: &Path) -> Option<PathBuf> {
        self.shown.iter().find_map(|shown| {
            let rest = folder.strip_prefix(&shown.target).ok()?;
            Some(below(&shown.layer, rest))
        })
    }

    /// Returns the folder as one that a node writes to privately, if it is shown read-only and not private by now.
    pub(super) fn make_private(&self, folder: PathBuf) -> Option<Private> {
        if self.private.iter().any(|private| private.target == folder) {
            return None;
        }
        let mut layer = self.layer_of(&folder)?;
        // The layer still has what is hidden.
        if self.hidden.iter().any(|hidden| hidden.starts_with(&folder)) {
            layer = PathBuf::from(NOTHING);
        }
        Some(Private {
            layer,
            target: folder,
        })
    }
}

/// The place of an empty folder in the keeper's root.
const NOTHING: &str = "/nothing";

/// Returns the deepest folder on the way to `path` that exists, without symbolic links in it.
pub(super) fn existing_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find_map(|ancestor| fs::canonicalize(ancestor).ok())
        .filter(|found| found.is_dir())
}

/// Returns folders with parents before children, each once.
pub(super) fn in_order(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut folders: Vec<_> = folders.collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Returns the place that a path of this machine has below `folder`.
pub(super) fn below(folder: &Path, path: &Path) -> PathBuf {
    let rest = path.strip_prefix("/").unwrap_or(path);
    if rest.as_os_str().is_empty() {
        return folder.to_owned();
    }
    folder.join(rest)
}
