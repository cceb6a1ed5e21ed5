//! A file on its way under any framing, with its own socket: what a thread or an event loop drives.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use protocol::broadcast::Seal;
use protocol::role::RoleEvent;
use protocol::task::{Framing, TaskResult};

use super::job::{Ended, Job, Start};
use super::naive_task::NaiveTask;
use super::options::TaskOptions;
use crate::broadcast::random::draw;
use crate::broadcast::{Expected, Segmentation, SendOrder, SendTask, Step, Task, Wait};

/// A file on its way. It never blocks.
#[derive(Debug)]
pub(super) enum Sending {
    /// Datagrams that are never heard of again.
    Naive(NaiveTask),
    /// A session, until each receiver has proved its copy.
    Session(Box<Session>),
}

/// A session of one file, and the rest after it.
#[derive(Debug)]
pub(super) struct Session {
    task: SendTask,
    pause: Duration,
    deadline: Instant,
    bytes: u64,
    resting_until: Option<Instant>,
    told: VecDeque<RoleEvent>,
}

impl Sending {
    /// Opens file and socket, for a task whose time and deadline count from `start`.
    pub(super) fn begin(
        job: &Job,
        options: &TaskOptions,
        start: Start,
    ) -> Result<Self, TaskResult> {
        let failed = |why: String| TaskResult::Failed { reason: why };
        if options.framing != Framing::Reliable {
            let task = NaiveTask::begin(job, options, start).map_err(failed)?;
            return Ok(Self::Naive(task));
        }
        let receivers = if options.receivers.is_empty() {
            BTreeSet::from([*job.to.ip()])
        } else {
            options.receivers.iter().copied().collect()
        };
        let order = SendOrder {
            to: job.to,
            interface: options.interface.clone(),
            files: vec![job.path.clone()],
            receivers: Expected::Addresses(receivers),
            deadline: options.deadline,
            patience: options.deadline.min(PATIENCE),
            rate: None,
            segmentation: Segmentation::Auto,
            seal: Seal::default(),
            // Tasks of one run are told apart by their numbers, whichever worker has them.
            seed: options.seed.map(|seed| draw(Some(seed), &job.word())),
            dropping: options.drop.clone(),
        };
        let task = SendTask::new(order).map_err(|error| failed(error.to_string()))?;
        Ok(Self::Session(Box::new(Session {
            bytes: task.progress().map_or(0, |(_, total)| total),
            task,
            pause: options.pause,
            deadline: start.at + options.deadline,
            resting_until: None,
            told: VecDeque::new(),
        })))
    }

    /// Does all that can be done without waiting: what to wait for then, or what it came to.
    pub(super) fn step(&mut self) -> Result<Wait, Ended> {
        match self {
            Self::Naive(task) => task.step(),
            Self::Session(task) => task.step(),
        }
    }

    /// Returns its outcome if its socket cannot be waited for.
    pub(super) fn cannot_wait(job: &Job, error: &io::Error) -> Ended {
        Ended::before(TaskResult::Failed {
            reason: format!("cannot send to {}: {error}", job.to),
        })
    }
}

impl AsFd for Sending {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Naive(task) => task.as_fd(),
            Self::Session(task) => task.task.as_fd(),
        }
    }
}

impl Session {
    fn step(&mut self) -> Result<Wait, Ended> {
        if let Some(until) = self.resting_until {
            return self.rest(until);
        }
        let step = self.task.step();
        while let Some(event) = self.task.poll_event() {
            self.told.push_back(event);
        }
        match step {
            Ok(Step::Wait(wait)) => Ok(wait),
            Ok(Step::Done(true)) => {
                let until = Instant::now() + self.pause;
                self.resting_until = Some(until);
                self.rest(until)
            }
            Ok(Step::Done(false)) => Err(self.failed()),
            Err(error) => Err(self.ended(TaskResult::Failed {
                reason: error.to_string(),
            })),
        }
    }

    fn rest(&self, until: Instant) -> Result<Wait, Ended> {
        let now = Instant::now();
        if until <= now && until <= self.deadline {
            return Err(self.ended(TaskResult::Done));
        }
        if self.deadline <= now {
            return Err(self.ended(TaskResult::Late));
        }
        Ok(Wait {
            until: Some(until.min(self.deadline)),
            readable: true,
            writable: false,
        })
    }

    /// It gave up on somebody, because of the deadline or before.
    fn failed(&self) -> Ended {
        if self.deadline <= Instant::now() {
            return self.ended(TaskResult::Late);
        }
        let reasons = self.told.iter().filter_map(|event| match event {
            RoleEvent::Lost { receiver, reason } => {
                Some(format!("gave up on {receiver}: {reason}"))
            }
            RoleEvent::Failed { reason } => Some(reason.clone()),
            _ => None,
        });
        let reason = reasons.collect::<Vec<_>>().join("; ");
        self.ended(TaskResult::Failed { reason })
    }

    fn ended(&self, result: TaskResult) -> Ended {
        let summary = self.told.iter().find_map(|event| match event {
            RoleEvent::Finished(summary) => Some(summary),
            _ => None,
        });
        Ended {
            bytes: self.bytes,
            datagrams: summary.map_or(0, |summary| summary.datagrams),
            repeated: summary.map_or(0, |summary| summary.repeated),
            result,
        }
    }
}

/// A receiver that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(5);
