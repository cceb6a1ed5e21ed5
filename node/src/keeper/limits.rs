//! The resource limits of a lab's nodes: by control groups or, where none can be made, as nearly as a process
//! can limit itself and its children.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

use plumbing::control_group::{ControlGroups, Hindrance, Limit};
use plumbing::own_limits;
use protocol::keeper::{KeeperFailure, LabSpec, Limits};

use super::failure::{DuringStep, OnNode, Steps};

/// The limits of a lab's nodes.
#[derive(Debug, Default)]
pub(super) struct LabLimits {
    /// Limits that are enforced less well than they should be, in words.
    pub(super) warnings: Vec<String>,
    nodes: BTreeMap<usize, NodeLimits>,
}

/// The limits of a node.
#[derive(Debug, Default)]
pub(super) struct NodeLimits {
    /// The `cgroup.procs` files of its control groups, open for writing.
    pub(super) control_groups: Vec<OwnedFd>,
    /// The limits that no control group enforces.
    left: Vec<Limit>,
    /// The number of the lab's processes before any program runs.
    processes_of_lab: u64,
    number: usize,
}

impl LabLimits {
    /// Makes a control group for each node that is limited. This machine's `/proc` and control groups
    /// must be in sight.
    pub(super) fn make(spec: &LabSpec, steps: &mut Steps) -> Result<Self, KeeperFailure> {
        let mut made = Self::default();
        if spec.nodes.iter().all(|node| node.limits.is_empty()) {
            return Ok(made);
        }
        let groups = ControlGroups::find().during("looking for control groups")?;
        let hindrance = groups.hindrance().during("looking for control groups")?;
        for (number, node) in spec.nodes.iter().enumerate() {
            let limits = in_kernel_words(node.limits);
            if limits.is_empty() {
                continue;
            }
            let doing = "making its control group";
            steps.begin(doing).on_node(&node.settings.name)?;
            let group = groups.make(&spec.lab, node.settings.name.as_str(), &limits);
            let (control_groups, left) = group.during(doing).on_node(&node.settings.name)?;
            let why = hindrance.as_ref().unwrap_or(&Hindrance::NotAllowed);
            let warnings = left.iter().map(|limit| {
                let (how, remedy) = (in_words(*limit), why.remedy());
                format!(
                    "node {}: {how}, because {why}; {remedy}",
                    node.settings.name
                )
            });
            made.warnings.extend(warnings);
            let node = NodeLimits {
                control_groups,
                left,
                processes_of_lab: spec.nodes.len() as u64 + 1,
                number,
            };
            made.nodes.insert(number, node);
        }
        Ok(made)
    }

    /// The limits of a node.
    pub(super) fn take(&mut self, node: usize) -> NodeLimits {
        self.nodes.remove(&node).unwrap_or_default()
    }
}

impl NodeLimits {
    /// In the node's first process: takes upon itself, and all that it will start, what no control
    /// group enforces.
    pub(super) fn take_upon_itself(&self) -> io::Result<()> {
        self.left.iter().try_for_each(|limit| match *limit {
            Limit::Memory(bytes) => own_limits::memory(bytes),
            // The kernel counts all of the lab's processes as this user's.
            Limit::Pids(most) => own_limits::processes(self.processes_of_lab + u64::from(most)),
            Limit::MilliCpus(share) => {
                own_limits::processors(share.div_ceil(1000) as usize, self.number)
            }
        })
    }
}

fn in_kernel_words(limits: Limits) -> Vec<Limit> {
    let memory = limits.memory.map(Limit::Memory);
    let cpus = limits.milli_cpus.map(Limit::MilliCpus);
    let pids = limits.pids.map(Limit::Pids);
    [memory, cpus, pids].into_iter().flatten().collect()
}

fn in_words(limit: Limit) -> String {
    match limit {
        Limit::Memory(bytes) => {
            format!("its limit of {bytes} bytes of memory holds for each process by itself")
        }
        Limit::MilliCpus(share) => {
            let whole = share.div_ceil(1000);
            format!(
                "its limit of {share} thousandths of a processor is rounded up to {whole} whole"
            )
        }
        Limit::Pids(most) => {
            format!("its limit of {most} processes counts those of all nodes of the lab")
        }
    }
}
