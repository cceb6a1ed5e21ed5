//! The resource limits of a lab's nodes: by control groups or, where none can be made, as nearly as a process
//! can limit itself and its children.

use std::io;

use plumbing::control_group::{ControlGroups, Hindrance, Limit};
use plumbing::own_limits::{self, OwnLimits};
use protocol::keeper::{KeeperFailure, LabSpec, NodeSpec};
use protocol::limits::Limits;
use protocol::settings::Sandbox;

use crate::agent::NodeGroup;

use super::failure::{DuringStep, Steps};

/// The limits of a lab's nodes.
#[derive(Debug)]
pub(super) struct LabLimits {
    /// Limits that are enforced less well than they should be, in words.
    pub(super) warnings: Vec<String>,
    spec: &'static LabSpec,
    groups: &'static ControlGroups,
}

/// The limits of a node.
#[derive(Debug)]
pub(super) struct NodeLimits {
    /// The control group that its programs are in.
    pub(super) group: NodeGroup,
    /// The limits that each of its programs takes upon itself.
    pub(super) of_programs: OwnLimits,
    /// The most that its files take, in bytes.
    pub(super) disk: u64,
    /// Processors for it, where no control group shares them out, in thousandths of one.
    milli_cpus: Option<u32>,
    number: usize,
}

impl LabLimits {
    /// Makes the group of the lab. This machine's `/proc` and control groups must be in sight.
    pub(super) fn make(spec: &'static LabSpec, steps: &mut Steps) -> Result<Self, KeeperFailure> {
        let doing = "preparing control groups";
        steps.begin(doing)?;
        let groups = ControlGroups::find().during(doing)?;
        let hindrance = groups.hindrance().during(doing)?;
        let all = spec.nodes.iter();
        let all: Vec<_> = all
            .flat_map(|node| in_kernel_words(node.limits.or_usual()))
            .collect();
        let mut groups = groups.held().during(doing)?;
        groups.prepare(&spec.lab, &all).during(doing)?;
        let why = hindrance.unwrap_or(Hindrance::NotAllowed);
        let nodes = spec.nodes.iter();
        let warnings = nodes.flat_map(|node| {
            let asked = in_kernel_words(node.limits).into_iter();
            let lacking = asked.filter(|limit| !groups.can_enforce(*limit));
            let said = lacking.filter_map(|limit| in_words(limit, node.settings.sandbox));
            let (name, remedy) = (&node.settings.name, why.remedy());
            said.map(|how| format!("node {name}: {how}, because {why}; {remedy}"))
                .collect::<Vec<_>>()
        });
        Ok(Self {
            warnings: warnings.collect(),
            spec,
            groups: Box::leak(Box::new(groups)),
        })
    }

    /// Returns the limits of a node.
    pub(super) fn of(&self, number: usize, node: &'static NodeSpec) -> NodeLimits {
        let limits = node.limits.or_usual();
        let (inside, left): (Vec<_>, Vec<_>) = in_kernel_words(limits)
            .into_iter()
            .partition(|limit| self.groups.can_enforce(*limit));
        let mut own = NodeLimits {
            group: NodeGroup {
                groups: self.groups,
                lab: &self.spec.lab,
                node: node.settings.name.as_str(),
                limits: inside,
                is_asked_for: !in_kernel_words(node.limits).is_empty(),
            },
            of_programs: OwnLimits {
                open_files: limits.open_files.map(u64::from),
                ..OwnLimits::default()
            },
            disk: limits.disk.unwrap_or(u64::MAX),
            milli_cpus: None,
            number,
        };
        for limit in left {
            match limit {
                Limit::Memory(bytes) => own.of_programs.memory = Some(bytes),
                Limit::Pids(most) => own.of_programs.processes = Some(self.processes(node, most)),
                Limit::MilliCpus(share) => own.milli_cpus = Some(share),
            }
        }
        own
    }

    /// In a sandbox the kernel counts the node's programs alone, elsewhere all of the lab's processes as this user's.
    fn processes(&self, node: &NodeSpec, most: u32) -> u64 {
        match node.settings.sandbox {
            Sandbox::Off => self.spec.nodes.len() as u64 + 1 + u64::from(most),
            Sandbox::Default | Sandbox::Strict => u64::from(most),
        }
    }
}

impl NodeLimits {
    /// In the node's first process: takes upon itself, and all that it will start, what neither a control group nor a
    /// program's own limits enforce.
    pub(super) fn take_upon_itself(&self) -> io::Result<()> {
        match self.milli_cpus {
            Some(share) => own_limits::processors(share.div_ceil(1000) as usize, self.number),
            None => Ok(()),
        }
    }
}

fn in_kernel_words(limits: Limits) -> Vec<Limit> {
    let memory = limits.memory.map(Limit::Memory);
    let cpus = limits.milli_cpus.map(Limit::MilliCpus);
    let pids = limits.pids.map(Limit::Pids);
    [memory, cpus, pids].into_iter().flatten().collect()
}

/// Returns the words on a limit that no control group enforces; none if it holds all the same.
fn in_words(limit: Limit, sandbox: Sandbox) -> Option<String> {
    match limit {
        Limit::Memory(bytes) => Some(format!(
            "its limit of {bytes} bytes of memory holds for each process by itself"
        )),
        Limit::MilliCpus(share) => {
            let whole = share.div_ceil(1000);
            Some(format!(
                "its limit of {share} thousandths of a processor is rounded up to {whole} whole"
            ))
        }
        Limit::Pids(most) => (sandbox == Sandbox::Off)
            .then(|| format!("its limit of {most} processes counts those of all nodes of the lab")),
    }
}
