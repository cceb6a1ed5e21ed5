//! The reports of the file server, and of the clients that put it under stress.
//!
//! `node serve --directory D --model thread|process|async --workers N` prints [`Listening`], then
//! `ready`, a [`StoredFile`] for each upload if `--report` is given, a [`WorkerLoss`] for each worker
//! that dies, and, once SIGTERM or SIGINT has drained it, a [`ServerRecord`].
//!
//! `node stress --server ADDRESS:PORT --operation upload|download --size 10MiB --model … --workers N
//! --seed S` prints `ready`, a [`ClientRecord`] for each client as it ends, and a [`StressRecord`].
//! An upload is proved by what the server has stored, which the client cannot know: [`StoredFile`]
//! of our own server, or, of any, a [`FileDigest`] printed by `node digest --directory D NAME…` on the
//! server's node, must equal the hash of the [`ClientRecord`].
//!
//! `node fill --directory D --seed S --size 10MiB NAME…` makes files for downloads and prints a
//! [`FileDigest`] of each; `node discard --directory D NAME…` removes files, and prints nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::FileName;
use crate::task::NotOneOf;

/// The kind of worker in a server, or of client in a stress scenario.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Workers {
    /// Threads of one process.
    #[default]
    Thread,
    /// Processes with one thread each.
    Process,
    /// Tasks on a runtime.
    Async,
}

/// The operation of a stress client on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Each client sends a file of its own.
    Upload,
    /// Every client fetches the same file.
    Download,
}

impl Workers {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Thread, Self::Process, Self::Async];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Async => "async",
        }
    }
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Upload, Self::Download];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
        }
    }
}

impl fmt::Display for Workers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl FromStr for Workers {
    type Err = NotOneOf;

    fn from_str(text: &str) -> Result<Self, NotOneOf> {
        let found = Self::ALL.into_iter().find(|workers| workers.word() == text);
        found.ok_or_else(|| NotOneOf::new(Self::ALL.map(Self::word)))
    }
}

impl FromStr for Operation {
    type Err = NotOneOf;

    fn from_str(text: &str) -> Result<Self, NotOneOf> {
        let found = Self::ALL
            .into_iter()
            .find(|operation| operation.word() == text);
        found.ok_or_else(|| NotOneOf::new(Self::ALL.map(Self::word)))
    }
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// Address and port.
    pub address: String,
}

/// A file that a server has stored under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name.
    pub name: FileName,
    /// Bytes written.
    pub bytes: u64,
    /// BLAKE3 of the bytes written, in lower-case hexadecimal.
    pub blake3: String,
}

/// The digest of a file, as read from where it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Its name.
    pub name: FileName,
    /// Its length in bytes.
    pub bytes: u64,
    /// BLAKE3 of its content, in lower-case hexadecimal.
    pub blake3: String,
}

/// A worker of a server that died. Another one has taken its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLoss {
    /// Its number, from 0.
    pub worker: u32,
    /// The cause of its death.
    pub reason: String,
    /// Whether a connection died with it.
    pub serving: bool,
}

/// The record of a server's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// The kind of its workers.
    pub model: Workers,
    /// The number of its workers.
    pub workers: u32,
    /// Workers that lived to the end.
    pub workers_ok: u32,
    /// Workers that died.
    pub workers_failed: u32,
    /// Connections that a worker took.
    pub connections: u64,
    /// Those of them that ended between requests, by either side.
    pub connections_ok: u64,
    /// Those that broke off within a request, each reason with its count.
    pub connections_failed: BTreeMap<String, u64>,
    /// Connections that were refused because there were too many, or because the server was ending.
    pub refused: u64,
    /// Requests that were done.
    pub requests_ok: u64,
    /// Requests that got an ERROR.
    pub requests_failed: u64,
    /// Bytes of files stored.
    pub stored: u64,
    /// Bytes of files sent.
    pub sent: u64,
    /// The most connections that were served at once.
    pub most_served: u32,
    /// The most that waited for a worker at once.
    pub most_waiting: u32,
    /// Bytes that are read from or written to a connection at once.
    pub buffer: u64,
}

/// The record of one client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientRecord {
    /// Its number, from 0.
    pub client: u32,
    /// Its file's name at the server.
    pub name: FileName,
    /// Bytes of the file that were moved.
    pub bytes: u64,
    /// BLAKE3 of what was sent, or of what was received, in lower-case hexadecimal; empty if that did
    /// not come to an end.
    pub blake3: String,
    /// Seconds from before the connection was made until the last byte of the reply was read, with
    /// the content hashed.
    pub seconds: f64,
    /// Why it failed. A download that differs from what was expected has failed.
    pub failure: Option<String>,
}

/// The record of all clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressRecord {
    /// Their operation.
    pub operation: Operation,
    /// The kind of client.
    pub model: Workers,
    /// The number of clients, all at once.
    pub clients: u32,
    /// The length of each one's file in bytes.
    pub size: u64,
    /// Those that did it.
    pub ok: u32,
    /// Those that did not.
    pub failed: u32,
    /// Why not, each reason with its count.
    pub reasons: BTreeMap<String, u32>,
    /// Seconds from the moment they were let go until the last had ended.
    pub seconds: f64,
    /// Seconds a client, of those that did it.
    pub times: Times,
    /// Mean of the bytes a second of each client that did it.
    pub client_throughput: f64,
    /// Bytes moved by those that did it, by the seconds of all.
    pub throughput: f64,
    /// Bytes that are read from or written to a connection at once.
    pub buffer: u64,
}

/// Times in seconds; zero where there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Their mean.
    pub mean: f64,
    /// The shortest.
    pub least: f64,
    /// Half are at most so long.
    pub p50: f64,
    /// Nine of ten are at most so long.
    pub p90: f64,
    /// Of a hundred, 99 are at most so long.
    pub p99: f64,
    /// The longest.
    pub most: f64,
}

impl Times {
    /// Summarizes times in seconds; percentiles by nearest rank.
    #[expect(clippy::cast_precision_loss, reason = "a count of clients")]
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (seconds.first(), seconds.last()) else {
            return Self::default();
        };
        let count = seconds.len();
        let rank = |percent: usize| seconds[(count * percent).div_ceil(100).max(1) - 1];
        Self {
            mean: seconds.iter().sum::<f64>() / count as f64,
            least,
            p50: rank(50),
            p90: rank(90),
            p99: rank(99),
            most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for workers in Workers::ALL {
            assert_eq!(workers.to_string().parse(), Ok(workers));
            let json = serde_json::to_string(&workers).unwrap();
            assert_eq!(json, format!("\"{workers}\""));
        }
        for operation in Operation::ALL {
            assert_eq!(operation.to_string().parse(), Ok(operation));
        }
        assert!("threads".parse::<Workers>().is_err());
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times = Times::of((1..=50).rev().map(f64::from).collect());
        let expected = Times {
            mean: 25.5,
            least: 1.0,
            p50: 25.0,
            p90: 45.0,
            p99: 50.0,
            most: 50.0,
        };
        assert_eq!(times, expected);
        assert_eq!(Times::of(vec![]), Times::default());
        assert!((Times::of(vec![3.0]).p50 - 3.0).abs() < f64::EPSILON);
    }
}
