//! Files and programs that nodes are given once their agents answer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use protocol::name::NodeName;

use crate::topology::Topology;

/// The files and the program that a node is given before anything runs in the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provision {
    /// The node.
    pub node: NodeName,
    /// Files to be put into it.
    pub files: Vec<PlannedFile>,
    /// The program to be started then; empty: none.
    pub command: Vec<String>,
    /// Variables of that program's environment.
    pub env: BTreeMap<String, String>,
}

/// A file to be put into a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its path on this machine.
    pub from: PathBuf,
    /// Its absolute path in the node.
    pub to: String,
}

/// Returns the provision of each node, in the file's order.
pub fn provisions(topology: &Topology) -> Vec<Provision> {
    let of = |node: &crate::topology::model::Node| Provision {
        node: node.name.clone(),
        files: node
            .files
            .iter()
            .map(|file| PlannedFile {
                from: file.from.clone(),
                to: file.to.clone(),
            })
            .collect(),
        command: node.command.clone(),
        env: node.env.clone(),
    };
    topology.nodes.iter().map(of).collect()
}
