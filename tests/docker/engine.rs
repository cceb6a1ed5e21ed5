//! The engine as the tests see it, past the backend that they test.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, KillContainerOptions,
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions,
};
use futures_util::TryStreamExt;
use tokio::runtime::Runtime;

/// A connection to the engine.
pub(crate) struct Engine {
    runtime: Runtime,
    docker: Docker,
    /// The state folder of the labs that are looked for.
    state: String,
}

/// What the machine has of a lab that is up.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    /// Containers by their identifiers.
    pub(crate) containers: BTreeSet<String>,
    /// Networks by their identifiers.
    pub(crate) networks: BTreeSet<String>,
    /// Volumes by their names.
    pub(crate) volumes: BTreeSet<String>,
    /// The first process of each container.
    processes: BTreeSet<i64>,
}

impl Engine {
    /// The engine that `DOCKER_HOST` names, else the one of this machine.
    pub(crate) fn connect(state: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let docker = Docker::connect_with_defaults().unwrap();
        Self {
            runtime: runtime.unwrap(),
            docker,
            state: state.display().to_string(),
        }
    }

    /// Whether an engine answers.
    pub(crate) fn answers() -> Result<(), String> {
        let ping = || -> Result<(), Box<dyn std::error::Error>> {
            let docker = Docker::connect_with_defaults()?.with_timeout(PATIENCE);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(docker.ping())?;
            Ok(())
        };
        ping().map_err(|error| format!("no Docker engine answers: {error}"))
    }

    fn wait<T>(&self, request: impl Future<Output = T>) -> T {
        self.runtime.block_on(request)
    }

    /// Names of all containers and networks that are a lab's of this name, by label or by name.
    pub(crate) fn of_lab(&self, lab: &str) -> Vec<String> {
        let (containers, networks) = self.listed(lab);
        let named = |kind: &'static str| move |(name, _)| format!("{kind} {name}");
        let containers = containers.into_iter().map(named("container"));
        containers
            .chain(networks.into_iter().map(named("network")))
            .collect()
    }

    /// What there is of a lab.
    pub(crate) fn traces(&self, lab: &str) -> Traces {
        let (containers, networks) = self.listed(lab);
        let mut traces = Traces {
            containers: containers.into_iter().map(|(_, id)| id).collect(),
            networks: networks.into_iter().map(|(_, id)| id).collect(),
            volumes: BTreeSet::new(),
            processes: BTreeSet::new(),
        };
        for id in &traces.containers {
            let there = self.wait(self.docker.inspect_container(id, None)).unwrap();
            let pid = there.state.and_then(|state| state.pid);
            traces.processes.extend(pid.filter(|&pid| pid > 0));
            let mounts = there.mounts.into_iter().flatten();
            traces.volumes.extend(mounts.filter_map(|mount| mount.name));
        }
        traces
    }

    /// Fails if the engine or the machine still has anything of what there was.
    pub(crate) fn assert_gone(&self, traces: &Traces) {
        for id in &traces.containers {
            let there = self.wait(self.docker.inspect_container(id, None));
            assert!(there.is_err(), "container {id} is left");
        }
        for id in &traces.networks {
            let there = self.wait(self.docker.inspect_network(id, None));
            assert!(there.is_err(), "network {id} is left");
            let bridge = format!("/sys/class/net/br-{}", &id[..12]);
            assert!(!Path::new(&bridge).exists(), "{bridge} is left");
        }
        for name in &traces.volumes {
            let there = self.wait(self.docker.inspect_volume(name));
            assert!(there.is_err(), "volume {name} is left");
        }
        for pid in &traces.processes {
            let process = format!("/proc/{pid}");
            assert!(!Path::new(&process).exists(), "process {pid} is left");
        }
    }

    /// Fails if the engine has anything of a lab of this name.
    pub(crate) fn assert_nothing_of(&self, lab: &str) {
        let left = self.of_lab(lab);
        assert!(left.is_empty(), "left of {lab}: {left:?}");
    }

    /// Names and identifiers of a lab's containers and networks.
    fn listed(&self, lab: &str) -> (Vec<Named>, Vec<Named>) {
        let all = ListContainersOptionsBuilder::default().all(true).build();
        let containers = self.wait(self.docker.list_containers(Some(all))).unwrap();
        let containers = containers.into_iter().filter_map(|container| {
            let name = container.names?.into_iter().next()?;
            let name = name.trim_start_matches('/').to_owned();
            self.is_of(lab, &name, container.labels)
                .then_some((name, container.id?))
        });
        let networks = self.wait(self.docker.list_networks(None)).unwrap();
        let networks = networks.into_iter().filter_map(|network| {
            let name = network.name?;
            self.is_of(lab, &name, network.labels)
                .then_some((name, network.id?))
        });
        (containers.collect(), networks.collect())
    }

    /// Returns whether something is a lab's of this name, and of no other test's.
    fn is_of(&self, lab: &str, name: &str, labels: Option<HashMap<String, String>>) -> bool {
        let (prefix, labels) = (format!("{lab}-"), labels.unwrap_or_default());
        let label = |key: &str| labels.get(key).map(String::as_str);
        let is_others = label("orchestrator.state").is_some_and(|state| state != self.state);
        let is_marked = label("orchestrator.lab").is_some_and(|lab| lab.starts_with(&prefix));
        !is_others && (name.starts_with(&prefix) || is_marked)
    }

    /// Makes an image of a tar.
    pub(crate) fn import(&self, name: &str, tar: Vec<u8>, changes: &[&str]) {
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(name)
            .changes(changes.iter().map(|&change| change.to_owned()).collect())
            .build();
        let body = bollard::body_full(tar.into());
        let made = self.docker.create_image(Some(options), Some(body), None);
        self.wait(made.try_collect::<Vec<_>>()).unwrap();
    }

    /// Removes an image, if it is there.
    pub(crate) fn remove_image(&self, name: &str) {
        let none = None::<RemoveImageOptions>;
        drop(self.wait(self.docker.remove_image(name, none, None)));
    }

    /// Makes a network that is nothing of ours.
    pub(crate) fn make_network(&self, request: NetworkCreateRequest) -> Stranger<'_> {
        let made = self.wait(self.docker.create_network(request));
        Stranger::Network(self, made.unwrap().id)
    }

    /// Makes a container that is nothing of ours, and starts it.
    pub(crate) fn make_container(&self, name: &str, body: ContainerCreateBody) -> Stranger<'_> {
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        let made = self.docker.create_container(Some(options), body);
        let made = Stranger::Container(self, self.wait(made).unwrap().id);
        self.wait(self.docker.start_container(made.id(), None))
            .unwrap();
        made
    }

    /// Removes a container, as whoever is tidying up may.
    pub(crate) fn remove_container(&self, name: &str) {
        let force = RemoveContainerOptionsBuilder::default().force(true).v(true);
        let removed = self.docker.remove_container(name, Some(force.build()));
        self.wait(removed).unwrap();
    }

    /// Kills a container, as if its memory had run out.
    pub(crate) fn kill_container(&self, name: &str) {
        let killed = self
            .docker
            .kill_container(name, None::<KillContainerOptions>);
        self.wait(killed).unwrap();
    }
}

/// A name and an identifier.
type Named = (String, String);

/// Something on the engine that is nothing of ours. It is removed when this is dropped.
pub(crate) enum Stranger<'a> {
    Container(&'a Engine, String),
    Network(&'a Engine, String),
}

impl Stranger<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Container(_, id) | Self::Network(_, id) => id,
        }
    }

    /// Fails if it is gone, or has ended.
    pub(crate) fn assert_untouched(&self) {
        match self {
            Self::Container(engine, id) => {
                let there = engine.wait(engine.docker.inspect_container(id, None));
                let state = there.expect("the container is gone").state.unwrap();
                assert_eq!(state.running, Some(true));
            }
            Self::Network(engine, id) => {
                let there = engine.wait(engine.docker.inspect_network(id, None));
                there.expect("the network is gone");
            }
        }
    }
}

impl Stranger<'_> {
    /// Returns whether it is there no longer.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Container(engine, id) => {
                let there = engine.wait(engine.docker.inspect_container(id, None));
                there.is_err()
            }
            Self::Network(engine, id) => {
                let there = engine.wait(engine.docker.inspect_network(id, None));
                there.is_err()
            }
        }
    }
}

impl Drop for Stranger<'_> {
    fn drop(&mut self) {
        // It may be gone, which `assert_untouched` has told.
        match self {
            Self::Container(engine, id) => {
                let force = RemoveContainerOptionsBuilder::default()
                    .force(true)
                    .v(true)
                    .build();
                drop(engine.wait(engine.docker.remove_container(id, Some(force))));
            }
            Self::Network(engine, id) => {
                drop(engine.wait(engine.docker.remove_network(id)));
            }
        }
    }
}

/// How long an engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(20);
