//! Why a backend could not do what it was asked.

use super::{BackendKind, HostName, Resource};

/// Why a backend could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{backend}: {action}: {kind}")]
pub struct BackendError {
    /// Which backend.
    pub backend: BackendKind,
    /// The action that failed, in words: `making network lan`.
    pub action: String,
    /// The kind of failure.
    #[source]
    pub kind: BackendErrorKind,
}

/// The kinds of failure.
#[derive(Debug, thiserror::Error)]
pub enum BackendErrorKind {
    /// This machine lacks something; `remedy` says how to mend it. Exit code 3.
    #[error("{missing}; {remedy}")]
    Lacking {
        /// The thing that is missing.
        missing: String,
        /// The remedy.
        remedy: String,
    },
    /// A resource stands in the way.
    #[error("{0} exists already")]
    Conflict(Resource),
    /// A node's agent did not answer, or its process died.
    #[error("node {node}: {reason}")]
    Node {
        /// The node.
        node: String,
        /// The symptom.
        reason: String,
    },
    /// A deadline passed.
    #[error("waited {seconds} s for {awaited}")]
    Deadline {
        /// The time waited.
        seconds: u64,
        /// The thing waited for.
        awaited: String,
    },
    /// Something accepted the connection and says nothing. Exit code 3 before anything is made.
    #[error("it has not answered within {seconds} s; restart it, or use another backend")]
    Silent {
        /// The time waited.
        seconds: u64,
    },
    /// A part of the lab is on another machine.
    #[error("it is on {0}, which this version cannot reach; use the one that raised the lab")]
    OnHost(HostName),
    /// The engine or the kernel said no.
    #[error("{0}")]
    System(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BackendErrorKind {
    /// Wraps an error of the engine or the kernel.
    pub fn system(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::System(Box::new(error))
    }

    /// Says at which backend and in which action it went wrong.
    pub fn at(self, backend: BackendKind, action: impl Into<String>) -> BackendError {
        BackendError {
            backend,
            action: action.into(),
            kind: self,
        }
    }
}
