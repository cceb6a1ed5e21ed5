//! The failures that can occur while a lab is made, with the step of each; and failures on demand, for tests.

use std::io;

use nix::errno::Errno;
use plumbing::netlink::NetlinkError;
use plumbing::sysctl::SysctlError;
use protocol::control::Failure;
use protocol::keeper::KeeperFailure;
use protocol::name::NodeName;

/// The system's answer.
#[derive(Debug)]
pub(super) struct Problem {
    reason: String,
    errno: Option<i32>,
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self {
            errno: error.raw_os_error(),
            reason: error.to_string(),
        }
    }
}

impl From<Errno> for Problem {
    fn from(errno: Errno) -> Self {
        io::Error::from(errno).into()
    }
}

impl From<NetlinkError> for Problem {
    fn from(error: NetlinkError) -> Self {
        Self {
            errno: error.raw_os_error(),
            reason: error.to_string(),
        }
    }
}

impl From<SysctlError> for Problem {
    fn from(error: SysctlError) -> Self {
        Self {
            errno: error.source.raw_os_error(),
            reason: error.to_string(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self {
            errno: None,
            reason: failure.message,
        }
    }
}

/// Says what was being done when something went wrong.
pub(super) trait DuringStep<T> {
    /// `step` in words: `mounting /proc`.
    fn during(self, step: impl Into<String>) -> Result<T, KeeperFailure>;
}

impl<T, E: Into<Problem>> DuringStep<T> for Result<T, E> {
    fn during(self, step: impl Into<String>) -> Result<T, KeeperFailure> {
        self.map_err(|error| {
            let Problem { reason, errno } = error.into();
            KeeperFailure {
                node: None,
                step: step.into(),
                reason,
                errno,
            }
        })
    }
}

/// Says which node a failure concerns.
pub(super) trait OnNode<T> {
    /// Names the node.
    fn on_node(self, node: &NodeName) -> Result<T, KeeperFailure>;
}

impl<T> OnNode<T> for Result<T, KeeperFailure> {
    fn on_node(self, node: &NodeName) -> Self {
        self.map_err(|failure| KeeperFailure {
            node: Some(node.clone()),
            ..failure
        })
    }
}

/// Counts the steps by which a lab is made, and fails at the one that a test asks for.
#[derive(Debug)]
pub(super) struct Steps {
    next: u32,
    fail_at: Option<u32>,
}

impl Steps {
    /// Begins at step zero.
    pub(super) fn new(fail_at: Option<u32>) -> Self {
        Self { next: 0, fail_at }
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, step: &str) -> Result<(), KeeperFailure> {
        let number = self.next;
        self.next += 1;
        if self.fail_at == Some(number) {
            return Err(Errno::ECANCELED)
                .during(format!("{step} (step {number}, failed on demand)"));
        }
        Ok(())
    }

    /// Sets aside the numbers of `count` steps that another process takes meanwhile.
    pub(super) fn set_aside(&mut self, count: u32) -> Self {
        let first = self.next;
        self.next += count;
        Self {
            next: first,
            fail_at: self.fail_at,
        }
    }
}
