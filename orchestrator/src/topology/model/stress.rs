//! A file server, and the clients that put it under load.

use std::path::PathBuf;

use protocol::name::NodeName;
pub use protocol::stress::{Operation, Workers};
use protocol::unit::ByteSize;

use super::service::Service;

/// Many clients at a file server.
#[derive(Debug, Clone, PartialEq)]
pub struct Stress {
    /// The server.
    pub server: Server,
    /// The clients.
    pub clients: Clients,
    /// The operation of each client, done once.
    pub operation: Operation,
    /// The length of each file.
    pub size: ByteSize,
    /// A table of what others have reported, as CSV, on this machine.
    pub published: Option<PathBuf>,
}

/// A file server on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it runs.
    pub node: NodeName,
    /// The TCP port that it listens on.
    pub port: u16,
    /// Where its files are: an absolute path in the node.
    pub directory: String,
    /// Its program.
    pub program: ServerProgram,
}

/// The program of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerProgram {
    /// The node's own.
    BuiltIn {
        /// The kind of its workers.
        model: Workers,
        /// The number of connections it serves at once.
        workers: u32,
        /// The settings of its service.
        service: Service,
    },
    /// A program of the user's.
    Own {
        /// Program and arguments.
        command: Vec<String>,
        /// The kind of its workers, according to the file.
        model: Option<Workers>,
        /// The number of its workers, according to the file.
        workers: Option<u32>,
    },
}

/// Clients on a node, all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// Where they run.
    pub node: NodeName,
    /// The kind of client.
    pub model: Workers,
    /// The number of clients.
    pub workers: u32,
}

impl ServerProgram {
    /// Returns the kind of its workers, where that is known.
    pub fn model(&self) -> Option<Workers> {
        match self {
            Self::BuiltIn { model, .. } => Some(*model),
            Self::Own { model, .. } => *model,
        }
    }

    /// Returns the number of its workers, where that is known.
    pub fn workers(&self) -> Option<u32> {
        match self {
            Self::BuiltIn { workers, .. } => Some(*workers),
            Self::Own { workers, .. } => *workers,
        }
    }
}
