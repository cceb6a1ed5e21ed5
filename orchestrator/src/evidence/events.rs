//! The run's events, one JSON object a line (NDJSON), each as it happens.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::EvidenceError;

/// `events.ndjson`, open for writing. Lines from several tasks never mix.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    started: Instant,
    file: Mutex<File>,
}

/// A line: the event's own fields, and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped<E> {
    /// Seconds since the run began.
    pub at_s: f64,
    /// The event.
    #[serde(flatten)]
    pub event: E,
}

impl EventLog {
    /// Makes the file, or goes on with that of a run that was interrupted; `started` is when the run
    /// began.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn open(path: &Path, started: Instant) -> Result<Self, EvidenceError> {
        let mut options = File::options();
        let file = options
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| EvidenceError::at(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            started,
            file: Mutex::new(file),
        })
    }

    /// Writes one event; it is in the file when this returns. A line is small, so that async callers
    /// may call it directly.
    ///
    /// # Errors
    /// [`EvidenceError`] with the path.
    pub fn write(&self, event: &impl Serialize) -> Result<(), EvidenceError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken under the lock, so that stamps never go backwards.
        let at_s = (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e6;
        let stamped = Stamped { at_s, event };
        let mut line =
            serde_json::to_vec(&stamped).map_err(|e| EvidenceError::at(&self.path, e.into()))?;
        line.push(b'\n');
        file.write_all(&line)
            .map_err(|e| EvidenceError::at(&self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "event", rename_all = "kebab-case")]
    enum Event {
        NodeReady { node: String },
    }

    #[test]
    fn each_event_is_a_line_that_reads_back() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("events.ndjson");
        let log = EventLog::open(&path, Instant::now()).unwrap();
        for node in ["a", "line\nbreak"] {
            let node = node.to_owned();
            log.write(&Event::NodeReady { node }).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<Stamped<Event>> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read.len(), 2);
        let Event::NodeReady { node } = &read[1].event;
        assert_eq!(node, "line\nbreak");
        assert!(read[0].at_s <= read[1].at_s);
    }
}
