//! The reports of workers.

use protocol::stress::{StoredFile, WorkerLoss};
use serde::{Deserialize, Serialize};

/// The outcome of one connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// Requests that were done.
    pub(super) ok: u64,
    /// Requests that got an ERROR.
    pub(super) failed: u64,
    /// Bytes of files stored.
    pub(super) stored: u64,
    /// Bytes of files sent.
    pub(super) sent: u64,
    /// Why it broke off within a request.
    pub(super) broken: Option<String>,
}

/// A worker's message while it works.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WorkerMessage {
    /// It can be given a connection.
    Ready,
    /// It has stored a file.
    Stored(StoredFile),
    /// Its connection has ended, and it can be given another.
    Done(Report),
}

/// An event in a pool.
#[derive(Debug)]
pub(super) enum PoolEvent {
    /// A file was stored.
    Stored(StoredFile),
    /// A connection ended.
    Done(Report),
    /// A worker died. Another one takes its place.
    Lost(WorkerLoss),
    /// A worker can be given its first connection.
    Ready,
}
