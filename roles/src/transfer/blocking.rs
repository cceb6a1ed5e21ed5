//! The loop that does a task and blocks its thread.

use std::os::fd::AsFd;

use protocol::task::TaskRecord;

use super::job::{Ended, Job, Start};
use super::options::TaskOptions;
use super::sending::Sending;
use crate::broadcast;

/// Does a task; `worker` says who does it.
pub(super) fn run(job: &Job, options: &TaskOptions, worker: String) -> TaskRecord {
    let start = Start::now();
    let ended = match Sending::begin(job, options, start) {
        Ok(sending) => drive(job, sending),
        Err(result) => Ended::before(result),
    };
    job.record(start, worker, ended)
}

fn drive(job: &Job, mut sending: Sending) -> Ended {
    loop {
        let wait = match sending.step() {
            Ok(wait) => wait,
            Err(ended) => return ended,
        };
        if let Err(error) = broadcast::wait(sending.as_fd(), wait) {
            return Sending::cannot_wait(job, &error);
        }
    }
}
