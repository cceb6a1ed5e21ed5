//! The loop that does a task and yields to others while it waits.

use std::io;
use std::time::Instant;

use protocol::task::{TaskRecord, TaskResult};
use tokio::net::UdpSocket;

use super::job::{Ended, Job, Start};
use super::naive::Naive;
use super::options::How;
use super::{send, socket};

/// Does a task on a file that was read before, for reading would block; `worker` says who does it.
pub(super) async fn run(
    job: Job,
    content: Result<Vec<u8>, TaskResult>,
    how: How,
    worker: String,
) -> TaskRecord {
    let start = Start::now();
    let ended = match content {
        Err(result) => Ended::before(result),
        Ok(content) => {
            let task = Naive::new(how.framing, content, how.pause, start.at + how.deadline);
            let ended = transmit(&job, &how, task).await;
            ended.unwrap_or_else(|error| Ended::before(send::failed(&job, &error)))
        }
    };
    job.record(start, worker, ended)
}

async fn transmit(job: &Job, how: &How, mut task: Naive) -> io::Result<Ended> {
    let socket = UdpSocket::from_std(socket::sender(how.interface.as_ref())?)?;
    loop {
        if let Some(ended) = task.ended() {
            return Ok(ended);
        }
        let until = task.next_timer();
        let Some(datagram) = task.poll_transmit(Instant::now()) else {
            tokio::time::sleep_until(task.next_timer().into()).await;
            task.on_timer(Instant::now());
            continue;
        };
        // Now and then this yields even where there is room, so that others have their turn.
        let sending = socket.send_to(datagram, job.to);
        if let Ok(outcome) = tokio::time::timeout_at(until.into(), sending).await {
            task.on_sent(outcome.map(|_| ()));
        }
    }
}
