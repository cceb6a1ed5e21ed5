//! Clients that are threads.

use std::io;
use std::thread::{Builder, ScopedJoinHandle, scope};
use std::time::Instant;

use protocol::stress::ClientRecord;

use super::blocking;
use super::command::{Ended, tell};
use super::job::Job;
use crate::gate::Gate;

/// Does all jobs at once.
pub(super) fn run(jobs: Vec<Job>) -> io::Result<Ended> {
    let gate = Gate::default();
    scope(|scope| {
        let started: io::Result<Vec<ScopedJoinHandle<'_, io::Result<ClientRecord>>>> = jobs
            .into_iter()
            .map(|job| {
                let (gate, name) = (&gate, format!("client-{}", job.client));
                let work = move || {
                    gate.pass();
                    let record = blocking::run(job);
                    tell(&record).map(|()| record)
                };
                Builder::new().name(name).spawn_scoped(scope, work)
            })
            .collect();
        let began = Instant::now();
        gate.open();
        let joined = started?.into_iter().map(ScopedJoinHandle::join);
        let records: io::Result<Vec<ClientRecord>> = joined
            .map(|record| record.map_err(|_| io::Error::other("a client broke off"))?)
            .collect();
        Ok(Ended {
            seconds: began.elapsed().as_secs_f64(),
            records: records?,
        })
    })
}
