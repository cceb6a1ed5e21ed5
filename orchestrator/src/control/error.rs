//! Why a node did not do what it was asked.

use protocol::control::{Failure, FailureKind};
use protocol::frame::FrameError;
use protocol::name::NodeName;

/// Why a node did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("node {node}: {kind}")]
pub struct ControlError {
    /// The node.
    pub node: NodeName,
    /// The kind of failure.
    #[source]
    pub kind: ControlErrorKind,
}

/// A failure between the orchestrator and a node.
#[derive(Debug, thiserror::Error)]
pub enum ControlErrorKind {
    /// The node refused, or tried and failed.
    #[error("{0}")]
    Refused(Failure),
    /// The connection ended: the node died or was removed.
    #[error("the control connection ended before {awaited}; has the node died?")]
    Closed {
        /// The answer that was awaited.
        awaited: String,
    },
    /// The node said something that is not the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The node answered with something else than what was asked.
    #[error("an unexpected answer to {0}")]
    Unexpected(&'static str),
    /// The node did not answer in time.
    #[error("waited {seconds} s for {awaited}")]
    Deadline {
        /// The time waited.
        seconds: u64,
        /// For what.
        awaited: String,
    },
    /// Reading or writing on this side failed.
    #[error("{action}: {source}")]
    Io {
        /// The action that failed.
        action: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl ControlErrorKind {
    /// Says of which node it is.
    pub fn of(self, node: &NodeName) -> ControlError {
        ControlError {
            node: node.clone(),
            kind: self,
        }
    }
}

impl ControlError {
    /// The kind of failure that the node reported, where it did.
    pub fn failure(&self) -> Option<FailureKind> {
        match &self.kind {
            ControlErrorKind::Refused(failure) => Some(failure.kind),
            _ => None,
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_absent(&self) -> bool {
        self.failure() == Some(FailureKind::NotFound)
    }
}
