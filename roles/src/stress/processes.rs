//! Clients that are processes.

use std::io;
use std::thread::scope;
use std::time::Instant;

use protocol::role::RoleEvent;
use protocol::stress::ClientRecord;

use super::command::{Ended, tell};
use super::job::{Job, Outcome};
use crate::worker::{self, PipedWorker};

/// Does all jobs at once.
pub(super) fn run(jobs: Vec<Job>) -> io::Result<Ended> {
    let mut clients: Vec<Client> = jobs
        .into_iter()
        .map(Client::start)
        .collect::<Result<_, _>>()?;
    clients.iter_mut().try_for_each(Client::await_ready)?;
    let began = Instant::now();
    clients
        .iter_mut()
        .try_for_each(|client| client.worker.go())?;
    let records: io::Result<Vec<ClientRecord>> = scope(|scope| {
        let ends = clients.into_iter().map(|client| {
            scope.spawn(move || {
                let record = client.record(began)?;
                tell(&record).map(|()| record)
            })
        });
        let ends: Vec<_> = ends.collect();
        ends.into_iter()
            .map(|end| {
                end.join()
                    .map_err(|_| io::Error::other("a client broke off"))?
            })
            .collect()
    });
    Ok(Ended {
        seconds: began.elapsed().as_secs_f64(),
        records: records?,
    })
}

/// A client's process. It is killed when this is dropped.
#[derive(Debug)]
struct Client {
    job: Job,
    worker: PipedWorker,
}

impl Client {
    fn start(job: Job) -> io::Result<Self> {
        let mut command = worker::command("stress-worker");
        command.args(["--number", &job.client.to_string()]);
        command.args(job.options.words());
        if let Some(expected) = &job.expected {
            command.args(["--expected", expected]);
        }
        let worker = PipedWorker::start(command)?;
        Ok(Self { job, worker })
    }

    fn await_ready(&mut self) -> io::Result<()> {
        match self.worker.next_event()? {
            Some(RoleEvent::Ready) => Ok(()),
            _ => Err(io::Error::other("a client could not begin")),
        }
    }

    /// Returns its record, once it has ended.
    fn record(mut self, began: Instant) -> io::Result<ClientRecord> {
        if let Some(RoleEvent::Client(record)) = self.worker.next_event()? {
            return Ok(record);
        }
        let ending = worker::ending(self.worker.process.child.wait()?);
        let outcome = Outcome {
            failure: Some(format!("its process ended with {ending}")),
            ..Outcome::default()
        };
        Ok(self.job.record(began.elapsed().as_secs_f64(), outcome))
    }
}
