//! Removes our own things, and nothing else.

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::NetworkDisconnectRequest;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveImageOptions, WaitContainerOptionsBuilder,
};
use futures_util::TryStreamExt;

use crate::backend::{BackendError, BackendErrorKind, BackendKind, Origin, Owned, Resource};

use super::engine::while_it_answers;
use super::error::{at, has_endpoints, status};
use super::mark;

/// Removes `resource` and waits until it is gone. A resource that is gone already, or that carries a foreign
/// mark, is no longer ours.
pub(super) async fn remove(docker: &Docker, resource: &Resource) -> Result<(), BackendError> {
    let failed = |kind: &str, name: &str| at(format!("removing {kind} {name}"));
    match resource {
        Resource::Container(name) => {
            let removed = while_it_answers(docker, remove_container(docker, name)).await;
            gone(removed).map_err(failed("container", name))
        }
        Resource::ContainerNetwork(name) => {
            let removed = while_it_answers(docker, remove_network(docker, name)).await;
            gone(removed).map_err(failed("network", name))
        }
        Resource::Image(name) => {
            let removed = while_it_answers(docker, remove_image(docker, name)).await;
            gone(removed).map_err(failed("image", name))
        }
        Resource::Keeper { .. }
        | Resource::ControlGroup { .. }
        | Resource::Project(_)
        | Resource::Fake(_) => {
            let stranger = std::io::Error::other("an engine has no such resources");
            Err(BackendErrorKind::system(stranger)
                .at(BackendKind::Docker, format!("removing {resource:?}")))
        }
    }
}

/// Lists everything that carries a lab's mark, in the order in which it was made.
pub(super) async fn survey(
    docker: &Docker,
    here: Option<&Origin>,
) -> Result<Vec<Owned>, BackendError> {
    let filter = mark::filter(mark::LAB);
    let networks = ListNetworksOptionsBuilder::default().filters(&filter);
    let networks = while_it_answers(docker, docker.list_networks(Some(networks.build()))).await;
    let networks = networks.map_err(at("listing networks"))?;
    let containers = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filter);
    let containers =
        while_it_answers(docker, docker.list_containers(Some(containers.build()))).await;
    let containers = containers.map_err(at("listing containers"))?;

    let networks = networks.into_iter().filter_map(|network| {
        Some(Owned {
            lab: mark::owner(network.labels.as_ref())?,
            provenance: mark::provenance(network.labels.as_ref(), here),
            resource: Resource::ContainerNetwork(network.name?),
        })
    });
    let containers = containers.into_iter().filter_map(|container| {
        let name = container.names?.into_iter().next()?;
        Some(Owned {
            lab: mark::owner(container.labels.as_ref())?,
            provenance: mark::provenance(container.labels.as_ref(), here),
            resource: Resource::Container(name.trim_start_matches('/').to_owned()),
        })
    });
    Ok(networks.chain(containers).collect())
}

async fn remove_container(docker: &Docker, name: &str) -> Result<(), Error> {
    let there = docker.inspect_container(name, None).await?;
    let labels = there.config.and_then(|config| config.labels);
    let is_ours = mark::is_of_its_lab(name, labels.as_ref());
    let (Some(id), true) = (there.id, is_ours) else {
        return stranger("container", name);
    };
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
    match docker.remove_container(&id, Some(options.build())).await {
        // Somebody else is removing it.
        Err(error) if status(&error) == Some(409) => {
            let removed = WaitContainerOptionsBuilder::default().condition("removed");
            docker
                .wait_container(&id, Some(removed.build()))
                .try_collect::<Vec<_>>()
                .await
                .map(drop)
        }
        other => other,
    }
}

async fn remove_network(docker: &Docker, name: &str) -> Result<(), Error> {
    let there = docker.inspect_network(name, None).await?;
    let is_ours = mark::is_of_its_lab(name, there.labels.as_ref());
    let (Some(id), true) = (there.id, is_ours) else {
        return stranger("network", name);
    };
    match docker.remove_network(&id).await {
        Err(error) if has_endpoints(&error) => {
            unplug_ghosts(docker, &id).await?;
            docker.remove_network(&id).await
        }
        other => other,
    }
}

/// Takes endpoints off a network whose containers are gone. Engines under load sometimes forget to do so
/// (moby #23302, #42119). If an engine has only miscounted, nothing but its restart helps.
async fn unplug_ghosts(docker: &Docker, network: &str) -> Result<(), Error> {
    let there = docker.inspect_network(network, None).await?;
    for (container, endpoint) in there.containers.into_iter().flatten() {
        let container = docker.inspect_container(&container, None).await;
        let gone = container.is_err_and(|error| status(&error) == Some(404));
        if let (true, Some(name)) = (gone, endpoint.name) {
            tracing::debug!(network, name, "unplugging what a container has left");
            let request = NetworkDisconnectRequest {
                container: name,
                force: Some(true),
            };
            docker.disconnect_network(network, request).await?;
        }
    }
    Ok(())
}

async fn remove_image(docker: &Docker, name: &str) -> Result<(), Error> {
    let there = docker.inspect_image(name).await?;
    let labels = there.config.and_then(|config| config.labels);
    if labels.is_none_or(|labels| !labels.contains_key(mark::IMAGE)) {
        return stranger("image", name);
    }
    docker
        .remove_image(name, None::<RemoveImageOptions>, None)
        .await
        .map(drop)
}

#[expect(clippy::unnecessary_wraps, reason = "it is how its callers end")]
fn stranger(kind: &str, name: &str) -> Result<(), Error> {
    tracing::warn!(name, "left alone a {kind} that is not ours");
    Ok(())
}

fn gone(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(error) if status(&error) == Some(404) => Ok(()),
        // The exit code of the container does not matter here.
        Err(Error::DockerContainerWaitError { .. }) => Ok(()),
        other => other,
    }
}
