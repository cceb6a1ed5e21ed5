//! Why a race, or one entrant of it, could not go on.

use std::io;

use orchestrator::backend::BackendError;
use orchestrator::control::ControlError;
use orchestrator::lab::LabError;
use plumbing::netlink::NetlinkError;

/// Why a race, or one entrant of it, could not go on.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A lab of ours.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A backend of ours.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The control connection to one of our nodes.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The container engine.
    #[error("the container engine: {0}")]
    Engine(#[from] bollard::errors::Error),
    /// The kernel's network.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The system.
    #[error("{action}: {source}")]
    System {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// An entrant did not do what it should.
    #[error("{0}")]
    Wrong(String),
    /// An entrant took too long.
    #[error("{what} took longer than {seconds} s")]
    Deadline {
        /// What it was doing.
        what: String,
        /// The time it had.
        seconds: u64,
    },
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl BenchError {
    /// Words for an error of the system.
    pub fn system<E: Into<io::Error>>(action: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::System {
            action,
            source: source.into(),
        }
    }
}
