//! From the system's errors to the refusals that go over the control channel.

use std::fmt::Display;
use std::io;

use protocol::control::{Failure, FailureKind};

/// A refusal with its reason.
pub(super) fn refusal(kind: FailureKind, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        message: message.into(),
    }
}

/// What the system said when the agent did `action` (as in "writing /etc/x").
pub(super) fn system(action: impl Display, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FailureKind::NotFound,
        io::ErrorKind::PermissionDenied => FailureKind::Denied,
        _ => FailureKind::System,
    };
    refusal(kind, format!("{action}: {error}"))
}
