//! What goes wrong between us and a server.

use crate::backend::{BackendError, BackendErrorKind, BackendKind};

use super::address::ServerUrl;

/// What goes wrong between us and a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Nobody answers.
    #[error(
        "no GNS3 server answers at {url}: {reason}; start one, or name another with --gns3-url"
    )]
    Unreachable {
        /// Where.
        url: ServerUrl,
        /// The innermost reason.
        reason: String,
    },
    /// Somebody else answers.
    #[error("what answers at {0} is no GNS3 server; name one with --gns3-url")]
    Stranger(ServerUrl),
    /// A server that is not understood.
    #[error("the GNS3 server at {url} is of version {version}, and 2.2 and 3.x are understood")]
    Version {
        /// Where.
        url: ServerUrl,
        /// Its version.
        version: String,
    },
    /// It does not know us.
    #[error(
        "the GNS3 server at {url} does not let {user} in; give --gns3-user, and the password in \
         ORCHESTRATOR_GNS3_PASSWORD or --gns3-password-file"
    )]
    Refused {
        /// Where.
        url: ServerUrl,
        /// Who we said that we are.
        user: String,
    },
    /// It said no.
    #[error("the server said {status}: {message}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// Its reason.
        message: String,
    },
    /// The connection broke, or a request took too long.
    #[error("the connection to {url}: {reason}")]
    Broken {
        /// Where.
        url: ServerUrl,
        /// The innermost reason.
        reason: String,
    },
    /// Its answer makes no sense.
    #[error("the server's answer to {request} is not understood: {reason}")]
    Form {
        /// What was asked.
        request: String,
        /// Why.
        reason: String,
    },
}

impl ServerError {
    /// The HTTP status of a server that said no.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Turns a server's error into a backend's: `result.map_err(at("making project x"))`.
pub(super) fn at(action: impl Into<String>) -> impl FnOnce(ServerError) -> BackendError {
    move |error| {
        let kind = match error {
            ServerError::Answer { status, message } => said_no(status, message),
            // Each of these ends with what to do.
            ServerError::Unreachable { .. }
            | ServerError::Stranger(_)
            | ServerError::Version { .. }
            | ServerError::Refused { .. } => split(&error.to_string()),
            other => BackendErrorKind::system(other),
        };
        kind.at(BackendKind::Gns3, action)
    }
}

/// What a server lacks is told in words of its own; what to do about it is not.
fn said_no(status: u16, message: String) -> BackendErrorKind {
    let remedies = [
        ("uBridge is not available", UBRIDGE),
        ("ubridge", UBRIDGE),
        ("Could not find Dynamips", DYNAMIPS),
        ("Could not pull the", IMAGE),
        ("unix socket", ENGINE),
        ("same subnet", SUBNET),
    ];
    let remedy = remedies.iter().find(|(words, _)| message.contains(words));
    match remedy {
        Some((_, remedy)) => BackendErrorKind::Lacking {
            what: message,
            remedy: (*remedy).to_owned(),
        },
        None => BackendErrorKind::system(ServerError::Answer { status, message }),
    }
}

fn split(text: &str) -> BackendErrorKind {
    let (what, remedy) = text
        .rsplit_once("; ")
        .unwrap_or((text, "use another server"));
    BackendErrorKind::Lacking {
        what: what.to_owned(),
        remedy: remedy.to_owned(),
    }
}

pub(super) const UBRIDGE: &str =
    "install ubridge on the server's machine, where links between nodes are its work";
pub(super) const DYNAMIPS: &str = "install dynamips on the server's machine, or give --gns3-switch docker, which \
                        bridges networks in nodes of ours";
const IMAGE: &str =
    "put it into the Docker engine of the server's machine; `orchestrator image` makes ours";
const ENGINE: &str = "start Docker on the server's machine";
const SUBNET: &str = "computes must reach each other by addresses of one subnet, not by 127.0.0.1: \
                      start each server with `--host ADDRESS`";
