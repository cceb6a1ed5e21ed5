//! The engine's errors in words of ours.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error;

use crate::backend::{BackendError, BackendErrorKind, BackendKind};

use super::engine::{ANSWER, REQUEST_TIMEOUT};

/// Turns an engine's error into ours: `result.map_err(at("making network lan"))`.
pub(super) fn at(action: impl Into<String>) -> impl FnOnce(Error) -> BackendError {
    move |error| {
        let action = action.into();
        kind(error, &action).at(BackendKind::Docker, action)
    }
}

/// Explains a failure of the first request to an engine: whatever the reason, no engine can be used.
pub(super) fn no_engine(error: Error, action: &str) -> BackendError {
    match kind(error, action) {
        lacking @ BackendErrorKind::Lacking { .. } => lacking.at(BackendKind::Docker, action),
        other => lacking(
            format!("no Docker engine answers there: {other}"),
            ADDRESS,
            action,
        ),
    }
}

/// Something that this machine or the engine lacks, and how to mend it.
pub(super) fn lacking(
    missing: impl Into<String>,
    remedy: impl Into<String>,
    action: &str,
) -> BackendError {
    BackendErrorKind::Lacking {
        missing: missing.into(),
        remedy: remedy.into(),
    }
    .at(BackendKind::Docker, action)
}

/// The HTTP status that the engine answered with, if it answered.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The silence of an engine. Nothing has come of a request, not even an error.
#[derive(Debug, thiserror::Error)]
#[error("the engine has not answered within {} s", ANSWER.as_secs())]
struct Silence;

/// Returns the error of a request to an engine that says nothing.
pub(super) fn silence() -> Error {
    io::Error::new(io::ErrorKind::TimedOut, Silence).into()
}

/// Returns whether an error is the silence of an engine.
pub(super) fn is_silence(error: &Error) -> bool {
    let Error::IOError { err } = error else {
        return false;
    };
    let cause = err.get_ref();
    cause
        .and_then(|cause| cause.downcast_ref::<Silence>())
        .is_some()
}

/// Whether a network cannot be removed because something is plugged in, or because the engine thinks
/// so.
pub(super) fn has_endpoints(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. } if message.contains("active endpoints"))
}

fn kind(error: Error, awaited: &str) -> BackendErrorKind {
    if let Some(remedy) = unreachable(&error) {
        return remedy;
    }
    match &error {
        _ if is_silence(&error) => BackendErrorKind::Silent {
            seconds: ANSWER.as_secs(),
        },
        Error::RequestTimeoutError => BackendErrorKind::Deadline {
            seconds: REQUEST_TIMEOUT.as_secs(),
            awaited: format!("the engine, {awaited}"),
        },
        Error::DockerResponseServerError { message, .. } if is_full(message) => {
            BackendErrorKind::Lacking {
                missing: format!("the engine's disk is full ({message})"),
                remedy: "free space there, for instance with `docker system prune`".to_owned(),
            }
        }
        Error::DockerResponseServerError { message, .. } if has_endpoints(&error) => {
            BackendErrorKind::Lacking {
                missing: format!("the engine says: {message}"),
                remedy:
                    "take strangers off it (`docker network inspect` names them); if there are \
                         none, the engine has miscounted: restart it, then `orchestrator clean`"
                        .to_owned(),
            }
        }
        _ => BackendErrorKind::system(error),
    }
}

/// Explains that no engine answers at all, with the remedy.
fn unreachable(error: &Error) -> Option<BackendErrorKind> {
    let lacking = |missing: String, remedy: &str| {
        Some(BackendErrorKind::Lacking {
            missing,
            remedy: remedy.to_owned(),
        })
    };
    match error {
        Error::SocketNotFoundError(path) => lacking(
            format!("no Docker engine: there is no socket {path}"),
            START,
        ),
        Error::UnsupportedURISchemeError { uri } => lacking(
            format!("DOCKER_HOST is {uri}, which is no address of an engine here"),
            ADDRESS,
        ),
        _ => match io_error(error)? {
            io if io.raw_os_error() == Some(EMFILE) => lacking(
                "this process may open no more files".to_owned(),
                "raise the limit: `ulimit -n`",
            ),
            io => match io.kind() {
                io::ErrorKind::PermissionDenied => lacking(
                    "the Docker engine's socket may not be opened by this user".to_owned(),
                    "run `sudo usermod -aG docker $USER` and log in again, or run as root, or use \
                 `--backend netns`",
                ),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    lacking("no Docker engine answers".to_owned(), START)
                }
                _ => None,
            },
        },
    }
}

/// The system's error that a client's error comes from.
fn io_error(error: &Error) -> Option<&io::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}

fn is_full(message: &str) -> bool {
    message.contains("no space left on device")
}

/// errno(3).
const EMFILE: i32 = nix::errno::Errno::EMFILE as i32;

const ADDRESS: &str = "write unix:///PATH or tcp://HOST:PORT into DOCKER_HOST, or use \
                       `--backend netns`";

const START: &str = "start one (`sudo systemctl start docker`), or name another in DOCKER_HOST, or \
                     use `--backend netns`";
