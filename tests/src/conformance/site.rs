//! A backend under test and what its nodes know.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use orchestrator::backend::{Backend, Fabric, LabHandle, Resource};
use orchestrator::control::{Collected, Control};
use orchestrator::lab::raised::put_file;
use orchestrator::lab::reaper::take_away;
use orchestrator::lab::{
    FileLedger, Lab, LabError, LabFolder, LabLock, LabRecord, NewLab, Reaper, StateDir,
};
use orchestrator::plan::{LabId, Plan, plan};
use orchestrator::topology::{self, Topology};
use protocol::control::{Command, Exit, Lifetime, Program};
use protocol::name::NodeName;

use super::Needs;

/// A backend under test.
#[derive(Debug)]
pub struct Site {
    /// The backend.
    pub backend: Arc<dyn Backend>,
    /// Where its labs are recorded.
    pub state: StateDir,
    /// What its nodes can do.
    pub offers: Vec<Needs>,
    /// Files without which its nodes know no programs: from here, to there.
    pub programs: Vec<(PathBuf, String)>,
    /// Where dropped labs go.
    pub reaper: Reaper,
}

impl Site {
    /// Whether a case can be run here.
    pub fn offers(&self, needs: &[Needs]) -> bool {
        needs.iter().all(|need| self.offers.contains(need))
    }

    /// Plans a lab from a topology file's text, under an identity of its own.
    pub fn plan(text: &str) -> Plan {
        let topology = read(text);
        let name = topology.name.clone();
        let instance = std::process::id() << 8 | NEXT.fetch_add(1, Ordering::Relaxed);
        plan(&topology, LabId { name, instance })
    }

    /// Makes the plan's folder in the state directory.
    pub fn create(&self, plan: &Plan) -> NewLab {
        self.state.create(&plan.lab).unwrap()
    }

    /// Raises a lab.
    pub async fn try_raise(&self, plan: &Plan) -> Result<Lab, LabError> {
        let backend = Arc::clone(&self.backend);
        let raised = Lab::raise(
            backend,
            plan.clone(),
            self.create(plan),
            self.reaper.clone(),
        );
        raised.await.map(|(lab, _)| lab)
    }

    /// Raises a lab whose nodes know the programs of a shell, where the site offers them.
    pub async fn raise(&self, plan: &Plan) -> Lab {
        let lab = self.try_raise(plan).await.unwrap();
        for node in &plan.nodes {
            for (from, to) in &self.programs {
                put_file(control(&lab, node.name.as_str()), from, to)
                    .await
                    .unwrap();
            }
        }
        lab
    }

    /// Raises three nodes on one network.
    pub async fn raise_three(&self) -> Lab {
        self.raise(&Self::plan(THREE)).await
    }

    /// What carries a lab's mark.
    pub async fn survey(&self, lab: &LabId) -> Vec<Resource> {
        let mut found: Vec<Resource> = self
            .backend
            .survey()
            .await
            .unwrap()
            .into_iter()
            .filter(|owned| owned.lab == *lab)
            .map(|owned| owned.resource)
            .collect();
        found.sort();
        found
    }

    /// What a lab's ledger lists.
    pub fn recorded(folder: &LabFolder) -> Vec<Resource> {
        let mut listed = folder.listed().unwrap().resources;
        listed.sort();
        listed
    }

    /// Those that are there for as long as the lab is. A Docker lab's networks are secluded by a container that
    /// is gone once it is up.
    pub fn lasting(mut recorded: Vec<Resource>) -> Vec<Resource> {
        recorded.retain(|resource| match resource {
            Resource::Container(name) => !name.ends_with("-_seclusion"),
            _ => true,
        });
        recorded
    }

    /// Makes what is in the plan, without connections to its nodes.
    pub async fn make(&self, plan: &Plan) -> Made {
        // Without the lock a `clean` would take the lab for one whose process was killed.
        let NewLab { folder, lock } = self.create(plan);
        let ledger = FileLedger::open(self.backend.kind(), folder.ledger()).unwrap();
        let fabric = self.backend.raise(plan, Arc::new(ledger)).await.unwrap();
        let made = Made {
            fabric,
            folder,
            _lock: lock,
        };
        for node in &plan.nodes {
            let control = made.open(node.name.as_str()).await;
            for (from, to) in &self.programs {
                put_file(&control, from, to).await.unwrap();
            }
        }
        made
    }

    /// Removes what was made.
    pub async fn remove(&self, made: Made) {
        drop(made.fabric);
        take_away(&self.backend, &made.folder).await.unwrap();
        let name = made.folder.name();
        let left = self.backend.survey().await.unwrap();
        assert!(
            !left.iter().any(|owned| owned.lab.to_string() == name),
            "{left:?}"
        );
    }

    /// Takes a lab down and makes sure that nothing of it is left.
    pub async fn destroy(&self, lab: Lab) {
        let (id, folder) = (lab.id().clone(), self.state.folder(lab.id()));
        lab.destroy().await.unwrap();
        assert_eq!(self.survey(&id).await, [], "left of {id}");
        assert!(
            !folder.path().exists(),
            "{} is left",
            folder.path().display()
        );
    }
}

/// What a plan's raise has made.
#[derive(Debug)]
pub struct Made {
    /// The lab.
    pub fabric: Box<dyn Fabric>,
    folder: LabFolder,
    _lock: LabLock,
}

impl Made {
    /// A new connection to a node.
    pub async fn open(&self, node: &str) -> Control {
        let stream = self.fabric.open(&name(node)).await.unwrap();
        Control::greet(stream, name(node)).await.unwrap()
    }
}

/// The record of a lab that is kept.
pub fn record(handle: LabHandle, plan: Plan) -> LabRecord {
    LabRecord {
        handle,
        plan,
        file: "case.toml".into(),
        text: THREE.to_owned(),
        overrides: BTreeMap::new(),
        raised: "2026-11-21T00:00:00Z".to_owned(),
    }
}

/// The control connection to a node.
pub fn control<'a>(lab: &'a Lab, node: &str) -> &'a Control {
    lab.node(&name(node)).unwrap()
}

/// A node's name.
pub fn name(node: &str) -> NodeName {
    node.parse().unwrap()
}

/// A program of the node's own.
pub fn own(words: &[&str]) -> Command {
    command(Program::Own(
        words.iter().map(|&word| word.to_owned()).collect(),
    ))
}

/// A shell's script.
pub fn shell(script: &str) -> Command {
    own(&["/bin/sh", "-c", script])
}

/// A role of the node binary.
pub fn role(words: &[&str]) -> Command {
    command(Program::Role(
        words.iter().map(|&word| word.to_owned()).collect(),
    ))
}

/// Runs a program to its end.
pub async fn run(control: &Control, command: Command) -> Collected {
    control
        .start(command)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap()
}

/// Runs a script that must succeed, and returns what it printed.
pub async fn print(control: &Control, script: &str) -> String {
    let ended = run(control, shell(script)).await;
    assert_eq!(ended.exit, Exit::Code(0), "{script}: {ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

/// Bytes that repeat nowhere near.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn command(program: Program) -> Command {
    Command {
        program,
        env: BTreeMap::new(),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Connection,
    }
}

fn read(text: &str) -> Topology {
    let read = topology::read("case.toml", text, Path::new("."), &BTreeMap::new(), &|_| {
        topology::Found::File
    });
    read.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Three nodes on one network.
pub const THREE: &str = r#"
name = "conform"
[network.lan]
subnet = "192.168.122.0/24"
[node.a]
networks = ["lan"]
[node.b]
networks = ["lan"]
[node.c]
networks = ["lan"]
"#;
