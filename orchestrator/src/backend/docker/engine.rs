//! The connection to the engine, made when it is first needed.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::query_parameters::ListContainersOptionsBuilder;
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::stream::{Stream, TryStreamExt};
use tokio::sync::OnceCell;

use crate::backend::{BackendError, BackendErrorKind, BackendKind, WAITING};

use super::error::{at, lacking, no_engine, silence};

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
        self.heed(self.docker.get_or_try_init(|| self.connect()).await)
    }

    /// Passes on what came of the work on the engine. If the engine has fallen silent over it, nobody waits for it
    /// again: it may still carry out what it was asked for, so that nothing can be known to be gone.
    pub(super) fn heed<T>(&self, done: Result<T, BackendError>) -> Result<T, BackendError> {
        if done.as_ref().err().is_some_and(is_silent) {
            self.silent.store(true, Ordering::Relaxed);
        }
        done
    }

    async fn connect(&self) -> Result<Docker, BackendError> {
        let action = format!("connecting to the engine at {}", self.host);
        let connected = tokio::time::timeout(ANSWER, self.greet(&action)).await;
        connected.unwrap_or_else(|_| Err(silent(&action)))
    }

    async fn greet(&self, action: &str) -> Result<Docker, BackendError> {
        let unusable = |error| no_engine(error, action);
        let docker = Docker::connect_with_host(&self.host).map_err(unusable)?;
        let docker = docker.with_timeout(REQUEST_TIMEOUT);
        let server = docker.version().await.map_err(unusable)?;
        let api = server.api_version.as_deref().unwrap_or_default();
        let version = parse_version(api).unwrap_or_default();
        if version < OLDEST_API {
            return Err(lacking(
                format!(
                    "the engine at {} speaks API {api}; {}.{} is the oldest that will do",
                    self.host, OLDEST_API.0, OLDEST_API.1
                ),
                "install Docker 20.10 or newer",
                action,
            ));
        }
        check_machine(server.os.as_deref(), server.arch.as_deref(), action)?;
        let newest = (
            API_DEFAULT_VERSION.major_version,
            API_DEFAULT_VERSION.minor_version,
        );
        let docker = if version >= newest {
            docker
        } else {
            docker.negotiate_version().await.map_err(at(action))?
        };
        work_shows(&docker).await.map_err(unusable)?;
        Ok(docker)
    }
}

/// Asks the smallest question that an engine can answer only if it works. One that hangs may still tell its version.
async fn work_shows(docker: &Docker) -> Result<(), Error> {
    let one = ListContainersOptionsBuilder::default().limit(1).build();
    docker.list_containers(Some(one)).await.map(drop)
}

/// Waits for the answer to a request that needs next to no work.
///
/// # Errors
/// The request's. [`silence`] if none came within [`ANSWER`].
pub(super) async fn soon<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let answered = tokio::time::timeout(ANSWER, request).await;
    answered.unwrap_or_else(|_| Err(silence()))
}

/// Waits for a request that is work, as long as the engine answers a small question meanwhile. Says now and again
/// what is waited for: `making node a`.
///
/// # Errors
/// The request's. [`silence`] if the engine has ceased to answer. A timeout after [`REQUEST_TIMEOUT`].
pub(super) async fn while_it_answers<T>(
    docker: &Docker,
    awaited: &str,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let begun = Instant::now();
    let mut request = Box::pin(request);
    while begun.elapsed() < REQUEST_TIMEOUT {
        if let Ok(done) = tokio::time::timeout(ANSWER / 2, &mut request).await {
            return done;
        }
        tokio::select! {
            done = &mut request => return done,
            answer = tokio::time::timeout(ANSWER / 2, work_shows(docker)) => {
                answer.unwrap_or_else(|_| Err(silence()))?;
            }
        }
        let seconds = begun.elapsed().as_secs();
        tracing::info!(target: WAITING, "waiting for the engine since {seconds} s: {awaited}");
    }
    Err(Error::RequestTimeoutError)
}

/// Waits for the end of work that the engine reports on, as long as it reports or answers. Says now and again how far
/// it is, in the words that `told` finds in a report.
///
/// # Errors
/// As [`while_it_answers`], for each report.
pub(super) async fn while_it_reports<T>(
    docker: &Docker,
    awaited: &str,
    reports: impl Stream<Item = Result<T, Error>>,
    told: impl Fn(T) -> Option<String>,
) -> Result<(), Error> {
    let mut reports = pin!(reports);
    let mut shown = Instant::now();
    while let Some(report) = while_it_answers(docker, awaited, reports.try_next()).await? {
        if shown.elapsed() >= ANSWER / 2
            && let Some(progress) = told(report)
        {
            tracing::info!(target: WAITING, "{awaited}: {progress}");
            shown = Instant::now();
        }
    }
    Ok(())
}

fn is_silent(error: &BackendError) -> bool {
    matches!(error.kind, BackendErrorKind::Silent { .. })
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

/// The time that an engine may take to answer a question that needs next to no work.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// The time that one request, or one report, may take on an engine that answers other questions.
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
