//! The loop that does a task and blocks its thread.

use nix::poll::PollFlags;
use std::os::fd::AsFd;

use protocol::task::TaskRecord;

use super::effort::Sending;
use super::job::{Ended, Job, Start};
use super::options::TaskOptions;
use super::socket;

/// Does a task; `worker` says who does it.
pub(super) fn run(job: &Job, options: &TaskOptions, worker: String) -> TaskRecord {
    let start = Start::now();
    let ended = match Sending::begin(job, options, start) {
        Ok(effort) => drive(job, effort),
        Err(result) => Ended::before(result),
    };
    job.record(start, worker, ended)
}

fn drive(job: &Job, mut effort: Sending) -> Ended {
    loop {
        let wait = match effort.step() {
            Ok(wait) => wait,
            Err(ended) => return ended,
        };
        let mut events = PollFlags::empty();
        events.set(PollFlags::POLLIN, wait.readable);
        events.set(PollFlags::POLLOUT, wait.writable);
        if let Err(error) = socket::wait(&[(effort.as_fd(), events)], wait.until) {
            return Sending::cannot_wait(job, &error);
        }
    }
}
