//! Processes that do the tasks: this program, started again for each, never a fork of itself.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use nix::poll::PollFlags;
use protocol::role::RoleEvent;
use protocol::task::Census;

use super::census;
use super::job::Job;
use super::options::TaskOptions;
use super::task_worker::TaskWorker;
use crate::{lines, readiness};

/// A process for each task, at most `pool` at once.
pub(super) fn run(jobs: &[Job], options: &TaskOptions, pool: u32) -> io::Result<Census> {
    let shares = jobs.iter().map(|job| vec![job]).collect();
    Pool::new(shares, options, false).run(pool as usize)
}

/// At most `pool` processes, each of which does its share of the tasks concurrently on one thread.
pub(super) fn run_shared(jobs: &[Job], options: &TaskOptions, pool: u32) -> io::Result<Census> {
    let processes = jobs.len().min(pool as usize);
    let share = |first| jobs.iter().skip(first).step_by(processes).collect();
    Pool::new((0..processes).map(share).collect(), options, true).run(pool as usize)
}

struct Pool<'a> {
    waiting: VecDeque<Vec<&'a Job>>,
    options: &'a TaskOptions,
    concurrent: bool,
    at_work: Vec<TaskWorker<'a>>,
    /// Whether the first workers have all been ready and were counted, so that all may go.
    open: bool,
    census: Census,
}

impl<'a> Pool<'a> {
    fn new(waiting: VecDeque<Vec<&'a Job>>, options: &'a TaskOptions, concurrent: bool) -> Self {
        Self {
            waiting,
            options,
            concurrent,
            at_work: Vec::new(),
            open: false,
            census: Census::default(),
        }
    }

    fn run(mut self, size: usize) -> io::Result<Census> {
        self.census.threads = census::threads()?;
        self.fill(size)?;
        while !self.at_work.is_empty() {
            let until = self.at_work.iter().map(TaskWorker::deadline).min();
            let output = |worker: &'_ TaskWorker<'a>| worker.as_fd().try_clone_to_owned();
            let outputs: Vec<_> = self.at_work.iter().map(output).collect::<Result<_, _>>()?;
            let outputs: Vec<_> = outputs
                .iter()
                .map(|o| (o.as_fd(), PollFlags::POLLIN))
                .collect();
            let ready = readiness::wait(&outputs, until)?;
            for (worker, readable) in std::mem::take(&mut self.at_work).into_iter().zip(ready) {
                self.attend(worker, readable)?;
            }
            self.fill(size)?;
            self.release()?;
        }
        Ok(self.census)
    }

    /// Starts workers until so many are at work.
    fn fill(&mut self, size: usize) -> io::Result<()> {
        while self.at_work.len() < size {
            let Some(share) = self.waiting.pop_front() else {
                break;
            };
            let worker = TaskWorker::start(share, self.options, self.concurrent)?;
            self.at_work.push(worker);
        }
        Ok(())
    }

    /// Lets those go that are ready, the first ones all at once.
    fn release(&mut self) -> io::Result<()> {
        self.open |= self.at_work.iter().all(TaskWorker::is_ready);
        if !self.open {
            return Ok(());
        }
        let tasks: usize = self.at_work.iter().map(TaskWorker::tasks).sum();
        let tasks = u32::try_from(tasks).unwrap_or(u32::MAX);
        self.census.tasks = self.census.tasks.max(tasks);
        let held = self.at_work.iter_mut().filter(|worker| worker.is_held());
        let held: Vec<_> = held.collect();
        if !held.is_empty() {
            self.census.processes = self.census.processes.max(census::processes()?);
        }
        held.into_iter().try_for_each(TaskWorker::go)
    }

    /// Hears what a worker has to say, and keeps it while it is at work.
    fn attend(&mut self, mut worker: TaskWorker<'a>, readable: bool) -> io::Result<()> {
        let late = !readable && worker.deadline() <= Instant::now();
        let events = if readable {
            worker.read()?
        } else {
            Some(Vec::new())
        };
        let Some(events) = events.filter(|_| !late) else {
            let left = worker.finish(late)?.into_iter();
            return left
                .map(RoleEvent::Task)
                .try_for_each(|event| lines::print(&event));
        };
        for event in events {
            match event {
                RoleEvent::Ran(record) => {
                    self.census.threads = self.census.threads.max(record.census.threads);
                }
                RoleEvent::Task(_) => lines::print(&event)?,
                _ => {}
            }
        }
        self.at_work.push(worker);
        Ok(())
    }
}
