//! Why a project is refused.

use crate::gns3::archive::ArchiveError;
use crate::gns3::document::DocumentError;

/// Why a project makes no topology.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The project's file is refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Two nodes with one name.
    #[error("two nodes are called `{name}`{clash}; give one of them another name in GNS3")]
    Twice {
        /// The name.
        name: String,
        /// Their names there, if different.
        clash: String,
    },
    /// Two nodes with one identity.
    #[error("two nodes, `{0}` and `{1}`, have the same node_id; the project is damaged")]
    SameId(String, String),
    /// Properties that are not those of a node of its type.
    #[error("the properties of node `{node}` are not those of its type {kind}: {source}")]
    Properties {
        /// The node.
        node: String,
        /// Its type.
        kind: String,
        /// The fault in them.
        source: serde_json::Error,
    },
    /// A link that does not have two ends at nodes that are there.
    #[error(
        "link {0} does not lead from one node of the project to another; the project is damaged"
    )]
    Link(uuid::Uuid),
    /// A port with two links.
    #[error("{node}: adapter {adapter}, port {port} has two links; the project is damaged")]
    PortTwice {
        /// The node.
        node: String,
        /// The adapter.
        adapter: u32,
        /// Its port.
        port: u32,
    },
    /// A lab that does not hold together.
    #[error("the project makes no lab that holds together:\n{0}")]
    Lab(String),
}
