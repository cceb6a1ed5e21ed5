//! Errors of raising and removing labs.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::backend::{BackendError, Resource};
use crate::control::ControlError;

/// The reason why a lab could not be raised, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A node failed.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A file of a lab's state could not be read or written.
    #[error("{action} {path}: {source}{}", remedy(action, source))]
    State {
        /// `reading`, `writing`, `making`, `removing`, ….
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that goes into a node could not be read.
    #[error("reading {path} for node {node}: {source}")]
    Input {
        /// The file.
        path: PathBuf,
        /// The node.
        node: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process acts on the lab.
    #[error("lab {lab} is in use by process {pid}; wait for it to end, or end it")]
    Busy {
        /// The lab.
        lab: String,
        /// The process that holds the lock.
        pid: String,
    },
    /// A ledger lists what this version does not know.
    #[error(
        "{lines} of the lines in {path} are not understood; take the lab down with the version that raised it, or, \
         if nothing is left of it, remove {}",
        path.parent().unwrap_or(path).display()
    )]
    Unread {
        /// The ledger.
        path: PathBuf,
        /// The number of lines.
        lines: usize,
    },
    /// It cannot be removed from here.
    #[error("lab {lab} was raised {place}; take it down there")]
    Elsewhere {
        /// The lab.
        lab: String,
        /// The place where it was raised.
        place: &'static str,
    },
    /// Raising failed, and not everything could be taken away again.
    #[error("{cause}; and then {after}")]
    Left {
        /// The reason why it could not be raised.
        cause: Box<Self>,
        /// The reason why it could not be taken away.
        after: Box<Self>,
    },
    /// Not everything could be removed.
    #[error("{0}")]
    Leftovers(#[from] Leftovers),
}

/// Returns the remedy for an error on a file of a lab's state. Another folder helps only where something
/// is to be made.
fn remedy(action: &str, source: &io::Error) -> &'static str {
    match (action, source.kind()) {
        (_, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            "; free space there, or inodes (`df -i` counts them)"
        }
        ("changing" | "removing", ErrorKind::ReadOnlyFilesystem) => {
            "; make its file system writable again"
        }
        ("making" | "opening" | "writing", _) => "; another folder can be named with --state-dir",
        _ => "",
    }
}

/// The resources that could not be removed, each with the reason.
#[derive(Debug)]
pub struct Leftovers(pub Vec<(Resource, BackendError)>);

impl fmt::Display for Leftovers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} of the lab's resources could not be removed",
            self.0.len()
        )?;
        for (resource, reason) in &self.0 {
            write!(out, "\n  {resource}: {reason}")?;
        }
        write!(
            out,
            "\n  mend the cause, then run `orchestrator clean`, which goes on"
        )
    }
}

impl std::error::Error for Leftovers {}
