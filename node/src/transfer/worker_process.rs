//! A process that does some of the tasks, seen from the one that started it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use protocol::role::RoleEvent;
use protocol::task::{TaskRecord, TaskResult};

use super::job::{Ended, Job, Start};
use super::options::TaskOptions;

/// A process at work. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct WorkerProcess<'a> {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    printed: Vec<u8>,
    /// Tasks of which it has not told yet.
    left: Vec<&'a Job>,
    /// When it was started, and, from then on, when it was told to go.
    start: Start,
    stage: Stage,
    patience: Duration,
}

/// The progress of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Started,
    Ready,
    Gone,
}

impl<'a> WorkerProcess<'a> {
    /// Starts this program once more.
    pub(super) fn start(
        jobs: Vec<&'a Job>,
        options: &TaskOptions,
        concurrent: bool,
    ) -> io::Result<Self> {
        let mut command = Command::new(THIS_PROGRAM);
        command.arg("send-worker").args(options.words());
        command.args(concurrent.then_some("--concurrent"));
        for job in &jobs {
            command.args(["--task", &job.word()]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self {
            child,
            input,
            output,
            printed: Vec::new(),
            left: jobs,
            start: Start::now(),
            stage: Stage::Started,
            patience: options.deadline + GRACE,
        })
    }

    /// Lets it do its tasks.
    pub(super) fn go(&mut self) -> io::Result<()> {
        self.start = Start::now();
        self.stage = Stage::Gone;
        match self.input.write_all(b"go\n") {
            // It has ended, which its output tells with more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Returns the events that it has printed since; none once it has closed its output. Waits if there is
    /// nothing.
    pub(super) fn read(&mut self) -> io::Result<Option<Vec<RoleEvent>>> {
        let mut chunk = [0; 4096];
        let count = match self.output.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(Some(Vec::new()));
            }
            count => count?,
        };
        self.printed.extend_from_slice(&chunk[..count]);
        let mut events = Vec::new();
        while let Some(end) = self.printed.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.printed.drain(..=end).collect();
            let event = serde_json::from_slice(&line)?;
            match &event {
                RoleEvent::Ready => self.stage = Stage::Ready,
                RoleEvent::Task(record) => self.note(record),
                _ => {}
            }
            events.push(event);
        }
        Ok((count > 0).then_some(events))
    }

    /// When it is so late that it will not answer any more.
    pub(super) fn deadline(&self) -> Instant {
        self.start.at + self.patience
    }

    /// Whether it has been ready to go.
    pub(super) fn is_ready(&self) -> bool {
        self.stage != Stage::Started
    }

    /// Whether it is ready and was not told to go.
    pub(super) fn is_held(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Its tasks that have not ended.
    pub(super) fn tasks(&self) -> usize {
        self.left.len()
    }

    /// Waits for its end, and tells of the tasks of which it did not. One that is late is killed.
    pub(super) fn finish(mut self, late: bool) -> io::Result<Vec<TaskRecord>> {
        if late {
            self.child.kill()?;
        }
        let status = self.child.wait()?;
        let result = if late {
            TaskResult::Late
        } else {
            TaskResult::Failed {
                reason: format!("its process ended with {}", ending(status)),
            }
        };
        let worker = format!("process {}", self.child.id());
        let left = std::mem::take(&mut self.left).into_iter();
        let ended = || Ended::before(result.clone());
        Ok(left
            .map(|job| job.record(self.start, worker.clone(), ended()))
            .collect())
    }

    fn note(&mut self, record: &TaskRecord) {
        let told = |job: &Job| job.name == record.file && job.to.to_string() == record.to;
        if let Some(place) = self.left.iter().position(|job| told(job)) {
            self.left.swap_remove(place);
        }
    }
}

impl AsFd for WorkerProcess<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }
}

impl Drop for WorkerProcess<'_> {
    fn drop(&mut self) {
        // Mostly it has ended by itself, and nothing better can be done where not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}

/// The node binary, also where it lies in memory only (`proc_pid_exe(5)`).
const THIS_PROGRAM: &str = "/proc/self/exe";

/// A process's tasks end by themselves at their deadline; so long after it, something is amiss.
const GRACE: Duration = Duration::from_secs(2);
