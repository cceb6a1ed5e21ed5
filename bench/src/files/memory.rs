//! What a server holds in memory while it is at work.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::BenchError;

/// Looks again and again what a server and all processes below it hold. That costs time, so what is
/// timed is not looked at.
#[derive(Debug)]
pub(super) struct Meter {
    over: Arc<AtomicBool>,
    watcher: JoinHandle<u64>,
}

impl Meter {
    /// Begins with the server of a lab, in which nothing else runs yet.
    pub(super) fn begin(lab: &str) -> Result<Self, BenchError> {
        let missing = || BenchError::Wrong("the server is not among the processes".to_owned());
        let server = server(lab).ok_or_else(missing)?;
        let over = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&over);
        let watcher = thread::spawn(move || {
            let mut peak = 0;
            while !asked.load(Ordering::Acquire) {
                peak = peak.max(held(&server));
                thread::sleep(INTERVAL);
            }
            peak
        });
        Ok(Self { over, watcher })
    }

    /// Ends; the most that was held at once, in KiB.
    pub(super) fn end(self) -> Result<u64, BenchError> {
        self.over.store(true, Ordering::Release);
        match self.watcher.join() {
            Ok(peak) if peak > 0 => Ok(peak),
            _ => Err(BenchError::Wrong(
                "the server's memory could not be looked at".to_owned(),
            )),
        }
    }
}

/// The server's first process: the only one that an agent has started. Agents are marked with their lab,
/// what they start is not.
fn server(lab: &str) -> Option<PathBuf> {
    let mark = format!("{}={lab}", protocol::keeper::MARK);
    let is_marked = |process: &Path| {
        let text = fs::read(process.join("environ")).unwrap_or_default();
        text.split(|&byte| byte == 0)
            .any(|word| word == mark.as_bytes())
    };
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let marked = processes
        .map(|entry| entry.path())
        .filter(|path| is_marked(path));
    let mut started = marked.flat_map(|process| children(&process));
    started.find(|process| !is_marked(process))
}

/// The proportional set size of a process and all below it, in KiB: proc(5) shares pages out among
/// the processes that have them.
fn held(process: &Path) -> u64 {
    let below = children(process);
    proportional(process).unwrap_or_default() + below.iter().map(|child| held(child)).sum::<u64>()
}

fn children(process: &Path) -> Vec<PathBuf> {
    let threads = fs::read_dir(process.join("task")).into_iter().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let lists: Vec<String> = lists.collect();
    let numbers = lists.iter().flat_map(|list| list.split_whitespace());
    numbers
        .map(|number| Path::new("/proc").join(number))
        .collect()
}

fn proportional(process: &Path) -> Option<u64> {
    let text = fs::read_to_string(process.join("smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(2);
