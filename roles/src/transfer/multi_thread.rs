//! A thread for each task, all at once.

use std::io;
use std::thread::{Builder, ScopedJoinHandle, scope};

use protocol::role::RoleEvent;
use protocol::task::Census;

use super::job::Job;
use super::options::TaskOptions;
use super::{blocking, census, send};
use crate::gate::Gate;
use crate::lines;

pub(super) fn run(jobs: &[Job], options: &TaskOptions) -> io::Result<Census> {
    let gate = Gate::default();
    scope(|scope| {
        let started: io::Result<Vec<ScopedJoinHandle<'_, io::Result<()>>>> = jobs
            .iter()
            .map(|job| {
                let work = || {
                    gate.pass();
                    let record = blocking::run(job, options, format!("thread {}", job.name));
                    lines::print(&RoleEvent::Task(record))
                };
                let name = job.name.as_str().to_owned();
                Builder::new().name(name).spawn_scoped(scope, work)
            })
            .collect();
        let counted = census::threads();
        gate.open();
        for thread in started? {
            thread.join().map_err(|_| send::broke_off())??;
        }
        Ok(Census {
            processes: 1,
            threads: counted?,
            tasks: u32::try_from(jobs.len()).unwrap_or(u32::MAX),
        })
    })
}
