//! The loop that does a task and yields to others while it waits.

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use protocol::task::{TaskRecord, TaskResult};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::job::{Ended, Job, Start};
use super::options::TaskOptions;
use super::sending::Sending;
use crate::broadcast::Wait;

/// A job whose file and socket are open, or could not be opened.
#[derive(Debug)]
pub(super) struct OpenJob {
    job: Job,
    start: Start,
    sending: Result<Sending, TaskResult>,
}

impl OpenJob {
    /// Opens file and socket, which may block. The task's time and its deadline count from here.
    pub(super) fn new(job: &Job, options: &TaskOptions) -> Self {
        let start = Start::now();
        Self {
            job: job.clone(),
            start,
            sending: Sending::begin(job, options, start),
        }
    }

    /// Does the task; `worker` says who does it.
    pub(super) async fn run(self, worker: String) -> TaskRecord {
        let ended = match self.sending {
            Err(result) => Ended::before(result),
            Ok(sending) => {
                let ended = drive(sending).await;
                ended.unwrap_or_else(|error| Sending::cannot_wait(&self.job, &error))
            }
        };
        self.job.record(self.start, worker, ended)
    }
}

async fn drive(mut sending: Sending) -> io::Result<Ended> {
    // Another descriptor of the same socket, for the runtime to watch.
    let watched = UdpSocket::from_std(sending.as_fd().try_clone_to_owned()?.into())?;
    loop {
        match sending.step() {
            Ok(wait) => ready(&watched, wait).await?,
            Err(ended) => return Ok(ended),
        }
    }
}

/// Waits. What was ready counts as used before the next step, which uses all of it: what comes
/// meanwhile is news then.
async fn ready(watched: &UdpSocket, wait: Wait) -> io::Result<()> {
    if wait.until.is_some_and(|until| until <= Instant::now()) {
        tokio::task::yield_now().await;
        return Ok(());
    }
    let timer = async {
        match wait.until {
            Some(until) => tokio::time::sleep_until(until.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        readable = watched.readable(), if wait.readable => readable.map(|()| used(watched, Interest::READABLE)),
        writable = watched.writable(), if wait.writable => {
            writable.map(|()| used(watched, Interest::WRITABLE))
        }
        () = timer => Ok(()),
    }
}

/// Takes note that the socket is as ready as it was no longer.
fn used(watched: &UdpSocket, interest: Interest) {
    let used = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
    // That is the answer to be had.
    let _ = watched.try_io(interest, used);
}
