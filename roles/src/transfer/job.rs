//! A file, where it is sent, and how it fared.

use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::name::{FileName, NameError};
use protocol::task::{TaskRecord, TaskResult};

/// A task to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The file.
    pub(super) path: PathBuf,
    /// Its name.
    pub(super) name: FileName,
    /// Where it is sent.
    pub(super) to: SocketAddrV4,
}

/// The outcome of a task, without its times.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) bytes: u64,
    pub(super) datagrams: u64,
    pub(super) repeated: u64,
    pub(super) result: TaskResult,
}

/// A start, by the wall's clock and by one that nobody sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) at: Instant,
    stamp: f64,
}

impl Job {
    pub(super) fn new(path: PathBuf, to: SocketAddrV4) -> Result<Self, NameError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.parse()?;
        Ok(Self { path, name, to })
    }

    /// The argument that stands for it.
    pub(super) fn word(&self) -> String {
        format!("{}={}", self.path.display(), self.to)
    }

    /// Returns its record.
    pub(super) fn record(&self, start: Start, worker: String, ended: Ended) -> TaskRecord {
        TaskRecord {
            file: self.name.clone(),
            to: self.to.to_string(),
            bytes: ended.bytes,
            datagrams: ended.datagrams,
            repeated: ended.repeated,
            worker,
            started: start.stamp(),
            seconds: start.elapsed().as_secs_f64(),
            result: ended.result,
        }
    }
}

impl Ended {
    /// A task that ended before anything was sent.
    pub(super) fn before(result: TaskResult) -> Self {
        Self {
            bytes: 0,
            datagrams: 0,
            repeated: 0,
            result,
        }
    }
}

impl Start {
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            stamp: stamp(),
        }
    }

    /// Seconds since 1970 (UTC).
    pub(super) fn stamp(self) -> f64 {
        self.stamp
    }

    pub(super) fn elapsed(self) -> Duration {
        self.at.elapsed()
    }
}

/// The wall's clock, in seconds since 1970 (UTC).
pub(super) fn stamp() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
