//! The loop that does a task and blocks its thread.

use std::io;
use std::time::Instant;

use protocol::task::TaskRecord;

use super::job::{Ended, Job, Start};
use super::naive::Naive;
use super::options::How;
use super::{send, socket};

/// Does a task; `worker` says who does it.
pub(super) fn run(job: &Job, how: &How, worker: String) -> TaskRecord {
    let start = Start::now();
    let ended = job.load().map_or_else(Ended::before, |content| {
        let task = Naive::new(how.framing, content, how.pause, start.at + how.deadline);
        transmit(job, how, task).unwrap_or_else(|error| Ended::before(send::failed(job, &error)))
    });
    job.record(start, worker, ended)
}

fn transmit(job: &Job, how: &How, mut task: Naive) -> io::Result<Ended> {
    let socket = socket::sender(how.interface.as_ref())?;
    loop {
        if let Some(ended) = task.ended() {
            return Ok(ended);
        }
        let until = task.next_timer();
        let Some(datagram) = task.poll_transmit(Instant::now()) else {
            socket::wait(&[], Some(task.next_timer()))?;
            task.on_timer(Instant::now());
            continue;
        };
        match socket.send_to(datagram, job.to) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket::wait_writable(&socket, until)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => task.on_sent(outcome.map(|_| ())),
        }
    }
}
