//! The output of the roles (the programs that run on the test bed): one JSON object a line on standard
//! output.
//!
//! Roles are ordinary programs of the node binary, started over the control channel like any other.

use serde::{Deserialize, Serialize};

use crate::broadcast::hash::Hash;
use crate::conversation::ReplyRecord;
use crate::name::FileName;
use crate::stress::{
    ClientRecord, FileDigest, Listening, ServerRecord, StoredFile, StressRecord, WorkerLoss,
};
use crate::task::{Arrival, DownloadRecord, RunRecord, Tally, TaskRecord};

/// The name by which the program is called to act as the node: for its roles, and for the parts of the test bed.
pub const PROGRAM: &str = "node";

/// The path at which a process that was put into a container runs the program of its agent, which is the first process there.
/// No other program can take its place.
pub const PROGRAM_OF_AGENT: &str = "/proc/1/exe";

/// A line printed by a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RoleEvent {
    /// The role is at work: a receiver's socket is bound and sees every later datagram.
    Ready,
    /// Bytes of the current transfer moved so far, printed at most ten times a second.
    Progress {
        /// Bytes moved.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A sender has had every receiver's proof of the file.
    Sent(FileRecord),
    /// A receiver has the whole file under its final name and has proved its hash.
    Received(FileRecord),
    /// A sender gave up on a receiver.
    Lost {
        /// The receiver's address.
        receiver: String,
        /// Why.
        reason: String,
    },
    /// The role ended as it should.
    Finished(Summary),
    /// A sender's task ended.
    Task(TaskRecord),
    /// All of a sender's tasks ended.
    Ran(RunRecord),
    /// A receiver stored something that came without a name.
    Arrived(Arrival),
    /// The counts of a receiver of nameless datagrams, when it ended.
    Counted(Tally),
    /// A file was fetched.
    Downloaded(DownloadRecord),
    /// A server accepts connections.
    Listening(Listening),
    /// A server has stored a file.
    Stored(StoredFile),
    /// A worker of a server died.
    WorkerLost(WorkerLoss),
    /// A server has ended in good order.
    Served(ServerRecord),
    /// A stress client has ended.
    Client(ClientRecord),
    /// All stress clients have ended.
    Stressed(StressRecord),
    /// The result of a command to a server.
    Replied(ReplyRecord),
    /// The digest of a file.
    Digest(FileDigest),
    /// The role could not do its work; it exits with code 1.
    Failed {
        /// The failure, its place and its cause.
        reason: String,
    },
}

/// A file that was moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name.
    pub name: FileName,
    /// Its length in bytes.
    pub bytes: u64,
    /// BLAKE3 of its content, in lower-case hexadecimal.
    pub blake3: String,
    /// Seconds from the transfer's start to the file's completion.
    pub seconds: f64,
}

impl FileRecord {
    /// Of a file with this hash.
    pub fn new(name: FileName, bytes: u64, hash: &Hash, seconds: f64) -> Self {
        Self {
            name,
            bytes,
            blake3: blake3::Hash::from_bytes(*hash).to_string(),
            seconds,
        }
    }
}

/// The cost of a transfer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Seconds from the first datagram to the last proof.
    pub seconds: f64,
    /// Bytes of all files, each counted once.
    pub bytes: u64,
    /// Data datagrams sent or received, repetitions included.
    pub datagrams: u64,
    /// Of a sender, data datagrams that repaired something; of a receiver, those that it had already.
    pub repeated: u64,
}
