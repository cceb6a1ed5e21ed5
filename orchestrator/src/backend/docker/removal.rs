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

use super::engine::{soon, while_it_answers};
use super::error::{at, has_endpoints, status};
use super::mark;

/// Removes `resource` and waits until it is gone. A resource that is gone already, or that carries a foreign
/// mark, is no longer ours.
pub(super) async fn remove(docker: &Docker, resource: &Resource) -> Result<(), BackendError> {
    let removing = format!("removing {resource}");
    let removed = match resource {
        Resource::Container(name) => remove_container(docker, name, &removing).await,
        Resource::ContainerNetwork(name) => remove_network(docker, name, &removing).await,
        Resource::Image(name) => remove_image(docker, name, &removing).await,
        Resource::Keeper { .. }
        | Resource::ControlGroup { .. }
        | Resource::Project(_)
        | Resource::Fake(_)
        | Resource::OnHost { .. } => {
            let stranger = std::io::Error::other("an engine has no such resources");
            return Err(BackendErrorKind::system(stranger).at(BackendKind::Docker, removing));
        }
    };
    gone(removed).map_err(at(removing))
}

/// Lists everything that carries a lab's mark, in the order in which it was made.
pub(super) async fn survey(
    docker: &Docker,
    here: Option<&Origin>,
) -> Result<Vec<Owned>, BackendError> {
    let filter = mark::filter(mark::LAB);
    let networks = ListNetworksOptionsBuilder::default().filters(&filter);
    let containers = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filter);
    let networks = soon(docker.list_networks(Some(networks.build())));
    let containers = soon(docker.list_containers(Some(containers.build())));
    let (networks, containers) = tokio::join!(networks, containers);
    let networks = networks.map_err(at("listing networks"))?;
    let containers = containers.map_err(at("listing containers"))?;

    let networks = networks.into_iter().filter_map(|network| {
        let labels = network.labels.as_ref();
        let is_of_its_lab = mark::is_of_its_lab(network.name.as_deref()?, labels);
        Some(Owned {
            lab: mark::owner(labels).filter(|_| is_of_its_lab)?,
            provenance: mark::provenance(network.labels.as_ref(), here),
            resource: Resource::ContainerNetwork(network.name?),
        })
    });
    let containers = containers.into_iter().filter_map(|container| {
        let name = container.names?.into_iter().next()?;
        let labels = container.labels.as_ref();
        let is_of_its_lab = mark::is_of_its_lab(name.trim_start_matches('/'), labels);
        Some(Owned {
            lab: mark::owner(labels).filter(|_| is_of_its_lab)?,
            provenance: mark::provenance(container.labels.as_ref(), here),
            resource: Resource::Container(name.trim_start_matches('/').to_owned()),
        })
    });
    Ok(networks.chain(containers).collect())
}

async fn remove_container(docker: &Docker, name: &str, removing: &str) -> Result<(), Error> {
    let there = soon(docker.inspect_container(name, None)).await?;
    let labels = there.config.and_then(|config| config.labels);
    let is_ours = mark::is_of_its_lab(name, labels.as_ref());
    let (Some(id), true) = (there.id, is_ours) else {
        return stranger("container", name);
    };
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
    let removed = docker.remove_container(&id, Some(options.build()));
    match while_it_answers(docker, removing, removed).await {
        // Somebody else is removing it.
        Err(error) if status(&error) == Some(409) => {
            let removed = WaitContainerOptionsBuilder::default().condition("removed");
            let removed = docker.wait_container(&id, Some(removed.build()));
            let removed = while_it_answers(docker, removing, removed.try_collect::<Vec<_>>());
            removed.await.map(drop)
        }
        other => other,
    }
}

async fn remove_network(docker: &Docker, name: &str, removing: &str) -> Result<(), Error> {
    let there = soon(docker.inspect_network(name, None)).await?;
    let is_ours = mark::is_of_its_lab(name, there.labels.as_ref());
    let (Some(id), true) = (there.id, is_ours) else {
        return stranger("network", name);
    };
    let remove = || while_it_answers(docker, removing, docker.remove_network(&id));
    match remove().await {
        Err(error) if has_endpoints(&error) => {
            while_it_answers(docker, removing, unplug_ghosts(docker, &id)).await?;
            remove().await
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

async fn remove_image(docker: &Docker, name: &str, removing: &str) -> Result<(), Error> {
    let there = soon(docker.inspect_image(name)).await?;
    let labels = there.config.and_then(|config| config.labels);
    if labels.is_none_or(|labels| !labels.contains_key(mark::IMAGE)) {
        return stranger("image", name);
    }
    let removed = docker.remove_image(name, None::<RemoveImageOptions>, None);
    while_it_answers(docker, removing, removed).await.map(drop)
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
