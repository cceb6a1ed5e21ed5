//! Nodes as the engine's containers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig,
    NetworkConnectRequest, NetworkingConfig, ResourcesUlimits,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use protocol::link::Port;
use protocol::name::NodeName;

use crate::backend::{BackendError, BackendErrorKind, BackendKind, Ledger, Resource};
use crate::plan::{LabId, PlannedNode};

use super::attached_stream::AttachedStream;
use super::engine::while_it_answers;
use super::error::{at, status};
use super::image::NODE;
use super::mark;
use super::network::Endpoint;
use crate::backend::pending_request::PendingRequests;

/// Returns the limit of open files of each process, in the engine's words.
fn open_files(most: u32) -> ResourcesUlimits {
    ResourcesUlimits {
        name: Some("nofile".to_owned()),
        soft: Some(most.into()),
        hard: Some(most.into()),
    }
}

/// Returns the folders and files that a node sees, in the engine's words.
fn binds(node: &PlannedNode) -> Vec<String> {
    let binds = node.binds.iter();
    binds
        .map(|bind| format!("{}:{}:ro", bind.from, bind.to))
        .collect()
}

/// The most that files in a node's `/dev/shm` may take, in bytes, where its memory has no limit.
const SHARED_MEMORY: i64 = 16 << 30;

/// Where every agent listens for further connections.
pub(super) const SOCKET: &str = "/.orchestrator/agent.sock";

/// The settings that the containers of a lab share.
#[derive(Debug)]
pub(super) struct ContainerFactory<'a> {
    /// The engine.
    pub(super) docker: &'a Docker,
    /// Its requests that must end.
    pub(super) pending_requests: &'a PendingRequests,
    /// The lab.
    pub(super) lab: &'a LabId,
    /// The marks of all that is made.
    pub(super) labels: &'a HashMap<String, String>,
    /// Where each port is plugged in.
    pub(super) endpoints: &'a BTreeMap<Port, Endpoint>,
    /// The tag of the image for nodes without one of their own.
    pub(super) built_in: String,
    /// The node binary, for nodes with an image of their own.
    pub(super) node: Bytes,
    /// Whether the engine's kernel is known to have no IPv6.
    pub(super) without_ipv6: bool,
}

/// A node that was started.
#[derive(Debug)]
pub(super) struct Started {
    /// Its name.
    pub(super) name: NodeName,
    /// Its container's.
    pub(super) container: String,
    /// The agent's standard input and output.
    pub(super) stream: AttachedStream,
    /// Requests that the engine could not carry out as asked.
    pub(super) warnings: Vec<String>,
}

impl ContainerFactory<'_> {
    /// Makes a node's container, plugs it in, takes hold of its agent's standard streams and starts
    /// it.
    pub(super) async fn start(
        &self,
        node: &PlannedNode,
        ledger: &dyn Ledger,
    ) -> Result<Started, BackendError> {
        let name = &node.settings.name;
        let container = mark::container_name(self.lab, name);
        let starting = format!("starting node {name}");
        let failed = || at(starting.clone());
        let docker = self.docker;
        ledger.record(&Resource::Container(container.clone()))?;
        let warnings = self.create(node, &container).await?;
        if node.image.is_some() {
            let root = UploadToContainerOptionsBuilder::default().path("/").build();
            let body = bollard::body_full(self.node.clone());
            let put = docker.upload_to_container(&container, Some(root), body);
            let put = while_it_answers(docker, &starting, put);
            put.await.map_err(failed())?;
        }
        // One is plugged in on creation. The engine takes note of the others and acts on start.
        for endpoint in self.endpoints_of(node).skip(1) {
            let request = NetworkConnectRequest {
                container: container.clone(),
                endpoint_config: Some(settings(endpoint)),
            };
            let connect = docker.connect_network(&endpoint.network, request);
            let connect = while_it_answers(docker, &starting, connect);
            connect.await.map_err(failed())?;
        }
        let streams = AttachContainerOptionsBuilder::default()
            .stream(true)
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .build();
        let attach = docker.attach_container(&container, Some(streams));
        let attached = while_it_answers(docker, &starting, attach).await;
        let attached = attached.map_err(failed())?;
        let start = docker.start_container(&container, None);
        let start = while_it_answers(docker, &starting, start);
        start.await.map_err(failed())?;
        Ok(Started {
            stream: AttachedStream::new(name.clone(), attached.output, attached.input),
            name: name.clone(),
            container,
            warnings,
        })
    }

    async fn create(
        &self,
        node: &PlannedNode,
        container: &str,
    ) -> Result<Vec<String>, BackendError> {
        let action = format!("making node {}", node.settings.name);
        let options = CreateContainerOptionsBuilder::default()
            .name(container)
            .build();
        let body = self.body(node);
        let (docker, making) = (self.docker.clone(), action.clone());
        let made = self.pending_requests.run(Box::pin(async move {
            let made = docker.create_container(Some(options), body);
            while_it_answers(&docker, &making, made).await
        }));
        match made.await.unwrap_or(Err(Error::RequestTimeoutError)) {
            // The engine also warns of things that were not asked for.
            Ok(_) if node.limits.memory.is_none() && node.limits.milli_cpus.is_none() => {
                Ok(Vec::new())
            }
            Ok(made) => {
                let of_node = |warning| format!("{}: {warning}", node.settings.name);
                Ok(made.warnings.into_iter().map(of_node).collect())
            }
            Err(error) if status(&error) == Some(409) => {
                let there = BackendErrorKind::Conflict(Resource::Container(container.to_owned()));
                Err(there.at(BackendKind::Docker, action))
            }
            Err(error) => Err(at(action)(error)),
        }
    }

    fn body(&self, node: &PlannedNode) -> ContainerCreateBody {
        let first = self.endpoints_of(node).next();
        let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        ContainerCreateBody {
            hostname: Some(node.settings.name.to_string()),
            image: Some(node.image.clone().unwrap_or_else(|| self.built_in.clone())),
            entrypoint: words(&[NODE, "agent", "--stdio", "--listen", SOCKET]),
            // Without an empty command the image's own would follow the entry point.
            cmd: Some(Vec::new()),
            env: Some(node.env.iter().map(|(k, v)| format!("{k}={v}")).collect()),
            // Others may not open packet sockets.
            user: Some("0".to_owned()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            open_stdin: Some(true),
            // The agent learns from the end of its input that the first connection is gone.
            stdin_once: Some(true),
            labels: Some(self.labels.clone()),
            host_config: Some(self.host_config(node, first)),
            networking_config: first.map(|endpoint| NetworkingConfig {
                endpoints_config: Some(HashMap::from([(
                    endpoint.network.clone(),
                    settings(endpoint),
                )])),
            }),
            ..ContainerCreateBody::default()
        }
    }

    fn host_config(&self, node: &PlannedNode, first: Option<&Endpoint>) -> HostConfig {
        let limits = node.limits.or_usual();
        let memory = limits.memory.and_then(|bytes| i64::try_from(bytes).ok());
        let network = first.map_or("none", |endpoint| &endpoint.network);
        HostConfig {
            network_mode: Some(network.to_owned()),
            cap_add: Some(vec!["NET_ADMIN".to_owned(), "NET_RAW".to_owned()]),
            // A program of an image that is its owner's for whoever starts it gives nobody more. The engine's
            // usual filter of system calls holds beside this.
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            sysctls: Some(self.sysctls(node.settings.forward)),
            binds: Some(binds(node)),
            memory,
            // Engines grant 64 MiB, where nodes on namespaces have what the machine has. What lies
            // there counts against the node's memory all the same.
            shm_size: Some(memory.unwrap_or(SHARED_MEMORY)),
            // As much again of swap would be allowed otherwise.
            memory_swap: memory,
            nano_cpus: limits.milli_cpus.map(|milli| i64::from(milli) * 1_000_000),
            pids_limit: limits.pids.map(|pids| i64::from(pids) + AGENT_THREADS),
            // An engine refuses to start what it may not give as much itself, so it is asked for nothing by default.
            ulimits: node.limits.open_files.map(|most| vec![open_files(most)]),
            // What the agent says is the control channel: nobody's log.
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".to_owned()),
                config: None,
            }),
            ..HostConfig::default()
        }
    }

    /// The node cannot set these itself: its `/proc/sys` is read-only.
    fn sysctls(&self, forward: bool) -> HashMap<String, String> {
        let forward = if forward { "1" } else { "0" };
        let mut sysctls = vec![("net.ipv4.ip_forward", forward)];
        if !self.without_ipv6 {
            sysctls.extend([
                ("net.ipv6.conf.all.disable_ipv6", "0"),
                ("net.ipv6.conf.default.disable_ipv6", "0"),
                ("net.ipv6.conf.all.forwarding", forward),
            ]);
        }
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        sysctls.into_iter().map(owned).collect()
    }

    fn endpoints_of<'a>(&'a self, node: &'a PlannedNode) -> impl Iterator<Item = &'a Endpoint> {
        node.settings.interfaces.iter().filter_map(|interface| {
            self.endpoints.get(&Port {
                node: node.settings.name.clone(),
                interface: interface.name.clone(),
            })
        })
    }
}

fn settings(endpoint: &Endpoint) -> EndpointSettings {
    EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(endpoint.address.to_string()),
            ..EndpointIpamConfig::default()
        }),
        ..EndpointSettings::default()
    }
}

/// Whether this machine's kernel was started without IPv6.
pub(super) fn kernel_lacks_ipv6() -> bool {
    !Path::new("/proc/sys/net/ipv6").exists()
}

/// The threads that the agent and the bridges of its connections need beside the node's own processes.
const AGENT_THREADS: i64 = 32;
