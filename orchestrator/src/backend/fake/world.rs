//! The state of the in-memory backend, and its injected faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use protocol::link::{Change, HeldConditions, LinkTable};
use protocol::name::NodeName;
use tokio::sync::mpsc;

use crate::backend::{
    Backend, BackendError, BackendErrorKind, BackendKind, ByteStream, Capabilities, Fabric,
    LabHandle, Ledger, Owned, Provenance, Resource,
};
use crate::control::Control;
use crate::plan::{LabId, Plan};

use super::agent;

/// A backend in memory. Clones share their world.
#[derive(Debug, Clone, Default)]
pub struct FakeBackend {
    pub(super) world: Arc<World>,
}

/// The damage that a broadcast suffers on its way to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    /// The file does not arrive, though the receiver says it did.
    Drop,
    /// The second half of the file does not arrive.
    Cut,
    /// A byte in the middle is changed.
    Change,
    /// A file that nobody sent arrives too.
    Extra,
    /// The file goes on for mebibytes beyond its end, and the agent sends more than it is asked for.
    Swell,
}

/// A fault of a node, in any lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InjectedFault {
    /// It is impossible to remove.
    Stuck,
    /// Nothing that other nodes send reaches it.
    CutOff,
    /// Removing it takes forever.
    Endless,
    /// Reaching for it panics.
    Panics,
}

#[derive(Debug, Default)]
pub(super) struct World {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    made: BTreeMap<Resource, LabId>,
    links: BTreeMap<LabId, LinkTable>,
    fail_raise_at: Option<usize>,
    stuck: BTreeSet<Resource>,
    afflicted: BTreeMap<NodeName, InjectedFault>,
    pub(super) tamper: BTreeMap<NodeName, Tamper>,
    pub(super) files: BTreeMap<(NodeName, String), Vec<u8>>,
    /// Receivers that listen: node, folder, and where to tell them of a file.
    pub(super) receivers: Vec<(NodeName, String, mpsc::UnboundedSender<String>)>,
}

impl FakeBackend {
    /// Makes the next raise fail once it has recorded its `index`-th resource, counted from 0.
    pub fn fail_raise_at(&self, index: usize) {
        self.world.lock().fail_raise_at = Some(index);
    }

    /// Makes a resource impossible to remove, or possible again.
    pub fn set_stuck(&self, resource: Resource, stuck: bool) {
        let mut state = self.world.lock();
        if stuck {
            state.stuck.insert(resource);
        } else {
            state.stuck.remove(&resource);
        }
    }

    /// Makes broadcasts to a node go wrong.
    pub fn tamper(&self, node: NodeName, tamper: Tamper) {
        self.world.lock().tamper.insert(node, tamper);
    }

    pub(super) fn afflict(&self, node: NodeName, injected_fault: InjectedFault) {
        self.world.lock().afflicted.insert(node, injected_fault);
    }

    /// Returns the resources that raising `plan` makes, in order.
    pub fn resources(plan: &Plan) -> Vec<Resource> {
        let named = |kind: &str, name: &str| Resource::Fake(format!("{} {kind} {name}", plan.lab));
        let segments = plan
            .segments
            .iter()
            .map(|segment| named("segment", segment.name.as_str()));
        let nodes = plan
            .nodes
            .iter()
            .map(|node| named("node", node.name.as_str()));
        segments.chain(nodes).collect()
    }
}

impl State {
    /// Returns the fault injected into a resource, if it is a node.
    fn injected_fault(&self, resource: &Resource) -> Option<InjectedFault> {
        let Resource::Fake(text) = resource else {
            return None;
        };
        let named = |node: &NodeName| text.ends_with(&format!(" node {node}"));
        let mut afflicted = self.afflicted.iter();
        afflicted.find_map(|(node, injected_fault)| named(node).then_some(*injected_fault))
    }
}

impl World {
    fn make(&self, resource: Resource, lab: &LabId, index: usize) -> Result<(), BackendError> {
        let mut state = self.lock();
        if state.fail_raise_at == Some(index) {
            state.fail_raise_at = None;
            let cause = std::io::Error::other("told to fail");
            let action = format!("making {resource}");
            return Err(BackendErrorKind::system(cause).at(BackendKind::Fake, action));
        }
        state.made.insert(resource, lab.clone());
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Backend for FakeBackend {
    fn kind(&self) -> BackendKind {
        BackendKind::Fake
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::KERNEL.keeping_conditions()
    }

    async fn preflight(&self, _plan: &Plan) -> Result<(), BackendError> {
        Ok(())
    }

    async fn raise(
        &self,
        plan: &Plan,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Box<dyn Fabric>, BackendError> {
        for (index, resource) in Self::resources(plan).into_iter().enumerate() {
            ledger.record(&resource)?;
            self.world.make(resource, &plan.lab, index)?;
            // As with real backends, others get a look at what is half made.
            tokio::task::yield_now().await;
        }
        let ports = plan.segments.iter().flat_map(|segment| &segment.ports);
        let links = LinkTable::new(ports);
        self.world.lock().links.insert(plan.lab.clone(), links);
        let nodes = plan.nodes.iter().map(|node| node.name.clone()).collect();
        Ok(Box::new(FakeFabric {
            lab: plan.lab.clone(),
            nodes,
            world: Arc::clone(&self.world),
        }))
    }

    async fn attach(&self, handle: &LabHandle) -> Result<Box<dyn Fabric>, BackendError> {
        let nodes = handle.nodes.iter().map(|(name, _)| name.clone()).collect();
        Ok(Box::new(FakeFabric {
            lab: handle.lab.clone(),
            nodes,
            world: Arc::clone(&self.world),
        }))
    }

    async fn remove(&self, resource: &Resource) -> Result<(), BackendError> {
        let injected_fault = self.world.lock().injected_fault(resource);
        if injected_fault == Some(InjectedFault::Endless) {
            return std::future::pending().await;
        }
        let mut state = self.world.lock();
        if state.stuck.contains(resource) || injected_fault == Some(InjectedFault::Stuck) {
            let cause = std::io::Error::other("told to stay");
            let action = format!("removing {resource}");
            return Err(BackendErrorKind::system(cause).at(BackendKind::Fake, action));
        }
        state.made.remove(resource);
        let State { made, links, .. } = &mut *state;
        links.retain(|lab, _| made.values().any(|of| of == lab));
        Ok(())
    }

    async fn survey(&self) -> Result<Vec<Owned>, BackendError> {
        let state = self.world.lock();
        let owned = |(resource, lab): (&Resource, &LabId)| Owned {
            lab: lab.clone(),
            resource: resource.clone(),
            provenance: Provenance::Ours,
        };
        Ok(state.made.iter().map(owned).collect())
    }
}

#[derive(Debug)]
struct FakeFabric {
    lab: LabId,
    nodes: BTreeSet<NodeName>,
    world: Arc<World>,
}

#[async_trait]
impl Fabric for FakeFabric {
    async fn open(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError> {
        if !self.nodes.contains(node) {
            let reason = "there is no such node".to_owned();
            let kind = BackendErrorKind::Node {
                node: node.to_string(),
                reason,
            };
            return Err(kind.at(BackendKind::Fake, "opening a control connection"));
        }
        let injected_fault = self.world.lock().afflicted.get(node).copied();
        assert!(
            injected_fault != Some(InjectedFault::Panics),
            "told to panic on {node}"
        );
        let (ours, theirs) = tokio::io::duplex(PIPE);
        tokio::spawn(agent::serve(theirs, node.clone(), Arc::clone(&self.world)));
        Ok(Box::new(ours))
    }

    async fn check_passage(
        &self,
        _plan: &Plan,
        controls: &BTreeMap<NodeName, Control>,
    ) -> Result<(), BackendError> {
        let state = self.world.lock();
        let is_cut_off =
            |node: &&NodeName| state.afflicted.get(*node) == Some(&InjectedFault::CutOff);
        match controls.keys().find(is_cut_off) {
            None => Ok(()),
            Some(node) => Err(BackendErrorKind::Lacking {
                missing: format!("nothing reaches {node}"),
                remedy: "do not ask for that".to_owned(),
            }
            .at(
                BackendKind::Fake,
                "checking that packets pass between nodes",
            )),
        }
    }

    async fn conditions(&self) -> Result<Option<HeldConditions>, BackendError> {
        let state = self.world.lock();
        Ok(state.links.get(&self.lab).map(|links| links.held().clone()))
    }

    async fn change_conditions(&self, change: Change) -> Result<Option<u64>, BackendError> {
        let mut state = self.world.lock();
        let links = state.links.get_mut(&self.lab);
        let changed = links.map(|links| links.change(change)).transpose();
        changed.map_err(|error| {
            let action = "changing links' conditions";
            BackendErrorKind::system(error).at(BackendKind::Fake, action)
        })
    }

    async fn keep(&self) -> Result<LabHandle, BackendError> {
        let nodes = self
            .nodes
            .iter()
            .map(|node| (node.clone(), node.to_string()))
            .collect();
        Ok(LabHandle {
            lab: self.lab.clone(),
            backend: BackendKind::Fake,
            nodes,
            hosts: BTreeMap::new(),
        })
    }
}

const PIPE: usize = 256 << 10;
