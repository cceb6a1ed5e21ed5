//! The reports of senders and receivers of files beyond their transfers: one task a file, the worker of each,
//! and the contents that arrived without a name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::FileName;

/// The spread of a sender's work over threads, processes and tasks. Each file is a task.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// One thread does one file after the other.
    #[default]
    SingleThread,
    /// A thread a file.
    MultiThread,
    /// A task a file, on a pool of threads.
    MultiThreadAsync,
    /// A process a file.
    MultiProcess,
    /// A task a file, on a pool of processes with one thread each.
    MultiProcessAsync,
}

/// The layout of a file in datagrams.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// [`crate::broadcast`]: what is lost is sent again until each receiver has proved its copy.
    #[default]
    Reliable,
    /// A file a datagram, without a name. Receivers number what arrives.
    Datagram,
    /// A byte a datagram, without a file's name or end.
    Byte,
}

/// A text that is none of the words it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write one of {0}")]
pub struct NotOneOf(String);

impl NotOneOf {
    /// These are the words.
    pub(crate) fn new<const N: usize>(words: [&str; N]) -> Self {
        Self(words.join(", "))
    }
}

impl Model {
    /// All of them, the plainest first.
    pub const ALL: [Self; 5] = [
        Self::SingleThread,
        Self::MultiThread,
        Self::MultiThreadAsync,
        Self::MultiProcess,
        Self::MultiProcessAsync,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SingleThread => "single-thread",
            Self::MultiThread => "multi-thread",
            Self::MultiThreadAsync => "multi-thread-async",
            Self::MultiProcess => "multi-process",
            Self::MultiProcessAsync => "multi-process-async",
        }
    }
}

impl Framing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reliable, Self::Datagram, Self::Byte];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Datagram => "datagram",
            Self::Byte => "byte",
        }
    }

    /// The buffer into which the original labs' servers receive a datagram, in bytes; what is longer
    /// is cut. None where receivers take whatever comes.
    pub fn buffer(self) -> Option<u64> {
        match self {
            Self::Reliable => None,
            Self::Datagram => Some(54_272),
            Self::Byte => Some(1_024),
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

impl FromStr for Model {
    type Err = NotOneOf;

    fn from_str(text: &str) -> Result<Self, NotOneOf> {
        let words = || NotOneOf::new(Self::ALL.map(Self::word));
        let found = Self::ALL.into_iter().find(|model| model.word() == text);
        found.ok_or_else(words)
    }
}

impl FromStr for Framing {
    type Err = NotOneOf;

    fn from_str(text: &str) -> Result<Self, NotOneOf> {
        let words = || NotOneOf::new(Self::ALL.map(Self::word));
        let found = Self::ALL.into_iter().find(|framing| framing.word() == text);
        found.ok_or_else(words)
    }
}

/// A file's task, ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The file.
    pub file: FileName,
    /// Where it was sent to, address and port.
    pub to: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Datagrams sent.
    pub datagrams: u64,
    /// Those of them that were sent for others that were lost.
    pub repeated: u64,
    /// The worker that did it, as `ps` shows it: `thread data.jpg`, `process 4711`.
    pub worker: String,
    /// When it began, in seconds since 1970 (UTC).
    pub started: f64,
    /// The time it took, a pause included, in seconds.
    pub seconds: f64,
    /// Its result.
    pub result: TaskResult,
}

/// The result of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum TaskResult {
    /// All was sent and, where receivers answer, proved by each.
    Done,
    /// It could not be done.
    Failed {
        /// Why.
        reason: String,
    },
    /// It was not done by its deadline.
    Late,
}

/// The record of the tasks of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The concurrency model.
    pub model: Model,
    /// When the first worker was about to be started, in seconds since 1970 (UTC).
    pub started: f64,
    /// When the last one had ended.
    pub ended: f64,
    /// The time between, by a clock that nobody sets.
    pub seconds: f64,
    /// The workers counted.
    pub census: Census,
}

/// The workers at work: the most that were there at once, as counted while they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Processes, the one that started the others included.
    pub processes: u32,
    /// Threads of the process that had most.
    pub threads: u32,
    /// Tasks that had begun or waited for a thread.
    pub tasks: u32,
}

/// Something that came without a name and was stored under one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Its name there.
    pub name: FileName,
    /// Bytes stored.
    pub bytes: u64,
    /// Bytes of the datagram; more than were stored where the buffer was too small.
    pub sent: u64,
    /// The sender's address and port.
    pub from: String,
}

/// A message on the standard input of a receiver that cannot know the end itself, in a line of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllSent {
    /// Datagrams that were sent to it; none will follow.
    pub datagrams: u64,
}

/// The counts of a receiver of nameless datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Datagrams received.
    pub datagrams: u64,
    /// Bytes stored.
    pub bytes: u64,
    /// Datagrams that the kernel dropped because the socket's buffer was full.
    pub dropped: u64,
}

/// A file fetched over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DownloadRecord {
    /// The name it was asked for.
    pub key: String,
    /// Its name: the key with the ending that its type calls for.
    pub name: FileName,
    /// Where it came from, redirections followed.
    pub url: String,
    /// The answer's Content-Type.
    pub content_type: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The time it took, in seconds.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for model in Model::ALL {
            assert_eq!(model.to_string().parse(), Ok(model));
            let json = serde_json::to_string(&model).unwrap();
            assert_eq!(json, format!("\"{model}\""));
        }
        for framing in Framing::ALL {
            assert_eq!(framing.to_string().parse(), Ok(framing));
            let json = serde_json::to_string(&framing).unwrap();
            assert_eq!(json, format!("\"{framing}\""));
        }
        let wrong = "multithread".parse::<Model>().unwrap_err();
        assert!(wrong.to_string().contains("multi-thread, "), "{wrong}");
    }
}
