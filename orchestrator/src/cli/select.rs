//! Which backend a lab is raised on.

use std::sync::Arc;

use crate::backend::docker::DockerBackend;
use crate::backend::fake::FakeBackend;
use crate::backend::netns::NetnsBackend;
use crate::backend::{Backend, BackendKind};
use crate::embedded::node_binary;
use crate::lab::StateDir;
use crate::plan::Plan;

use super::args::BackendChoice;
use super::console::Console;
use super::environment;
use super::failure::Failure;

/// The backend of a kind.
pub fn backend(kind: BackendKind, state: &StateDir) -> Arc<dyn Backend> {
    match kind {
        BackendKind::Netns => Arc::new(NetnsBackend::new(state.path().to_owned(), node_binary())),
        BackendKind::Docker => {
            Arc::new(DockerBackend::from_environment(node_binary()).recorded_in(state.path()))
        }
        BackendKind::Fake => Arc::new(FakeBackend::with_faults(&environment::fake_faults())),
    }
}

/// Chooses the backend for a plan and makes sure that it can be raised there.
///
/// # Errors
/// Says what this machine lacks.
pub async fn choose(
    choice: BackendChoice,
    plan: &Plan,
    state: &StateDir,
    console: Console,
) -> Result<Arc<dyn Backend>, Failure> {
    let kind = match choice {
        BackendChoice::Netns => BackendKind::Netns,
        BackendChoice::Docker => BackendKind::Docker,
        BackendChoice::Fake => BackendKind::Fake,
        BackendChoice::Auto if plan.nodes.iter().any(|node| node.image.is_some()) => {
            BackendKind::Docker
        }
        BackendChoice::Auto => return choose_for_plain(plan, state, console).await,
    };
    let backend = backend(kind, state);
    backend.preflight(plan).await?;
    Ok(backend)
}

/// Namespaces, or Docker where they are forbidden.
async fn choose_for_plain(
    plan: &Plan,
    state: &StateDir,
    console: Console,
) -> Result<Arc<dyn Backend>, Failure> {
    let netns = backend(BackendKind::Netns, state);
    let Err(forbidden) = netns.preflight(plan).await else {
        return Ok(netns);
    };
    let docker = backend(BackendKind::Docker, state);
    match docker.preflight(plan).await {
        Ok(()) => {
            console.note(format_args!("using Docker, because {forbidden}"));
            Ok(docker)
        }
        Err(error) => {
            tracing::info!(%error, "Docker cannot be used either");
            Err(forbidden.into())
        }
    }
}
