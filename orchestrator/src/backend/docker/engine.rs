//! The connection to the engine, made when it is first needed.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::OnceCell;

use crate::backend::{BackendError, BackendErrorKind, BackendKind};

use super::error::{at, lacking, no_engine};

/// The address of the engine, and the connection once there is one.
#[derive(Debug)]
pub(in crate::backend) struct Engine {
    host: String,
    docker: OnceCell<Docker>,
    /// Set once it was found to say nothing, so that nobody waits for that twice.
    silent: AtomicBool,
}

impl Engine {
    /// The engine at `host`, an address as `DOCKER_HOST` has it. Nothing is opened yet.
    pub(super) fn new(host: String) -> Self {
        Self {
            host,
            docker: OnceCell::new(),
            silent: AtomicBool::new(false),
        }
    }

    /// The engine that `DOCKER_HOST` names, else the one at the usual socket.
    pub(in crate::backend) fn from_environment() -> Self {
        let host = std::env::var("DOCKER_HOST").ok();
        let host = host.filter(|host| !host.is_empty());
        Self::new(host.unwrap_or_else(|| DEFAULT_HOST.to_owned()))
    }

    /// Whether the engine shares this machine's kernel.
    pub(in crate::backend) fn is_local(&self) -> bool {
        self.host.starts_with("unix://")
    }

    /// Returns the connection, which speaks the newest version of the API that both ends know.
    ///
    /// # Errors
    /// If no usable engine answers. Names the thing that is missing.
    pub(in crate::backend) async fn docker(&self) -> Result<&Docker, BackendError> {
        if self.silent.load(Ordering::Relaxed) {
            return Err(silent(&format!(
                "connecting to the engine at {}",
                self.host
            )));
        }
        let connected = self.docker.get_or_try_init(|| self.connect()).await;
        let is_silent =
            |error: &BackendError| matches!(error.kind, BackendErrorKind::Silent { .. });
        let found_silent = connected.as_ref().err().is_some_and(is_silent);
        self.silent.store(found_silent, Ordering::Relaxed);
        connected
    }

    async fn connect(&self) -> Result<Docker, BackendError> {
        let action = format!("connecting to the engine at {}", self.host);
        let unusable = |error| no_engine(error, &action);
        let docker = Docker::connect_with_host(&self.host).map_err(unusable)?;
        let docker = docker.with_timeout(REQUEST_TIMEOUT);
        let server = tokio::time::timeout(ANSWER, docker.version()).await;
        let server = server.map_err(|_| silent(&action))?.map_err(unusable)?;
        let api = server.api_version.as_deref().unwrap_or_default();
        let version = parse_version(api).unwrap_or_default();
        if version < OLDEST_API {
            return Err(lacking(
                format!(
                    "the engine at {} speaks API {api}; {}.{} is the oldest that will do",
                    self.host, OLDEST_API.0, OLDEST_API.1
                ),
                "install Docker 20.10 or newer",
                &action,
            ));
        }
        check_machine(server.os.as_deref(), server.arch.as_deref(), &action)?;
        let newest = (
            API_DEFAULT_VERSION.major_version,
            API_DEFAULT_VERSION.minor_version,
        );
        if version >= newest {
            return Ok(docker);
        }
        let negotiated = tokio::time::timeout(ANSWER, docker.negotiate_version()).await;
        negotiated
            .map_err(|_| silent(&action))?
            .map_err(at(&action))
    }
}

/// Waits for a request, as long as the engine answers other questions meanwhile.
///
/// # Errors
/// The request's. A timeout if the engine has ceased to answer.
pub(super) async fn while_it_answers<T>(
    docker: &Docker,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut request = pin!(request);
    loop {
        if let Ok(done) = tokio::time::timeout(ANSWER / 2, &mut request).await {
            return done;
        }
        let answer = tokio::time::timeout(ANSWER / 2, docker.ping()).await;
        answer.unwrap_or(Err(Error::RequestTimeoutError))?;
    }
}

fn silent(action: &str) -> BackendError {
    BackendErrorKind::Silent {
        seconds: ANSWER.as_secs(),
    }
    .at(BackendKind::Docker, action)
}

/// Checks that the engine runs Linux on this machine's architecture, as the node binary needs.
fn check_machine(os: Option<&str>, arch: Option<&str>, action: &str) -> Result<(), BackendError> {
    let ours = architecture();
    match (os, arch) {
        (Some("linux") | None, Some(arch)) if arch != ours => Err(lacking(
            format!("the engine's machine is {arch}, this one {ours}"),
            "use an engine on the same architecture",
            action,
        )),
        (Some(os), _) if os != "linux" => Err(lacking(
            format!("the engine runs {os} containers"),
            "switch it to Linux containers",
            action,
        )),
        _ => Ok(()),
    }
}

/// This machine's architecture, as the engine names it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn parse_version(text: &str) -> Option<(usize, usize)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// The version of Docker 20.10, which Podman 4 and newer offers too.
const OLDEST_API: (usize, usize) = (1, 41);

/// The time that an engine may take to answer a question that needs no work.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// The time that one request may take. Starting a container takes seconds on a busy engine.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_lacking() {
        for host in [
            "unix:///no/such.sock",
            "unix:///dev/null",
            "tcp://127.0.0.1:1",
            "tcp://127.0.0.1:99999",
            "tcp://127.0.0.1:port",
            "tcp://",
            "ftp://x",
        ] {
            let error = Engine::new(host.to_owned()).docker().await.unwrap_err();
            let text = error.to_string();
            assert!(
                matches!(error.kind, BackendErrorKind::Lacking { .. }),
                "{text}"
            );
            assert!(text.contains(host), "{text}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(parse_version("1.9").unwrap() < OLDEST_API);
        assert!(parse_version("1.100").unwrap() > OLDEST_API);
        assert_eq!(parse_version("x"), None);
    }
}
