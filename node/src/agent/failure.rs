//! From the system's errors to the refusals that go over the control channel.

use std::fmt::Display;
use std::io;

use protocol::control::{Failure, FailureKind};
use protocol::shortage::remedy;

/// A refusal with its reason.
pub(super) fn refusal(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        message: message.into(),
    }
}

/// Reports a system error that occurred during `action` (as in "writing /etc/x"). Adds the remedy where
/// processes are lacking, for which the system says `EAGAIN` (fork(2)).
pub(super) fn system(action: impl Display, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::PermissionDenied => FailureKind::Denied,
        _ => FailureKind::System,
    };
    let remedy = remedy(error);
    refusal(kind, format!("{action}: {error}{remedy}"))
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    #[test]
    fn a_lack_of_processes_comes_with_its_remedy() {
        let lack = io::Error::from_raw_os_error(libc::EAGAIN);
        let failure = system("/bin/x: cannot be started", &lack);
        assert_eq!(failure.kind, FailureKind::System);
        assert!(failure.message.contains("`pids`"), "{}", failure.message);
        let other = io::Error::from_raw_os_error(libc::EIO);
        let failure = system("/bin/x: cannot be started", &other);
        assert!(!failure.message.contains("raise"), "{}", failure.message);
    }
}
