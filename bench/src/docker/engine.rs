//! What belongs to a peer on the engine: found by a label, checked, and swept away.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::console;
use crate::error::BenchError;

/// A peer's things on the engine. They carry its mark in a label.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) docker: Docker,
    /// The label's value, and what names begin with.
    pub(super) mark: String,
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, else this machine's, for the peer with this name.
    pub(super) fn new(peer: &str) -> Result<Self, BenchError> {
        let mark = format!("bench-{peer}-{}", std::process::id());
        let docker = Docker::connect_with_defaults()?;
        Ok(Self { docker, mark })
    }

    /// The image of a container of our lab.
    pub(super) async fn image_of_lab(&self, lab: &str) -> Result<String, BenchError> {
        let containers = self.containers(&format!("orchestrator.lab={lab}")).await?;
        let image = containers.into_iter().find_map(|container| container.image);
        image.ok_or_else(|| BenchError::Wrong("our lab has no container".to_owned()))
    }

    /// Makes sure that so many containers run, each with an address.
    pub(super) async fn check(&self, nodes: usize) -> Result<(), BenchError> {
        let containers = self.containers(&self.filter()).await?;
        let runs = |container: &&ContainerSummary| {
            container.state == Some(ContainerSummaryStateEnum::RUNNING) && has_address(container)
        };
        let running = containers.iter().filter(runs).count();
        if running == nodes {
            return Ok(());
        }
        let wrong = format!("{running} containers of {nodes} run and have an address");
        Err(BenchError::Wrong(wrong))
    }

    /// Removes all containers, so many at once, then the networks.
    pub(super) async fn sweep(&self) -> Result<(), BenchError> {
        let containers = self.containers(&self.filter()).await?;
        let removed = containers.into_iter().filter_map(|container| {
            let id = container.id?;
            let now = RemoveContainerOptionsBuilder::default().force(true).build();
            Some(async move { self.docker.remove_container(&id, Some(now)).await })
        });
        stream::iter(removed)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<()>>()
            .await?;
        let options = ListNetworksOptionsBuilder::default()
            .filters(&filters(&self.filter()))
            .build();
        for network in self.docker.list_networks(Some(options)).await? {
            let name = network.name.unwrap_or_default();
            match self.docker.remove_network(&name).await {
                Err(error) if is_miscounted(&error) => console::note(&format!(
                    "the engine believes that something is plugged into {name}; it goes when the engine restarts"
                )),
                other => other?,
            }
        }
        Ok(())
    }

    /// A name that was not there before, for a network may stay behind (see [`is_miscounted`]).
    pub(super) fn fresh_name(&self, round: usize) -> String {
        format!("{}-{round}", self.mark)
    }

    /// The label as a filter.
    fn filter(&self) -> String {
        format!("{LABEL}={}", self.mark)
    }

    async fn containers(&self, label: &str) -> Result<Vec<ContainerSummary>, BenchError> {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters(label))
            .build();
        Ok(self.docker.list_containers(Some(options)).await?)
    }
}

/// Engines under load sometimes count an endpoint that is no more (moby #42119).
fn is_miscounted(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { message, .. } if message.contains("active endpoints"))
}

fn filters(label: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![label.to_owned()])])
}

fn has_address(container: &ContainerSummary) -> bool {
    let settings = container.network_settings.as_ref();
    let networks = settings.and_then(|settings| settings.networks.as_ref());
    networks.is_some_and(|networks| {
        let mut endpoints = networks.values();
        endpoints.any(|endpoint| endpoint.ip_address.as_ref().is_some_and(|a| !a.is_empty()))
    })
}

/// Requests that the engine is given at once.
pub(super) const IN_FLIGHT: usize = 16;

/// The label that carries a peer's mark.
pub(super) const LABEL: &str = "orchestrator-bench";
