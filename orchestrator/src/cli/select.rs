//! Which backend a lab is raised on.

use std::sync::Arc;

use crate::backend::{Backend, BackendKind};
use crate::plan::Plan;

use super::args::BackendChoice;
use super::failure::Failure;
use super::printer::Printer;
use super::site::Site;

/// Chooses the backend for a plan and makes sure that it can be raised there.
///
/// # Errors
/// Says what this machine lacks.
pub async fn choose(
    choice: BackendChoice,
    plan: &Plan,
    site: &Site,
    printer: Printer,
) -> Result<Arc<dyn Backend>, Failure> {
    let kind = match choice {
        BackendChoice::Netns => BackendKind::Netns,
        BackendChoice::Docker => BackendKind::Docker,
        BackendChoice::Gns3 => BackendKind::Gns3,
        BackendChoice::Fake => BackendKind::Fake,
        BackendChoice::Auto if plan.nodes.iter().any(|node| node.image.is_some()) => {
            BackendKind::Docker
        }
        BackendChoice::Auto => return choose_for_plain(plan, site, printer).await,
    };
    let backend = site.backend(kind);
    backend.preflight(plan).await?;
    Ok(backend)
}

/// Namespaces, or Docker where they are forbidden.
async fn choose_for_plain(
    plan: &Plan,
    site: &Site,
    printer: Printer,
) -> Result<Arc<dyn Backend>, Failure> {
    let netns = site.backend(BackendKind::Netns);
    let Err(forbidden) = netns.preflight(plan).await else {
        return Ok(netns);
    };
    let docker = site.backend(BackendKind::Docker);
    match docker.preflight(plan).await {
        Ok(()) => {
            printer.note(format_args!("using Docker, because {forbidden}"));
            Ok(docker)
        }
        Err(error) => {
            tracing::info!(%error, "Docker cannot be used either");
            Err(forbidden.into())
        }
    }
}
