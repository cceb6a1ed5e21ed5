//! Why a lab could not be raised or removed.

use std::fmt;
use std::path::PathBuf;

use crate::backend::{BackendError, Resource};
use crate::control::ControlError;

/// Why a lab could not be raised, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The backend could not.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A node could not.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A file of a lab's state could not be read or written.
    #[error("{action} {path}: {source}; another folder can be named with --state-dir")]
    State {
        /// `reading`, `writing`, `making`, `removing`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A file that goes into a node could not be read.
    #[error("reading {path} for node {node}: {source}")]
    Input {
        /// The file.
        path: PathBuf,
        /// The node.
        node: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Another process acts on the lab.
    #[error("lab {lab} is in use by process {pid}; wait for it to end, or end it")]
    Busy {
        /// The lab.
        lab: String,
        /// The process that holds the lock.
        pid: String,
    },
    /// Raising failed, and not everything could be taken away again.
    #[error("{cause}; and then {after}")]
    Left {
        /// Why it could not be raised.
        cause: Box<Self>,
        /// Why it could not be taken away.
        after: Box<Self>,
    },
    /// Not everything could be removed.
    #[error("{0}")]
    Leftovers(#[from] Leftovers),
}

/// What could not be removed, each with the reason.
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
            "\n  mend the cause, then run `orchestrator clean`, or `orchestrator down` if `orchestrator ps` still lists the lab"
        )
    }
}

impl std::error::Error for Leftovers {}
