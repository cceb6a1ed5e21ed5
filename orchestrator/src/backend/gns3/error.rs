//! Failures between us and a server.

use crate::backend::{BackendError, BackendErrorKind, BackendKind};

use super::address::ServerUrl;
use super::server::PROBE_TIMEOUT;

/// A failure between us and a server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Nobody answers.
    #[error("no GNS3 server answers at {url}: {reason}")]
    Unreachable {
        /// Where.
        url: ServerUrl,
        /// The innermost reason.
        reason: String,
    },
    /// It accepts connections and says nothing.
    #[error("the GNS3 server at {0} does not answer")]
    Silent(ServerUrl),
    /// Somebody else answers.
    #[error("what answers at {0} is no GNS3 server")]
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
    #[error("the GNS3 server at {url} does not let {user} in")]
    Refused {
        /// Where.
        url: ServerUrl,
        /// The user that we gave.
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
        /// The request that failed.
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

    /// Returns the remedy, where one is known.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some("start one, or name another with --gns3-url"),
            Self::Stranger(_) => Some("name one with --gns3-url"),
            Self::Version { .. } => Some("name another with --gns3-url"),
            Self::Refused { .. } => Some(
                "give --gns3-user, and the password in ORCHESTRATOR_GNS3_PASSWORD or \
                 --gns3-password-file",
            ),
            Self::Answer { message, .. } => {
                let lack = LACKS.iter().find(|(words, _)| message.contains(words));
                lack.map(|(_, remedy)| *remedy)
            }
            Self::Silent(_) | Self::Broken { .. } | Self::Form { .. } => None,
        }
    }
}

/// Turns a server's error into a backend's: `result.map_err(at("making project x"))`.
pub(super) fn at(action: impl Into<String>) -> impl FnOnce(ServerError) -> BackendError {
    move |error| {
        let kind = match (error.remedy(), error) {
            (_, ServerError::Silent(_)) => BackendErrorKind::Silent {
                seconds: PROBE_TIMEOUT.as_secs(),
            },
            (None, error) => BackendErrorKind::system(error),
            (Some(remedy), error) => BackendErrorKind::Lacking {
                missing: match error {
                    // A server tells what it lacks in words of its own, without what to do about it.
                    ServerError::Answer { message, .. } => message,
                    other => other.to_string(),
                },
                remedy: remedy.to_owned(),
            },
        };
        kind.at(BackendKind::Gns3, action)
    }
}

/// The things that servers say they lack, each with its remedy.
const LACKS: [(&str, &str); 5] = [
    ("uBridge is not available", UBRIDGE),
    ("Could not find Dynamips", DYNAMIPS),
    (
        "Could not pull the",
        "put it into the Docker engine of the server's machine; `orchestrator image` makes ours",
    ),
    ("unix socket", "start Docker on the server's machine"),
    (
        "same subnet",
        "computes must reach each other by addresses of one subnet, not by 127.0.0.1: start each \
         server with `--host ADDRESS`",
    ),
];

pub(super) const UBRIDGE: &str =
    "install ubridge on the server's machine, where links between nodes are its work";
pub(super) const DYNAMIPS: &str = "install dynamips on the server's machine, or give --gns3-switch docker, which \
                        bridges networks in nodes of ours";
