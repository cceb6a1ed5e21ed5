//! A lab of a few nodes, raised for one test.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orchestrator::backend::netns::NetnsBackend;
use orchestrator::backend::{Backend, BackendError, Fabric, Ledger, Resource};
use orchestrator::control::{Collected, Control};
use orchestrator::plan::position::Positions;
use orchestrator::plan::{LabId, LinkConditions, Plan, PlannedNode, Segment};
use protocol::control::{Command, Lifetime, Program};
use protocol::limits::Limits;
use protocol::link::Port;
use protocol::settings::{FoundBy, Host, InterfaceSettings, MacAddress, NodeSettings, Sandbox};
use tempfile::TempDir;

/// The path of the node binary, which the command under test is.
pub(crate) const NODE: &str = env!("CARGO_BIN_EXE_orchestrator");

/// A ledger in memory.
#[derive(Debug, Default)]
pub(crate) struct Remembered(pub(crate) Mutex<Vec<Resource>>);

impl Ledger for Remembered {
    fn record(&self, resource: &Resource) -> Result<(), BackendError> {
        self.0.lock().unwrap().push(resource.clone());
        Ok(())
    }
}

/// A lab that is up, its nodes configured.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) plan: Plan,
    pub(crate) backend: NetnsBackend,
    pub(crate) fabric: Box<dyn Fabric>,
    pub(crate) controls: Vec<Control>,
    pub(crate) ledger: Arc<Remembered>,
    _folder: TempDir,
}

impl Raised {
    pub(crate) async fn new(plan: Plan) -> Self {
        Self::running(Path::new(NODE), plan).await
    }

    /// Raises a lab whose nodes run this program.
    pub(crate) async fn running(program: &Path, plan: Plan) -> Self {
        Self::recorded_in(tempfile::tempdir().unwrap(), program, plan).await
    }

    /// Raises a lab with its agents' sockets in this folder.
    pub(crate) async fn recorded_in(folder: TempDir, program: &Path, plan: Plan) -> Self {
        let backend = NetnsBackend::new(folder.path().to_owned(), program.to_owned());
        backend.preflight(&plan).await.unwrap();
        let ledger = Arc::<Remembered>::default();
        let fabric = backend.raise(&plan, ledger.clone()).await.unwrap();
        let controls = greet(&plan, fabric.as_ref()).await;
        for (control, node) in controls.iter().zip(&plan.nodes) {
            control.configure(node.settings.clone()).await.unwrap();
        }
        Self {
            plan,
            backend,
            fabric,
            controls,
            ledger,
            _folder: folder,
        }
    }

    /// Runs a shell command in a node and returns what it printed; it must succeed.
    pub(crate) async fn shell(&self, node: usize, script: &str) -> String {
        let collected = self.try_shell(node, script).await;
        let error = String::from_utf8_lossy(&collected.stderr).into_owned();
        let code = protocol::control::Exit::Code(0);
        assert_eq!(collected.exit, code, "node {node}: {script}: {error}");
        String::from_utf8(collected.stdout)
            .unwrap()
            .trim()
            .to_owned()
    }

    pub(crate) async fn try_shell(&self, node: usize, script: &str) -> Collected {
        let process = self.controls[node].start(command(&["/bin/sh", "-c", script]));
        process.await.unwrap().collect().await.unwrap()
    }

    /// Takes the lab away, newest resource first, and checks that nothing of it is left.
    pub(crate) async fn remove(self) {
        let resources = self.ledger.0.lock().unwrap().clone();
        for resource in resources.iter().rev() {
            self.backend.remove(resource).await.unwrap();
        }
        assert_gone(&self.backend, &self.plan.lab).await;
        // Removing what is gone already is no error.
        self.backend.remove(&resources[0]).await.unwrap();
    }
}

pub(crate) async fn greet(plan: &Plan, fabric: &dyn Fabric) -> Vec<Control> {
    let mut controls = Vec::new();
    for node in &plan.nodes {
        let stream = fabric.open(&node.name).await.unwrap();
        controls.push(Control::greet(stream, node.name.clone()).await.unwrap());
    }
    controls
}

pub(crate) async fn assert_gone(backend: &NetnsBackend, lab: &LabId) {
    let left = backend.survey().await.unwrap();
    let left: Vec<_> = left.into_iter().filter(|owned| owned.lab == *lab).collect();
    assert!(left.is_empty(), "{left:?}");
    let marked = plumbing::process::find_marked(protocol::keeper::MARK).unwrap();
    assert!(marked.iter().all(|one| one.value != lab.to_string()));
}

pub(crate) fn command(words: &[&str]) -> Command {
    Command {
        program: Program::Own(words.iter().map(|&word| word.to_owned()).collect()),
        env: BTreeMap::new(),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Connection,
    }
}

/// `count` nodes `n1`, `n2`, … on one network 10.0.0.0/24, each with `eth0`.
pub(crate) fn plan(name: &str, count: u8) -> Plan {
    let node = |number: u8| format!("n{number}").parse().unwrap();
    let hosts: Vec<_> = (1..=count)
        .map(|number| Host {
            name: node(number),
            addresses: vec![Ipv4Addr::new(10, 0, 0, number).into()],
        })
        .collect();
    let port = |number| Port {
        node: node(number),
        interface: "eth0".parse().unwrap(),
    };
    Plan {
        hidden: std::collections::BTreeSet::new(),
        lab: LabId {
            name: name.parse().unwrap(),
            instance: std::process::id(),
        },
        segments: vec![Segment {
            name: "lan".parse().unwrap(),
            wire: false,
            ports: (1..=count).map(port).collect(),
        }],
        links: LinkConditions::default(),
        nodes: (1..=count)
            .map(|number| PlannedNode {
                compute: None,
                name: node(number),
                image: None,
                env: BTreeMap::new(),
                limits: Limits::default(),
                file_targets: Vec::new(),
                binds: Vec::new(),
                settings: NodeSettings {
                    name: node(number),
                    interfaces: vec![interface("eth0", [10, 0, 0, number])],
                    routes: Vec::new(),
                    sandbox: Sandbox::Default,
                    forward: false,
                    hosts: hosts.clone(),
                },
            })
            .collect(),
        positions: Positions::default(),
        hosts: Vec::new(),
    }
}

pub(crate) fn interface(name: &str, [a, b, c, d]: [u8; 4]) -> InterfaceSettings {
    InterfaceSettings {
        name: name.parse().unwrap(),
        found_by: FoundBy::Name,
        mac: MacAddress([2, 0, a, b, c, d]),
        addresses: vec![format!("{a}.{b}.{c}.{d}/24").parse().unwrap()],
    }
}

/// Runs a test's body, which must not hang.
pub(crate) fn run(body: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let limited = async { tokio::time::timeout(Duration::from_mins(2), body).await };
    runtime.block_on(limited).unwrap();
}
