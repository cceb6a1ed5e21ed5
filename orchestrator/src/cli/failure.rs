//! Failures that end a verb early, each with its exit code and its remedy.

use std::process::ExitCode;

use protocol::control::FailureKind;

use crate::backend::{BackendError, BackendErrorKind};
use crate::control::ControlError;
use crate::evidence::{EvidenceError, ResumeError};
use crate::lab::LabError;
use crate::report::model::Outcome;

/// The outcome of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All is as it should be.
    Passed,
    /// A scenario or verification failed.
    Failed,
    /// The input is wrong.
    Input,
    /// This machine lacks something, or all was skipped.
    Lacking,
    /// It could not be carried out.
    Error,
    /// Something of a lab is left.
    Leftovers,
    /// Ctrl-C, or SIGTERM.
    Interrupted,
    /// A program in a node exited with this code.
    Program(u8),
}

/// Why a verb ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Text for the user that stands by itself, with its exit code: diagnostics of a file.
    #[error("{0}")]
    Rendered(String, Status),
    /// The command line, or what it names, is wrong.
    #[error("{0}")]
    Input(String),
    /// This machine lacks something.
    #[error("{0}")]
    Lacking(String),
    /// It could not be carried out.
    #[error("{0}")]
    Error(String),
    /// A lab could not be raised, found or removed.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Evidence could not be kept.
    #[error("run directory: {0}")]
    Evidence(#[from] EvidenceError),
    /// The user said stop.
    #[error("interrupted")]
    Interrupted,
}

impl Status {
    /// Returns the status of a verb whose run had this outcome.
    pub fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Failed | Outcome::Incomplete => Self::Failed,
            Outcome::Skipped => Self::Lacking,
            Outcome::Error => Self::Error,
        }
    }

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Input => 2,
            Self::Lacking => 3,
            Self::Error => 4,
            Self::Leftovers => 5,
            Self::Interrupted => 130,
            Self::Program(code) => code,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

impl Failure {
    /// Classifies a node's refusal of a name from the command line: where there is no such thing, or it is of
    /// another kind, the input is wrong.
    pub fn of_named(error: ControlError) -> Self {
        match error.failure() {
            Some(FailureKind::NotFound | FailureKind::Invalid) => Self::Input(error.to_string()),
            _ => error.into(),
        }
    }

    /// The exit code that it asks for.
    pub fn status(&self) -> Status {
        match self {
            Self::Rendered(_, status) => *status,
            Self::Input(_) | Self::Evidence(EvidenceError::Occupied { .. }) => Status::Input,
            Self::Lacking(_) => Status::Lacking,
            Self::Error(_) | Self::Evidence(_) => Status::Error,
            Self::Lab(error) => lab_status(error),
            Self::Interrupted => Status::Interrupted,
        }
    }
}

fn lab_status(error: &LabError) -> Status {
    match error {
        LabError::Backend(BackendError {
            kind: BackendErrorKind::Lacking { .. } | BackendErrorKind::Silent { .. },
            ..
        }) => Status::Lacking,
        LabError::Input { .. } => Status::Input,
        LabError::Leftovers(_) | LabError::Left { .. } => Status::Leftovers,
        _ => Status::Error,
    }
}

impl From<ResumeError> for Failure {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::Evidence(error) => Self::Evidence(error),
            ResumeError::Nothing { .. } | ResumeError::Other { .. } => {
                Self::Input(error.to_string())
            }
        }
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Lab(error.into())
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        Self::Lab(error.into())
    }
}
