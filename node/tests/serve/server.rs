//! A server at work, in a directory of its own.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use protocol::role::RoleEvent;
use protocol::stress::{ServerRecord, StoredFile, WorkerLoss, Workers};
use tempfile::TempDir;

use crate::client::Client;

pub(crate) struct Server {
    child: Child,
    /// None once nobody listens to it.
    lines: Option<Lines<BufReader<ChildStdout>>>,
    address: String,
    home: TempDir,
}

/// What a server printed before its end, and its last line.
pub(crate) struct Ended {
    pub(crate) stored: Vec<StoredFile>,
    pub(crate) lost: Vec<WorkerLoss>,
    pub(crate) record: ServerRecord,
}

impl Server {
    pub(crate) fn start(model: Workers, workers: u32, more: &[&str]) -> Self {
        let node = Command::new(env!("CARGO_BIN_EXE_node"));
        Self::starting(node, model, workers, more)
    }

    /// One that may have so many descriptors.
    pub(crate) fn start_with_few_descriptors(most: u32, model: Workers, workers: u32) -> Self {
        let mut limited = Command::new("prlimit");
        limited.args([&format!("--nofile={most}:{most}"), "--"]);
        limited.arg(env!("CARGO_BIN_EXE_node"));
        Self::starting(limited, model, workers, &[])
    }

    fn starting(mut node: Command, model: Workers, workers: u32, more: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = node
            .args(["serve", "--address", "127.0.0.1", "--port", "0", "--report"])
            .args(["--model", model.word(), "--workers", &workers.to_string()])
            .arg("--directory")
            .arg(home.path())
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self {
            child,
            lines: Some(lines),
            address: String::new(),
            home,
        };
        let Some(RoleEvent::Listening(listening)) = server.next_event() else {
            panic!("it does not listen");
        };
        server.address = listening.address;
        assert_eq!(server.next_event(), Some(RoleEvent::Ready));
        server
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.address)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The names of all that lies in its directory, unfinished files too.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.path()).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|e| name(e).into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    /// Allows it so many descriptors from now on.
    pub(crate) fn limit_descriptors(&self, most: u32) {
        let limited = Command::new("prlimit")
            .args([&format!("--nofile={most}:"), "--pid"])
            .arg(self.child.id().to_string())
            .status();
        assert!(limited.unwrap().success());
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        fs::read_dir(folder).unwrap().count()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its workers that are processes.
    pub(crate) fn workers(&self) -> Vec<Pid> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        let number = |text: &str| Pid::from_raw(text.parse().unwrap());
        children.split_whitespace().map(number).collect()
    }

    pub(crate) fn next_event(&mut self) -> Option<RoleEvent> {
        let line = self.lines.as_mut()?.next()?.unwrap();
        Some(serde_json::from_str(&line).expect("every line is an event"))
    }

    /// Closes the other end of its output.
    pub(crate) fn stop_listening(&mut self) {
        self.lines = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Has it end, and returns what it printed until then.
    pub(crate) fn end(mut self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// What it printed until its end.
    pub(crate) fn ended(&mut self) -> Ended {
        let (mut stored, mut lost) = (Vec::new(), Vec::new());
        loop {
            match self.next_event() {
                Some(RoleEvent::Stored(file)) => stored.push(file),
                Some(RoleEvent::WorkerLost(loss)) => lost.push(loss),
                Some(RoleEvent::Served(record)) => {
                    assert_eq!(self.next_event(), None);
                    assert!(self.child.wait().unwrap().success());
                    return Ended {
                        stored,
                        lost,
                        record,
                    };
                }
                other => panic!("it printed {other:?}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a process has had, in kB.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB");
    peak.parse().unwrap()
}
