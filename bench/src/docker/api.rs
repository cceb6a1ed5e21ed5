//! Plain calls of the engine's API: a network, containers from our image, start; no node is waited for.

use std::collections::HashMap;

use async_trait::async_trait;
use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest};
use bollard::query_parameters::CreateContainerOptionsBuilder;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::entrant::Entrant;
use crate::error::BenchError;

use super::engine::{Engine, IN_FLIGHT, LABEL};

/// Plain calls of the engine's API.
#[derive(Debug)]
pub(super) struct PlainApi {
    engine: Engine,
    image: String,
    nodes: u16,
    round: usize,
}

impl PlainApi {
    /// Containers of this image.
    pub(super) fn new(engine: Engine, image: &str) -> Self {
        Self {
            engine,
            image: image.to_owned(),
            nodes: 0,
            round: 0,
        }
    }

    async fn start(&self, number: u16) -> Result<(), BenchError> {
        let docker = &self.engine.docker;
        let name = format!("{}-{number}", self.engine.mark);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let body = ContainerCreateBody {
            image: Some(self.image.clone()),
            cmd: Some(AGENT.map(str::to_owned).to_vec()),
            labels: Some(self.labels()),
            host_config: Some(HostConfig {
                network_mode: Some(self.engine.fresh_name(self.round)),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        docker.create_container(Some(options), body).await?;
        docker.start_container(&name, None).await?;
        Ok(())
    }

    fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(LABEL.to_owned(), self.engine.mark.clone())])
    }
}

#[async_trait(?Send)]
impl Entrant for PlainApi {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn up(&mut self, nodes: u16) -> Result<(), BenchError> {
        self.nodes = nodes;
        self.round += 1;
        let network = NetworkCreateRequest {
            name: self.engine.fresh_name(self.round),
            labels: Some(self.labels()),
            ..NetworkCreateRequest::default()
        };
        self.engine.docker.create_network(network).await?;
        let this = &*self;
        let starts = (0..nodes).map(|number| this.start(number));
        stream::iter(starts)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(())
    }

    async fn check(&mut self) -> Result<(), BenchError> {
        self.engine.check(usize::from(self.nodes)).await
    }

    async fn down(&mut self) -> Result<(), BenchError> {
        self.engine.sweep().await
    }

    async fn sweep(&mut self) -> Result<(), BenchError> {
        self.engine.sweep().await
    }
}

/// What the table calls it.
pub(super) const NAME: &str = "plain API calls";

/// What our image's entry point is told, here and by the other peers.
pub(super) const AGENT: [&str; 3] = ["agent", "--listen", "/.orchestrator/agent.sock"];
