//! Removes our own projects from a server, and nothing else.

use crate::backend::docker::{Engine, stray};
use crate::backend::{BackendError, BackendErrorKind, BackendKind, Origin, Owned, Resource};

use super::address::ProjectUrl;
use super::compute::computes;
use super::error::{ServerError, at};
use super::mark::ProjectAnswer;
use super::reach::container_name;
use super::server::Server;
use super::servers::Servers;

/// Removes a project with everything that runs for it, and makes sure that it is gone. A project that carries a
/// foreign mark is no longer ours.
pub(super) async fn remove(
    server: &Server,
    engine: &Engine,
    url: &ProjectUrl,
) -> Result<(), BackendError> {
    let action = format!("removing project {url}");
    let path = format!("projects/{}", url.project);
    match server.get::<ProjectAnswer>(&path).await {
        Ok(project) if project.owner().is_none() => {
            tracing::warn!(%url, "left alone a project that is not ours");
            return Ok(());
        }
        Ok(_) => {
            if server.delete(&path).await.is_err() {
                connect_computes(server).await;
                server.delete(&path).await.map_err(at(&action))?;
            }
        }
        Err(error) if error.status() == Some(404) => {}
        Err(error) => return Err(at(action)(error)),
    }
    match server.get::<ProjectAnswer>(&path).await {
        Err(error) if error.status() == Some(404) => sweep(engine, url).await,
        Err(error) => Err(at(action)(error)),
        Ok(_) => {
            let there = ServerError::Answer {
                status: 200,
                message: "the server still has it".to_owned(),
            };
            Err(at(action)(there))
        }
    }
}

/// Makes a server connect to those of its computes that it has not connected to yet. It removes no project before
/// that. Version 2.2 connects only seconds after its start, even to itself.
async fn connect_computes(server: &Server) {
    let computes = computes(server).await.unwrap_or_default();
    for compute in computes.iter().filter(|compute| !compute.connected) {
        // Version 2.2 has no request to connect, but any request to a compute makes it connect.
        if let Err(error) = compute.images(server).await {
            tracing::warn!(compute = compute.title(), %error, "a compute does not answer");
        }
    }
}

/// Removes containers that the server has forgotten. It has been seen to leave one running whose start had failed.
/// If its engine cannot be reached from here, this does nothing.
async fn sweep(engine: &Engine, url: &ProjectUrl) -> Result<(), BackendError> {
    let Ok(docker) = engine.docker().await else {
        return Ok(());
    };
    let of_project = container_name("", url.project);
    let of_project = of_project.trim_start_matches("GNS3.");
    let removed = stray::remove_named(docker, of_project).await;
    removed.map_err(|error| {
        let action = format!("looking for containers of project {url}");
        BackendErrorKind::system(error).at(BackendKind::Gns3, action)
    })
}

/// Listens to a project's events until there are no more.
pub(super) async fn quiet(servers: &Servers, url: &ProjectUrl) {
    let Ok(server) = servers.at(&url.server).await else {
        return;
    };
    let path = format!("projects/{}/notifications", url.project);
    if let Ok(mut changes) = server.stream(&path).await {
        while let Ok(Some(_)) = changes.chunk().await {}
    }
}

/// Lists all projects on a server that carry a lab's mark.
pub(super) async fn survey(server: &Server, here: &Origin) -> Result<Vec<Owned>, BackendError> {
    let projects: Vec<ProjectAnswer> = server
        .get("projects")
        .await
        .map_err(at("listing projects"))?;
    let ours = projects.into_iter().filter_map(|project| {
        let url = ProjectUrl {
            server: server.url().clone(),
            project: project.project_id,
        };
        Some(Owned {
            lab: project.owner()?,
            provenance: project.provenance(here),
            resource: Resource::Project(url.to_string()),
        })
    });
    Ok(ours.collect())
}
