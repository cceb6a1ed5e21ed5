//! Labs of a few nodes on a real engine, for the tests of the backend.

use std::collections::BTreeMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock};

use bollard::Docker;
use futures_util::FutureExt;
use orchestrator::backend::docker::DockerBackend;
use orchestrator::backend::{Backend, BackendError, Fabric, Ledger, Resource};
use orchestrator::control::{Control, ProcessEvent};
use orchestrator::plan::position::Positions;
use orchestrator::plan::{LabId, LinkConditions, Plan, PlannedNode, Segment};
use protocol::control::{Command, Exit, Lifetime, Program, Stream};
use protocol::limits::Limits;
use protocol::link::Port;
use protocol::name::NodeName;
use protocol::settings::{FoundBy, Host, InterfaceSettings, NodeSettings, Sandbox};
use tokio::sync::Notify;

/// A lab's segments and nodes.
pub(crate) type Parts = (Vec<Segment>, Vec<PlannedNode>);

/// Reads the node binary, which the command under test is.
pub(crate) fn node_binary() -> io::Result<&'static [u8]> {
    static BINARY: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(bytes) = BINARY.get() {
        return Ok(bytes);
    }
    let bytes = std::fs::read(env!("CARGO_BIN_EXE_orchestrator"))?;
    Ok(BINARY.get_or_init(|| bytes))
}

/// A backend for the engine that `DOCKER_HOST` names.
pub(crate) fn backend() -> DockerBackend {
    DockerBackend::from_environment(node_binary)
}

/// The engine itself, to see what the backend did.
pub(crate) fn engine() -> Docker {
    Docker::connect_with_defaults().unwrap()
}

/// A lab that is up, configured, with a control connection to each node.
#[derive(Debug)]
pub(crate) struct TestLab {
    pub(crate) backend: DockerBackend,
    pub(crate) fabric: Box<dyn Fabric>,
    pub(crate) plan: Plan,
    pub(crate) controls: BTreeMap<NodeName, Control>,
    ledger: Arc<Recorded>,
}

/// What was recorded, in order.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) resources: Mutex<Vec<Resource>>,
    more: Notify,
}

impl Ledger for Recorded {
    fn record(&self, resource: &Resource) -> Result<(), BackendError> {
        self.resources.lock().unwrap().push(resource.clone());
        self.more.notify_one();
        Ok(())
    }
}

impl TestLab {
    /// Raises segments and nodes as a lab whose name starts with `test-`, and configures them.
    pub(crate) async fn raise(name: &str, parts: Parts) -> Self {
        let plan = plan(name, parts);
        let backend = backend();
        let ledger = Arc::new(Recorded::default());
        backend.preflight(&plan).await.unwrap();
        let recorded: Arc<dyn Ledger> = Arc::<Recorded>::clone(&ledger);
        let fabric = match backend.raise(&plan, recorded).await {
            Ok(fabric) => fabric,
            Err(error) => {
                ledger.remove_all(&backend).await;
                panic!("{error}");
            }
        };
        let mut lab = Self {
            backend,
            fabric,
            plan,
            controls: BTreeMap::new(),
            ledger,
        };
        for node in &lab.plan.nodes {
            let name = &node.settings.name;
            let control = lab.connect(name.as_str()).await;
            let settings = lab.fabric.settings(&node.settings);
            control.configure(settings).await.unwrap();
            lab.controls.insert(name.clone(), control);
        }
        lab
    }

    /// Raises a lab, does something with it, and removes it, whatever came of that.
    pub(crate) async fn with(name: &str, parts: Parts, body: impl AsyncFnOnce(&Self)) {
        let lab = Self::raise(name, parts).await;
        let outcome = AssertUnwindSafe(body(&lab)).catch_unwind().await;
        lab.destroy().await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    /// A new control connection.
    pub(crate) async fn connect(&self, node: &str) -> Control {
        let name: NodeName = node.parse().unwrap();
        let stream = self.fabric.open(&name).await.unwrap();
        Control::greet(stream, name).await.unwrap()
    }

    pub(crate) fn control(&self, node: &str) -> &Control {
        &self.controls[&node.parse::<NodeName>().unwrap()]
    }

    /// The name of a node's container.
    pub(crate) fn container(&self, node: &str) -> String {
        format!("{}-{node}", self.plan.lab)
    }

    /// A file of a node, as text.
    pub(crate) async fn read(&self, node: &str, path: &str) -> String {
        let download = self.control(node).get(path).await.unwrap();
        let bytes = download.all(1 << 20).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Sends a file from one node to another by the broadcast roles and compares it.
    pub(crate) async fn transfer(&self, from: &str, to: &str, address: &str) {
        let bytes: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
        let sender = self.control(from);
        sender.put("/tmp/sent", 0o644, &bytes[..]).await.unwrap();
        let receive = [
            "broadcast-receive",
            "--directory",
            "/tmp/in",
            "--deadline",
            "20s",
        ];
        let mut receiver = self.control(to).start(role(&receive)).await.unwrap();
        // Its first line says that it listens.
        assert!(matches!(
            receiver.next().await.unwrap(),
            ProcessEvent::Printed(Stream::Output, _)
        ));
        let send = [
            "broadcast-send",
            "--to",
            address,
            "--receivers",
            "1",
            "--file",
            "/tmp/sent",
        ];
        let send = sender.start(role(&send)).await.unwrap();
        let sent = send.collect().await.unwrap();
        assert_eq!(
            sent.exit,
            Exit::Code(0),
            "{}",
            String::from_utf8_lossy(&sent.stdout)
        );
        let received = receiver.collect().await.unwrap();
        assert_eq!(received.exit, Exit::Code(0));
        let copy = self.control(to).get("/tmp/in/sent").await.unwrap();
        assert!(copy.all(1 << 20).await.unwrap() == bytes);
    }

    /// Removes the lab and makes sure that the engine has nothing of it.
    pub(crate) async fn destroy(self) {
        self.ledger.remove_all(&self.backend).await;
        nothing_left(&self.backend, &self.plan.lab).await;
    }
}

/// Makes sure that the engine has nothing of a lab.
pub(crate) async fn nothing_left(backend: &DockerBackend, lab: &LabId) {
    let mut left = backend.survey().await.unwrap();
    left.retain(|owned| owned.lab == *lab);
    assert!(left.is_empty(), "{left:?}");
}

impl Recorded {
    /// Waits until so many resources were recorded, and what follows has begun.
    pub(crate) async fn reached(&self, count: usize) {
        while self.resources.lock().unwrap().len() < count {
            self.more.notified().await;
        }
        tokio::task::yield_now().await;
    }

    /// Removes everything, the newest first, twice: what is gone counts as removed.
    pub(crate) async fn remove_all(&self, backend: &DockerBackend) {
        let resources = self.resources.lock().unwrap().clone();
        for resource in resources.iter().rev().chain(&resources) {
            backend.remove(resource).await.unwrap();
        }
    }
}

/// A role of the node binary with its arguments.
fn role(words: &[&str]) -> Command {
    Command {
        program: Program::Role(words.iter().map(|&word| word.to_owned()).collect()),
        env: BTreeMap::new(),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Connection,
    }
}

/// The plan of a lab of this test run.
pub(crate) fn plan(name: &str, (segments, nodes): Parts) -> Plan {
    Plan {
        hidden: std::collections::BTreeSet::new(),
        lab: lab_id(name),
        segments,
        links: LinkConditions::default(),
        nodes,
        positions: Positions::default(),
        hosts: Vec::new(),
    }
}

/// An identity of a lab of this test run.
fn lab_id(name: &str) -> LabId {
    LabId {
        name: format!("test-{name}").parse().unwrap(),
        instance: std::process::id(),
    }
}

/// One network and its nodes, `10.77.0.1` and `fd77::1` the first.
pub(crate) fn lan(names: &[&str]) -> Parts {
    let nodes: Vec<PlannedNode> = names
        .iter()
        .zip(1..)
        .map(|(name, number)| {
            let addresses = [format!("10.77.0.{number}/24"), format!("fd77::{number}/64")];
            node(
                name,
                &[("eth0", number, &addresses.each_ref().map(String::as_str))],
            )
        })
        .collect();
    let ports: Vec<(&str, &str)> = names.iter().map(|&name| (name, "eth0")).collect();
    (vec![segment("lan", &ports)], with_hosts(nodes))
}

/// A network with interfaces of nodes plugged in.
pub(crate) fn segment(name: &str, ports: &[(&str, &str)]) -> Segment {
    Segment {
        name: name.parse().unwrap(),
        wire: false,
        ports: ports
            .iter()
            .map(|(node, interface)| Port {
                node: node.parse().unwrap(),
                interface: interface.parse().unwrap(),
            })
            .collect(),
    }
}

/// A node with interfaces: name, last byte of the MAC, addresses.
pub(crate) fn node(name: &str, interfaces: &[(&str, u8, &[&str])]) -> PlannedNode {
    let interfaces = interfaces
        .iter()
        .map(|(name, mac, addresses)| InterfaceSettings {
            name: name.parse().unwrap(),
            found_by: FoundBy::Name,
            mac: format!("02:00:00:00:00:{mac:02x}").parse().unwrap(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        })
        .collect();
    PlannedNode {
        name: name.parse().unwrap(),
        compute: None,
        image: None,
        env: BTreeMap::new(),
        limits: Limits::default(),
        binds: Vec::new(),
        file_targets: Vec::new(),
        settings: NodeSettings {
            name: name.parse().unwrap(),
            interfaces,
            routes: Vec::new(),
            sandbox: Sandbox::Default,
            forward: false,
            hosts: Vec::new(),
        },
    }
}

/// Lets every node know every other by name.
pub(crate) fn with_hosts(mut nodes: Vec<PlannedNode>) -> Vec<PlannedNode> {
    let hosts: Vec<Host> = nodes
        .iter()
        .map(|node| Host {
            name: node.settings.name.clone(),
            addresses: node
                .settings
                .interfaces
                .iter()
                .flat_map(|interface| interface.addresses.iter().map(ipnet::IpNet::addr))
                .collect(),
        })
        .collect();
    for node in &mut nodes {
        node.settings.hosts.clone_from(&hosts);
    }
    nodes
}

/// A column of a table's lines, the heading left out.
pub(crate) fn column(table: &str, number: usize) -> Vec<&str> {
    let lines = table.lines().skip(1);
    lines
        .filter_map(|line| line.split_whitespace().nth(number))
        .collect()
}
