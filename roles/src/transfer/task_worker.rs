//! A process that does some of the tasks, seen from the one that started it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use protocol::role::RoleEvent;
use protocol::task::{TaskRecord, TaskResult};

use super::job::{Ended, Job, Start};
use super::options::TaskOptions;
use crate::worker::{self, PipedWorker};

/// A worker and its tasks. Its process is killed when this is dropped.
#[derive(Debug)]
pub(super) struct TaskWorker<'a> {
    worker: PipedWorker,
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

impl<'a> TaskWorker<'a> {
    /// Starts a worker for these tasks.
    pub(super) fn start(
        jobs: Vec<&'a Job>,
        options: &TaskOptions,
        concurrent: bool,
    ) -> io::Result<Self> {
        let mut command = worker::command("send-worker");
        command.args(options.words());
        command.args(concurrent.then_some("--concurrent"));
        for job in &jobs {
            command.args(["--task", &job.word()]);
        }
        Ok(Self {
            worker: PipedWorker::start(command)?,
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
        self.worker.go()
    }

    /// Returns the events that it has printed since; none once it has closed its output. Waits if there is
    /// nothing.
    pub(super) fn read(&mut self) -> io::Result<Option<Vec<RoleEvent>>> {
        let events = self.worker.new_events()?;
        for event in events.iter().flatten() {
            match event {
                RoleEvent::Ready => self.stage = Stage::Ready,
                RoleEvent::Task(record) => self.note(record),
                _ => {}
            }
        }
        Ok(events)
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
        let process = &mut self.worker.process.child;
        if late {
            process.kill()?;
        }
        let ending = worker::ending(process.wait()?);
        let result = if late {
            TaskResult::Late
        } else {
            TaskResult::Failed {
                reason: format!("its process ended with {ending}"),
            }
        };
        let worker = format!("process {}", process.id());
        let left = self.left.into_iter();
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

impl AsFd for TaskWorker<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.worker.as_fd()
    }
}

/// A process's tasks end by themselves at their deadline; so long after it, something is amiss.
const GRACE: Duration = Duration::from_secs(2);
