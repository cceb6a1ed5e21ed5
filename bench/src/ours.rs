//! Our entrant: a lab raised through the library, as the command line does it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orchestrator::backend::docker::DockerBackend;
use orchestrator::backend::netns::NetnsBackend;
use orchestrator::backend::{Backend, BackendKind};
use orchestrator::control::Control;
use orchestrator::lab::reaper::Reaping;
use orchestrator::lab::{Lab, RaiseTimings, Reaper, StateDir};
use orchestrator::plan::{LabId, Plan, plan};
use orchestrator::topology;
use plumbing::own_program;
use protocol::control::{Command, Exit, Lifetime, Program};
use tempfile::TempDir;

use crate::entrant::Entrant;
use crate::error::BenchError;

/// Our entrant.
#[derive(Debug)]
pub struct Ours {
    kind: BackendKind,
    state: StateDir,
    _folder: TempDir,
    instance: u32,
    reaping: Option<(Reaper, Reaping)>,
    lab: Option<Lab>,
    timings: RaiseTimings,
}

impl Ours {
    /// Labs on this backend.
    ///
    /// # Errors
    /// If there is nowhere to record them.
    pub fn new(kind: BackendKind) -> Result<Self, BenchError> {
        let folder = folder_in_memory()?;
        Ok(Self {
            kind,
            state: StateDir::open(folder.path().to_owned())?,
            _folder: folder,
            // Labs of two benches at once have different names.
            instance: std::process::id() << 10,
            reaping: None,
            lab: None,
            timings: RaiseTimings::default(),
        })
    }

    /// The lab that is up.
    ///
    /// # Errors
    /// If none is.
    pub fn lab(&self) -> Result<&Lab, BenchError> {
        self.lab
            .as_ref()
            .ok_or_else(|| BenchError::Wrong("no lab is up".to_owned()))
    }

    fn backend(&self) -> Arc<dyn Backend> {
        if self.kind == BackendKind::Docker {
            return Arc::new(DockerBackend::from_environment(own_program::bytes));
        }
        let state = self.state.path().to_owned();
        Arc::new(NetnsBackend::new(state, own_program::PATH.into()))
    }

    /// The control connections to the first and the last node.
    fn ends(&self) -> Result<(&Control, &Control), BenchError> {
        let lab = self.lab()?;
        let mut names = lab.plan().nodes.iter().map(|node| &node.settings.name);
        let first = names.next();
        let last = names.next_back().or(first);
        match (first, last) {
            (Some(first), Some(last)) => lab.node(first).zip(lab.node(last)),
            _ => None,
        }
        .ok_or_else(|| BenchError::Wrong("a node has no connection".to_owned()))
    }
}

#[async_trait(?Send)]
impl Entrant for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    async fn up(&mut self, nodes: u16) -> Result<(), BenchError> {
        self.instance += 1;
        let plan = one_network(nodes, self.instance)?;
        let backend = self.backend();
        backend.preflight(&plan).await?;
        let folder = self.state.create(&plan.lab)?;
        let (reaper, reaping) = Reaper::start();
        self.reaping = Some((reaper.clone(), reaping));
        let (lab, timings) = Lab::raise(backend, plan, folder, reaper).await?;
        self.lab = Some(lab);
        self.timings = timings;
        Ok(())
    }

    /// In namespaces, the first node pings the last by its name; in containers, which hold nothing
    /// but our binary, both show their addresses.
    async fn check(&mut self) -> Result<(), BenchError> {
        let (first, last) = self.ends()?;
        if self.kind == BackendKind::Docker {
            show_address(first, self.lab()?.plan()).await?;
            return show_address(last, self.lab()?.plan()).await;
        }
        let name = last.node().to_string();
        let ping = ["ping", "-c", "1", "-W", "5", &name];
        let ping = first.start(Command {
            program: Program::Own(ping.map(str::to_owned).to_vec()),
            env: BTreeMap::new(),
            directory: None,
            terminal: None,
            lifetime: Lifetime::Connection,
        });
        let ping = ping.await?.collect().await?;
        if ping.exit != Exit::Code(0) {
            let said = String::from_utf8_lossy(&ping.stderr).replace('\n', " ");
            return Err(BenchError::Wrong(format!("ping {name}: {said}")));
        }
        Ok(())
    }

    async fn down(&mut self) -> Result<(), BenchError> {
        if let Some(lab) = self.lab.take() {
            lab.destroy().await?;
        }
        Ok(())
    }

    fn moments(&self) -> Vec<(&'static str, Duration)> {
        vec![
            ("all made", self.timings.raise),
            ("all ready", self.timings.greeted),
            ("all configured", self.timings.ready),
        ]
    }

    async fn sweep(&mut self) -> Result<(), BenchError> {
        self.lab = None;
        if let Some((reaper, reaping)) = self.reaping.take() {
            drop(reaper);
            let mut left = reaping.drain().await;
            if let Some(error) = left.pop() {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// The plan of a lab with so many nodes on one network.
fn one_network(nodes: u16, instance: u32) -> Result<Plan, BenchError> {
    let text = format!(
        "name = \"bench\"\nnetwork.lan.subnet = \"10.0.0.0/16\"\n\
         [node.node]\ncount = {nodes}\nnetworks = [\"lan\"]\n"
    );
    let read = topology::read(
        "bench.toml",
        &text,
        Path::new(""),
        &BTreeMap::new(),
        &|_| topology::Found::File,
    );
    let topology = read.map_err(|mistakes| BenchError::Wrong(mistakes.to_string()))?;
    let name = topology.name.clone();
    Ok(plan(&topology, LabId { name, instance }))
}

/// Whether a node's kernel lists the address that was planned for it.
async fn show_address(control: &Control, plan: &Plan) -> Result<(), BenchError> {
    let node = plan
        .nodes
        .iter()
        .find(|node| node.settings.name == *control.node());
    let interface = node.and_then(|node| node.settings.interfaces.first());
    let address = interface.and_then(|interface| interface.addresses.first());
    let planned = address
        .map(|address| address.addr().to_string())
        .unwrap_or_default();
    let listed = control
        .get("/proc/net/fib_trie")
        .await?
        .all(1 << 20)
        .await?;
    if planned.is_empty() || !String::from_utf8_lossy(&listed).contains(&planned) {
        let name = control.node();
        return Err(BenchError::Wrong(format!(
            "{name} has no address {planned}"
        )));
    }
    Ok(())
}

/// A folder in memory, as `/run` is on most machines, where the command line records labs.
///
/// # Errors
/// If it cannot be made.
pub fn folder_in_memory() -> Result<TempDir, BenchError> {
    let made = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("/dev/shm");
    made.map_err(BenchError::system("making a folder in /dev/shm"))
}
