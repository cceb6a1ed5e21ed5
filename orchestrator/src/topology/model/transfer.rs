//! Files sent from a node to others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use protocol::name::{FileName, NodeName};
pub use protocol::task::{Framing, Model};
use protocol::unit::ByteSize;

/// Files sent from a node to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// The sender.
    pub from: NodeName,
    /// The receivers.
    pub to: Vec<NodeName>,
    /// The files to send.
    pub files: Files,
    /// The UDP port.
    pub port: u16,
    /// The way they are sent.
    pub sending: Sending,
}

/// The files to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Files {
    /// Files on this machine, which the sender has before it begins.
    Here(Vec<PathBuf>),
    /// The files that the sender downloads first.
    Downloaded(Vec<Download>),
}

/// A file that the sender fetches over HTTP before it sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Download {
    /// The file's name without its ending, which its type calls for.
    pub key: FileName,
    /// Where it is.
    pub source: Source,
}

/// Where a download comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A node of the lab, which serves a file of this machine.
    Origin {
        /// The node.
        node: NodeName,
        /// The file, on this machine.
        file: PathBuf,
    },
    /// A server that the sender can reach.
    Url {
        /// Where the file is.
        url: String,
        /// Whether a redirection may lead from https to http.
        downgrade: bool,
    },
}

/// The way files are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// The concurrency model, each file a task; a `model` axis of the matrix takes precedence. None: one
    /// thread sends all, and with the framing `reliable` as one.
    pub model: Option<Model>,
    /// The layout of files in datagrams.
    pub framing: Framing,
    /// The size of a receiver's buffer, where it is not the framing's default.
    pub buffer: Option<ByteSize>,
    /// The most processes at once.
    pub processes: u32,
    /// The threads that tasks share.
    pub workers: u32,
    /// The time limit of a file's task.
    pub deadline: Duration,
    /// The pause of each task after its file.
    pub pause: Duration,
    /// The times that others have published, to be shown beside the time here.
    pub published: BTreeMap<Model, Duration>,
}

/// Which broadcast address is sent to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BroadcastAddress {
    /// 255.255.255.255.
    #[default]
    Limited,
    /// The subnet's own.
    Subnet,
}

impl Transfer {
    /// Whether all files are one session: they go to the same receivers, and no model has each be a
    /// task of its own.
    pub fn is_one_session(&self, broadcast: bool) -> bool {
        let sending = &self.sending;
        broadcast && sending.framing == Framing::Reliable && sending.model.is_none()
    }
}

impl Files {
    /// Returns the number of files.
    pub fn count(&self) -> usize {
        match self {
            Self::Here(files) => files.len(),
            Self::Downloaded(downloads) => downloads.len(),
        }
    }
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            model: None,
            framing: Framing::default(),
            buffer: None,
            processes: 20,
            workers: 4,
            deadline: Duration::from_secs(10),
            pause: Duration::ZERO,
            published: BTreeMap::new(),
        }
    }
}

impl std::fmt::Display for BroadcastAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(match self {
            Self::Limited => "limited",
            Self::Subnet => "subnet",
        })
    }
}
